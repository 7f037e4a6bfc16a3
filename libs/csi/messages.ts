// The messages of proto/csi/v1/csi.proto that the driver reads and writes, as the wire's decoder gives them: names as in the file, 64-bit
// numbers as text, missing messages as null.

export type StringMap = Readonly<Record<string, string>>;

export interface Capability {
  readonly block?: object | null;
  readonly mount?: {
    readonly fs_type?: string;
    readonly mount_flags?: readonly string[];
    readonly volume_mount_group?: string;
  } | null;
  readonly access_mode?: { readonly mode?: string } | null;
}

export interface CapacityRange {
  readonly required_bytes?: string;
  readonly limit_bytes?: string;
}

export interface Topology {
  readonly segments: StringMap;
}

export interface TopologyRequirement {
  readonly requisite?: readonly Topology[];
  readonly preferred?: readonly Topology[];
}

export interface Volume {
  readonly capacity_bytes: string;
  readonly volume_id: string;
  readonly volume_context: StringMap;
  readonly accessible_topology: readonly Topology[];
}

export interface CreateVolumeRequest {
  readonly name: string;
  readonly capacity_range?: CapacityRange | null;
  readonly volume_capabilities?: readonly Capability[];
  readonly parameters?: StringMap;
  readonly mutable_parameters?: StringMap;
  readonly volume_content_source?: object | null;
  readonly accessibility_requirements?: TopologyRequirement | null;
}

export interface ValidateRequest {
  readonly volume_id: string;
  readonly volume_context?: StringMap;
  readonly volume_capabilities?: readonly Capability[];
  readonly parameters?: StringMap;
  readonly mutable_parameters?: StringMap;
}

export interface ListVolumesRequest {
  readonly max_entries?: number;
  readonly starting_token?: string;
}

export interface GetCapacityRequest {
  readonly volume_capabilities?: readonly Capability[];
  readonly parameters?: StringMap;
  readonly accessible_topology?: Topology | null;
}

export interface ExpandRequest {
  readonly volume_id: string;
  readonly capacity_range?: CapacityRange | null;
  readonly volume_capability?: Capability | null;
}

export interface PublishRequest {
  readonly volume_id: string;
  readonly target_path: string;
  readonly volume_capability?: Capability | null;
  readonly readonly?: boolean;
  readonly volume_context?: StringMap;
}

export interface UnpublishRequest {
  readonly volume_id: string;
  readonly target_path: string;
}

export interface StatsRequest {
  readonly volume_id: string;
  readonly volume_path: string;
}
