// Adapter: an engine behind the Container Runtime Interface, over a unix socket.
import { fileURLToPath } from 'node:url';
import {
  type Client,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import {
  type ContainerConfig,
  type ContainerDetail,
  type ContainerEngine,
  type ContainerState,
  type ContainerSummary,
  type ContainerUsage,
  EngineError,
  type EngineStatus,
  type ExecResult,
  type Image,
  labels,
  type Sandbox,
  type SandboxConfig,
  type StreamRequest,
} from './engine.ts';
import { ListCache } from './list-cache.ts';

/** As upstream's runtimeRequestTimeout: two minutes; pulls have no bound there, a long one here. */
const callTimeoutMs = 120_000;
const pullTimeoutMs = 900_000;
const messageBytesMax = 16 * 1024 * 1024;

type Message = Record<string, unknown>;
type Method = (
  request: object,
  options: { deadline: Date },
  callback: (error: ServiceError | null, response: Message) => void,
) => void;

const protoFile = fileURLToPath(new URL('../../../proto/cri/runtime/v1/api.proto', import.meta.url));

export class CriEngine implements ContainerEngine {
  readonly #runtime: Client;
  readonly #images: Client;
  readonly #wallMs: () => number;
  readonly #service: ServiceDefinition;
  readonly #sandboxes: ListCache<Message>;
  readonly #containers: ListCache<Message>;

  /** `endpoint`: `unix:///run/containerd/containerd.sock`. Connects with the first call. */
  constructor(endpoint: string, wallMs: () => number) {
    this.#wallMs = wallMs;
    const definition = loadSync(protoFile, { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true });
    const loaded = loadPackageDefinition(definition) as unknown as { runtime: { v1: GrpcObject } };
    // containerd wants an authority that is a host name; a socket path gives none.
    const options = {
      'grpc.default_authority': 'localhost',
      'grpc.max_receive_message_length': messageBytesMax,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 3000,
    };
    const make = (name: string): Client =>
      new (loaded.runtime.v1[name] as ServiceClientConstructor)(endpoint, credentials.createInsecure(), options);
    this.#runtime = make('RuntimeService');
    this.#images = make('ImageService');
    this.#service = (loaded.runtime.v1.RuntimeService as ServiceClientConstructor).service;
    const decoder = (method: string, field: string) => (response: Buffer) =>
      (this.#service[method]?.responseDeserialize(response) as Record<string, Message[]> | undefined)?.[field] ?? [];
    this.#sandboxes = new ListCache(decoder('ListPodSandbox', 'items'));
    this.#containers = new ListCache(decoder('ListContainers', 'containers'));
  }

  async version(): Promise<{ name: string; version: string }> {
    const answer = await this.#call('Version', { version: 'v1' });
    return { name: text(answer.runtime_name), version: text(answer.runtime_version).replace(/^v/, '') };
  }

  async status(): Promise<EngineStatus> {
    const answer = await this.#call('Status', {});
    const conditions = ((answer.status as Message | null)?.conditions ?? []) as Message[];
    const of = (type: string) => conditions.find((condition) => condition.type === type);
    const wanted = ['RuntimeReady', 'NetworkReady'].map((type) => [type, of(type)] as const);
    return {
      runtimeReady: of('RuntimeReady')?.status === true,
      networkReady: of('NetworkReady')?.status === true,
      supplementalGroupsPolicy: (answer.features as Message | null)?.supplemental_groups_policy === true,
      problems: wanted
        .filter(([, condition]) => condition?.status !== true)
        .map(
          ([type, condition]) =>
            `container runtime status check may not have completed yet: ${type}=false reason:${text(condition?.reason)} message:${text(condition?.message)}`,
        ),
    };
  }

  async listSandboxes(podUid?: string): Promise<Sandbox[]> {
    const items = await this.#list('ListPodSandbox', this.#sandboxes, podUid);
    const all = items.map((each) => {
      const metadata = each.metadata as Message;
      return {
        id: text(each.id),
        podUid: text(metadata.uid),
        podName: text(metadata.name),
        podNamespace: text(metadata.namespace),
        attempt: Number(metadata.attempt),
        ready: each.state === 'SANDBOX_READY',
        createdAtMs: nanoseconds(each.created_at),
        annotations: each.annotations as Record<string, string>,
      };
    });
    return ofPod(all, podUid);
  }

  async listContainers(podUid?: string): Promise<ContainerSummary[]> {
    const containers = await this.#list('ListContainers', this.#containers, podUid);
    const all = containers.map((each) => summary(each, text(each.pod_sandbox_id)));
    return ofPod(all, podUid);
  }

  async sandboxIps(id: string): Promise<string[]> {
    const answer = await this.#call('PodSandboxStatus', { pod_sandbox_id: id });
    const network = (answer.status as Message | null)?.network as Message | null;
    const more = (network?.additional_ips ?? []) as Message[];
    return [network?.ip, ...more.map((each) => each.ip)].map(text).filter((ip) => ip !== '');
  }

  async container(id: string): Promise<ContainerDetail> {
    const answer = await this.#call('ContainerStatus', { container_id: id });
    const each = answer.status as Message;
    return {
      ...summary(each, ''),
      startedAtMs: nanoseconds(each.started_at),
      finishedAtMs: nanoseconds(each.finished_at),
      exitCode: Number(each.exit_code),
      reason: text(each.reason),
      message: text(each.message),
      image: text((each.image as Message | null)?.image),
      imageRef: text(each.image_ref),
      logPath: text(each.log_path),
    };
  }

  async setPodCidr(cidr: string): Promise<void> {
    await this.#call('UpdateRuntimeConfig', { runtime_config: { network_config: { pod_cidr: cidr } } });
  }

  async runSandbox(config: SandboxConfig, runtimeHandler: string): Promise<string> {
    const request = { config, runtime_handler: runtimeHandler };
    return text((await this.#call('RunPodSandbox', request, callTimeoutMs * 2)).pod_sandbox_id);
  }

  async stopSandbox(id: string): Promise<void> {
    await this.#gone(this.#call('StopPodSandbox', { pod_sandbox_id: id }));
  }

  async removeSandbox(id: string): Promise<void> {
    await this.#gone(this.#call('RemovePodSandbox', { pod_sandbox_id: id }));
  }

  async createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string> {
    const request = { pod_sandbox_id: sandboxId, config, sandbox_config: sandbox };
    return text((await this.#call('CreateContainer', request)).container_id);
  }

  async startContainer(id: string): Promise<void> {
    await this.#call('StartContainer', { container_id: id });
  }

  async stopContainer(id: string, graceSeconds: number): Promise<void> {
    const request = { container_id: id, timeout: graceSeconds };
    await this.#gone(this.#call('StopContainer', request, graceSeconds * 1000 + callTimeoutMs));
  }

  async removeContainer(id: string): Promise<void> {
    await this.#gone(this.#call('RemoveContainer', { container_id: id }));
  }

  async reopenLog(id: string): Promise<void> {
    await this.#call('ReopenContainerLog', { container_id: id });
  }

  async execSync(id: string, command: readonly string[], timeoutSeconds: number): Promise<ExecResult> {
    const request = { container_id: id, cmd: command, timeout: timeoutSeconds };
    const answer = await this.#call(
      'ExecSync',
      request,
      timeoutSeconds === 0 ? pullTimeoutMs : timeoutSeconds * 1000 + callTimeoutMs,
    );
    return { exitCode: Number(answer.exit_code), stdout: answer.stdout as Uint8Array, stderr: answer.stderr as Uint8Array };
  }

  async streamUrl({ containerId, command, ...streams }: StreamRequest): Promise<string> {
    const request = { container_id: containerId, ...streams, ...(command === undefined ? {} : { cmd: command }) };
    return text((await this.#call(command === undefined ? 'Attach' : 'Exec', request)).url);
  }

  async portForwardUrl(sandboxId: string, ports: readonly number[]): Promise<string> {
    return text((await this.#call('PortForward', { pod_sandbox_id: sandboxId, port: ports })).url);
  }

  async images(): Promise<Image[]> {
    const { images } = await this.#call('ListImages', {});
    return (images as Message[]).map(image);
  }

  async image(name: string): Promise<Image | undefined> {
    const answer = await this.#call('ImageStatus', { image: { image: name } });
    return answer.image === null || answer.image === undefined ? undefined : image(answer.image as Message);
  }

  async pullImage(name: string): Promise<string> {
    return text((await this.#call('PullImage', { image: { image: name } }, pullTimeoutMs)).image_ref);
  }

  async usage(): Promise<ContainerUsage[]> {
    const { stats } = await this.#call('ListContainerStats', {});
    return (stats as Message[]).map((each) => {
      const attributes = each.attributes as Message;
      const cpu = each.cpu as Message | null;
      const value = (wrapped: unknown) => Number((wrapped as Message | null)?.value ?? 0);
      return {
        id: text(attributes.id),
        name: text((attributes.metadata as Message).name),
        podUid: (attributes.labels as Record<string, string>)[labels.podUid] ?? '',
        timestampMs: nanoseconds(cpu?.timestamp ?? 0),
        cpuNanoseconds: value(cpu?.usage_core_nano_seconds),
        memoryBytes: value((each.memory as Message | null)?.working_set_bytes),
        writableBytes: value((each.writable_layer as Message | null)?.used_bytes),
      };
    });
  }

  close(): void {
    this.#runtime.close();
    this.#images.close();
  }

  #call(name: string, request: object, timeoutMs = callTimeoutMs): Promise<Message> {
    const client = /Image/.test(name) ? this.#images : this.#runtime;
    const method = (client as unknown as Record<string, Method>)[name];
    return new Promise((resolve, reject) => {
      if (method === undefined) throw new TypeError(`no method ${name}`);
      method.call(client, request, { deadline: new Date(this.#wallMs() + timeoutMs) }, (error, response) => {
        if (error === null) resolve(response);
        else reject(engineError(error));
      });
    });
  }

  #list(name: 'ListPodSandbox' | 'ListContainers', cache: ListCache<Message>, podUid: string | undefined): Promise<Message[]> {
    const method = this.#service[name];
    const options = { deadline: new Date(this.#wallMs() + callTimeoutMs) };
    return new Promise((resolve, reject) => {
      if (method === undefined) throw new TypeError(`no method ${name}`);
      const raw = (bytes: Buffer) => bytes;
      const request = filterOf(podUid);
      this.#runtime.makeUnaryRequest(method.path, method.requestSerialize, raw, request, options, (error, response) => {
        if (error !== null) reject(engineError(error));
        else resolve(cache.read(response ?? Buffer.alloc(0), podUid === undefined));
      });
    });
  }

  async #gone(call: Promise<Message>): Promise<void> {
    try {
      await call;
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'NotFound') throw error;
    }
  }
}

function filterOf(podUid: string | undefined): object {
  return podUid === undefined ? {} : { filter: { label_selector: { [labels.podUid]: podUid } } };
}

/** An engine that takes no notice of the filter must not make others' containers look like this pod's. */
function ofPod<T extends { readonly podUid: string }>(all: T[], podUid: string | undefined): T[] {
  return podUid === undefined ? all : all.filter((each) => each.podUid === podUid);
}

const states: Record<string, ContainerState> = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
};

function summary(each: Message, sandboxId: string): ContainerSummary {
  const metadata = each.metadata as Message;
  const own = each.labels as Record<string, string>;
  return {
    id: text(each.id),
    sandboxId,
    podUid: own[labels.podUid] ?? '',
    name: text(metadata.name),
    attempt: Number(metadata.attempt),
    state: states[text(each.state)] ?? 'unknown',
    createdAtMs: nanoseconds(each.created_at),
    labels: own,
    annotations: each.annotations as Record<string, string>,
  };
}

function image(each: Message): Image {
  const uid = (each.uid as Message | null)?.value;
  return {
    id: text(each.id),
    tags: each.repo_tags as string[],
    digests: each.repo_digests as string[],
    sizeBytes: Number(each.size),
    uid: uid === undefined || uid === null ? undefined : Number(uid),
    username: text(each.username),
  };
}

function engineError(error: ServiceError): EngineError {
  const text = `rpc error: code = ${status[error.code] ?? 'Unknown'} desc = ${error.details}`;
  return new EngineError(codeOf(error.code), text, { cause: error });
}

function codeOf(code: number): EngineError['code'] {
  if (code === status.NOT_FOUND) return 'NotFound';
  if (code === status.UNAVAILABLE) return 'Unavailable';
  return code === status.DEADLINE_EXCEEDED ? 'DeadlineExceeded' : 'Other';
}

function text(value: unknown): string {
  return value === undefined || value === null ? '' : String(value);
}

/** Milliseconds of a count of nanoseconds since the epoch; negative ones mean "not yet". */
function nanoseconds(value: unknown): number {
  const ms = Math.floor(Number(value) / 1_000_000);
  return Math.max(ms, 0);
}
