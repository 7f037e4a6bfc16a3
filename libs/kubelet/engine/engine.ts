// The port to what runs containers. Configurations have the shape of the CRI's messages, because that is the language that
// kubelet and engines share; what engines report is reduced to what decisions need.

/** A pod's sandbox as an engine knows it. Times are milliseconds since the epoch. */
export interface Sandbox {
  readonly id: string;
  readonly podUid: string;
  readonly podName: string;
  readonly podNamespace: string;
  readonly attempt: number;
  readonly ready: boolean;
  readonly createdAtMs: number;
  readonly annotations: Readonly<Record<string, string>>;
}

export type ContainerState = 'created' | 'running' | 'exited' | 'unknown';

/** What a list of containers tells. */
export interface ContainerSummary {
  readonly id: string;
  readonly sandboxId: string;
  readonly podUid: string;
  readonly name: string;
  readonly attempt: number;
  readonly state: ContainerState;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A container in full. `startedAtMs`, `finishedAtMs`: 0 where it has not come to that. */
export interface ContainerDetail extends ContainerSummary {
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  readonly image: string;
  readonly imageRef: string;
  readonly logPath: string;
}

export type NamespaceMode = 'POD' | 'CONTAINER' | 'NODE' | 'TARGET';

export interface NamespaceOptions {
  readonly network: NamespaceMode;
  readonly pid: NamespaceMode;
  readonly ipc: NamespaceMode;
  readonly target_id?: string;
}

export interface SecurityProfile {
  readonly profile_type: 'RuntimeDefault' | 'Unconfined' | 'Localhost';
  readonly localhost_ref?: string;
}

export interface SandboxConfig {
  readonly metadata: { readonly name: string; readonly uid: string; readonly namespace: string; readonly attempt: number };
  readonly hostname: string;
  readonly log_directory: string;
  readonly dns_config: { readonly servers: string[]; readonly searches: string[]; readonly options: string[] };
  readonly port_mappings: readonly {
    readonly protocol: string;
    readonly container_port: number;
    readonly host_port: number;
    readonly host_ip: string;
  }[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly linux: {
    readonly cgroup_parent: string;
    readonly sysctls: Readonly<Record<string, string>>;
    /** What the sandbox takes itself, by the RuntimeClass. */
    readonly overhead?: Omit<LinuxResources, 'oom_score_adj'>;
    /** What the containers take together; runtimes that cannot grow a sandbox make it as large as that. */
    readonly resources: Omit<LinuxResources, 'oom_score_adj'>;
    readonly security_context: {
      readonly namespace_options: NamespaceOptions;
      readonly selinux_options?: object;
      readonly supplemental_groups_policy?: string;
      readonly run_as_user?: { readonly value: number };
      readonly run_as_group?: { readonly value: number };
      readonly supplemental_groups: readonly number[];
      readonly privileged: boolean;
      readonly seccomp: SecurityProfile;
    };
  };
}

export interface Mount {
  readonly container_path: string;
  readonly host_path: string;
  readonly readonly: boolean;
  readonly propagation?: 'PROPAGATION_PRIVATE' | 'PROPAGATION_HOST_TO_CONTAINER' | 'PROPAGATION_BIDIRECTIONAL';
}

/** Zero stands for no limit. */
export interface LinuxResources {
  readonly cpu_period: number;
  readonly cpu_quota: number;
  readonly cpu_shares: number;
  readonly memory_limit_in_bytes: number;
  readonly oom_score_adj: number;
}

export interface ContainerConfig {
  readonly metadata: { readonly name: string; readonly attempt: number };
  readonly image: { readonly image: string };
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly working_dir: string;
  readonly envs: readonly { readonly key: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly log_path: string;
  readonly stdin: boolean;
  readonly stdin_once: boolean;
  readonly tty: boolean;
  readonly linux: {
    readonly resources: LinuxResources;
    readonly security_context: Readonly<Record<string, unknown>>;
  };
}

export interface Image {
  readonly id: string;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  /** The image's user: a number, or a name. */
  readonly uid: number | undefined;
  readonly username: string;
}

export interface ContainerUsage {
  readonly id: string;
  readonly name: string;
  readonly podUid: string;
  readonly timestampMs: number;
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
  readonly writableBytes: number;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

export interface StreamRequest {
  readonly containerId: string;
  /** Left out: attach to the container's own process. */
  readonly command?: readonly string[] | undefined;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** What an engine says of itself. `problems` is empty where it can run pods. */
export interface EngineStatus {
  readonly runtimeReady: boolean;
  readonly networkReady: boolean;
  readonly problems: readonly string[];
  /** Whether it can leave out the groups that images give their users (`supplementalGroupsPolicy: Strict`); unless said it cannot. */
  readonly supplementalGroupsPolicy?: boolean;
}

/** A call that failed; `code` is data, the text is the engine's. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: 'NotFound' | 'Unavailable' | 'DeadlineExceeded' | 'Other';

  constructor(code: EngineError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * What runs containers: containerd or CRI-O through the CRI, or the hollow engine. Every call fails with EngineError. Stops
 * and removals are idempotent: what is not there is stopped and removed.
 */
export interface ContainerEngine {
  /** `containerd`, `1.6.20`. */
  version(): Promise<{ name: string; version: string }>;
  status(): Promise<EngineStatus>;
  /** All, or those of one pod. */
  listSandboxes(podUid?: string): Promise<Sandbox[]>;
  listContainers(podUid?: string): Promise<ContainerSummary[]>;
  /** The addresses that pods of this node get; engines whose network is configured otherwise take no notice. */
  setPodCidr(cidr: string): Promise<void>;
  /** Addresses of the sandbox, none for the node's network. */
  sandboxIps(id: string): Promise<string[]>;
  container(id: string): Promise<ContainerDetail>;
  /** `runtimeHandler`: of the pod's RuntimeClass; empty for the default. */
  runSandbox(config: SandboxConfig, runtimeHandler: string): Promise<string>;
  stopSandbox(id: string): Promise<void>;
  removeSandbox(id: string): Promise<void>;
  createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** Resolves when it has ended: by SIGTERM, or by SIGKILL after the grace period. */
  stopContainer(id: string, graceSeconds: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  reopenLog(id: string): Promise<void>;
  execSync(id: string, command: readonly string[], timeoutSeconds: number): Promise<ExecResult>;
  /** The URL of a streaming server for exec or attach; undefined where the engine has none. */
  streamUrl(request: StreamRequest): Promise<string | undefined>;
  portForwardUrl(sandboxId: string, ports: readonly number[]): Promise<string | undefined>;
  images(): Promise<Image[]>;
  image(name: string): Promise<Image | undefined>;
  pullImage(name: string): Promise<string>;
  usage(): Promise<ContainerUsage[]>;
  close(): void;
}

/** The labels and annotations by which containers are recognised again (pkg/kubelet/types/labels.go, kuberuntime/labels.go). */
export const labels = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
} as const;

export const annotations = {
  hash: 'io.kubernetes.container.hash',
  restartCount: 'io.kubernetes.container.restartCount',
  terminationMessagePath: 'io.kubernetes.container.terminationMessagePath',
  terminationMessagePolicy: 'io.kubernetes.container.terminationMessagePolicy',
  gracePeriod: 'io.kubernetes.pod.terminationGracePeriod',
  /** Host file that is mounted at the termination message path. */
  terminationMessageFile: 'drydock.dev/termination-message-file',
} as const;
