// What a CSI driver is asked: pure (pkg/volume/csi, csi_client.go and csi_mounter.go).
import type { CSIDriver, Pod } from '@drydock/api/generated/types.ts';
import type { Message } from '../../plugins/socket-client.ts';
import { podKey, uidOf } from '../../pod/observation.ts';
import type { CsiVolume } from './volume.ts';

/** Of csi.v1.NodeServiceCapability. */
export type Capabilities = ReadonlySet<string>;

type Texts = Readonly<Record<string, string>>;

const tokensKey = 'csi.storage.k8s.io/serviceAccount.tokens';

export interface StageInput {
  readonly volume: CsiVolume;
  readonly capabilities: Capabilities;
  /** The pod's fsGroup. */
  readonly group: number | undefined;
  /** What the driver said when it attached the volume. */
  readonly context: Texts;
  readonly stagingPath: string;
  readonly secrets: Texts;
}

export interface PublishInput extends Omit<StageInput, 'stagingPath'> {
  /** Undefined where the driver stages nothing. */
  readonly stagingPath: string | undefined;
  readonly targetPath: string;
  readonly pod: Pod;
  readonly object: CSIDriver | undefined;
  /** By audience. */
  readonly tokens: Readonly<Record<string, ServiceAccountToken>>;
}

export interface ServiceAccountToken {
  readonly token: string;
  /** RFC 3339. */
  readonly expirationTimestamp: string;
}

export function stageRequest(input: StageInput): Message {
  const { volume, context, stagingPath, secrets } = input;
  return {
    volume_id: volume.handle,
    publish_context: context,
    staging_target_path: stagingPath,
    volume_capability: capabilityOf(input),
    secrets,
    volume_context: volume.attributes,
  };
}

export function publishRequest(input: PublishInput): Message {
  const { volume, context, stagingPath, targetPath, secrets, object } = input;
  const tokens = tokensOf(input);
  const areSecret = object?.spec.serviceAccountTokenInSecrets === true;
  return {
    volume_id: volume.handle,
    publish_context: context,
    ...(stagingPath === undefined ? {} : { staging_target_path: stagingPath }),
    target_path: targetPath,
    volume_capability: capabilityOf(input),
    readonly: volume.readOnly,
    secrets: { ...secrets, ...(areSecret ? tokens : {}) },
    volume_context: { ...volume.attributes, ...podAttributes(input), ...(areSecret ? {} : tokens) },
  };
}

export interface ExpandInput {
  readonly volume: CsiVolume;
  readonly capabilities: Capabilities;
  readonly bytes: bigint;
  readonly path: string;
  /** Undefined where the driver stages nothing. */
  readonly stagingPath: string | undefined;
  readonly secrets: Texts;
}

export function expandRequest({ volume, capabilities, bytes, path, stagingPath, secrets }: ExpandInput): Message {
  return {
    volume_id: volume.handle,
    volume_path: path,
    capacity_range: { required_bytes: String(bytes) },
    ...(stagingPath === undefined ? {} : { staging_target_path: stagingPath }),
    volume_capability: capabilityOf({ volume, capabilities, group: undefined }),
    secrets,
  };
}

function capabilityOf({ volume, capabilities, group }: Pick<StageInput, 'volume' | 'capabilities' | 'group'>): Message {
  const takesGroup = group !== undefined && capabilities.has('VOLUME_MOUNT_GROUP');
  return {
    access_mode: { mode: accessMode(volume.accessModes[0] ?? 'ReadWriteOnce', capabilities) },
    mount: {
      fs_type: volume.fsType,
      mount_flags: volume.mountOptions,
      ...(takesGroup ? { volume_mount_group: String(group) } : {}),
    },
  };
}

function accessMode(mode: string, capabilities: Capabilities): string {
  const tellsApart = capabilities.has('SINGLE_NODE_MULTI_WRITER');
  switch (mode) {
    case 'ReadWriteOnce':
      return tellsApart ? 'SINGLE_NODE_MULTI_WRITER' : 'SINGLE_NODE_WRITER';
    case 'ReadWriteOncePod':
      return tellsApart ? 'SINGLE_NODE_SINGLE_WRITER' : 'SINGLE_NODE_WRITER';
    case 'ReadOnlyMany':
      return 'MULTI_NODE_READER_ONLY';
    case 'ReadWriteMany':
      return 'MULTI_NODE_MULTI_WRITER';
    default:
      return 'UNKNOWN';
  }
}

function podAttributes({ pod, object, volume }: PublishInput): Texts {
  if (object?.spec.podInfoOnMount !== true) return {};
  const { namespace, name } = podKey(pod);
  return {
    'csi.storage.k8s.io/pod.name': name,
    'csi.storage.k8s.io/pod.namespace': namespace,
    'csi.storage.k8s.io/pod.uid': uidOf(pod),
    'csi.storage.k8s.io/serviceAccount.name': pod.spec?.serviceAccountName ?? '',
    'csi.storage.k8s.io/ephemeral': String(volume.mode === 'Ephemeral'),
  };
}

function tokensOf({ tokens }: PublishInput): Texts {
  const audiences = Object.keys(tokens).sort();
  if (audiences.length === 0) return {};
  return { [tokensKey]: JSON.stringify(Object.fromEntries(audiences.map((each) => [each, tokens[each]]))) };
}
