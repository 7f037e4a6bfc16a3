// An engine that runs nothing: pods have addresses and containers that say they run, so that a cluster can be driven without
// root, and at scale. It says so itself in the node's containerRuntimeVersion: hollow://.
import type { Clock } from '@drydock/foundation/clock.ts';
import { AddressPool } from './address-pool.ts';
import {
  type ContainerConfig,
  type ContainerDetail,
  type ContainerEngine,
  type ContainerSummary,
  type ContainerUsage,
  EngineError,
  type EngineStatus,
  type ExecResult,
  type Image,
  labels,
  type Sandbox,
  type SandboxConfig,
} from './engine.ts';

interface HollowSandbox extends Sandbox {
  readonly ip: string;
}

/** Until the node has a range of its own: addresses for tests of networks (RFC 2544), which nothing else uses. */
const benchmarkCidr = '198.18.0.0/16';

export class HollowEngine implements ContainerEngine {
  readonly #clock: Clock;
  readonly #sandboxes = new Map<string, HollowSandbox>();
  readonly #containers = new Map<string, ContainerDetail>();
  #addresses = new AddressPool(benchmarkCidr);
  #next = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async version(): Promise<{ name: string; version: string }> {
    return { name: 'hollow', version: '1.0.0' };
  }

  async status(): Promise<EngineStatus> {
    return { runtimeReady: true, networkReady: true, problems: [] };
  }

  async listSandboxes(podUid?: string): Promise<Sandbox[]> {
    return [...this.#sandboxes.values()].filter((each) => podUid === undefined || each.podUid === podUid);
  }

  async listContainers(podUid?: string): Promise<ContainerSummary[]> {
    return [...this.#containers.values()].filter((each) => podUid === undefined || each.podUid === podUid);
  }

  async setPodCidr(cidr: string): Promise<void> {
    this.#addresses = new AddressPool(cidr);
  }

  async sandboxIps(id: string): Promise<string[]> {
    const ip = this.#sandboxes.get(id)?.ip ?? '';
    return ip === '' ? [] : [ip];
  }

  async container(id: string): Promise<ContainerDetail> {
    const found = this.#containers.get(id);
    if (found === undefined) throw new EngineError('NotFound', `container "${id}" not found`);
    return found;
  }

  async runSandbox({ metadata, annotations, linux }: SandboxConfig): Promise<string> {
    const number = this.#next++;
    const id = number.toString(16).padStart(64, '0');
    const onNode = linux.security_context.namespace_options.network === 'NODE';
    const ip = onNode ? '' : this.#addresses.take(new Set([...this.#sandboxes.values()].map((each) => each.ip)));
    this.#sandboxes.set(id, {
      id,
      podUid: metadata.uid,
      podName: metadata.name,
      podNamespace: metadata.namespace,
      attempt: metadata.attempt,
      ready: true,
      createdAtMs: this.#clock.wallMs(),
      annotations,
      ip,
    });
    return id;
  }

  async stopSandbox(id: string): Promise<void> {
    const found = this.#sandboxes.get(id);
    if (found === undefined) return;
    for (const each of [...this.#containers.values()]) if (each.sandboxId === id) await this.stopContainer(each.id, 0);
    this.#sandboxes.set(id, { ...found, ready: false, ip: '' });
  }

  async removeSandbox(id: string): Promise<void> {
    await this.stopSandbox(id);
    for (const each of [...this.#containers.values()]) if (each.sandboxId === id) this.#containers.delete(each.id);
    this.#sandboxes.delete(id);
  }

  async createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    if (!this.#sandboxes.has(sandboxId)) throw new EngineError('NotFound', `sandbox "${sandboxId}" not found`);
    const id = (this.#next++).toString(16).padStart(64, 'c');
    this.#containers.set(id, {
      id,
      sandboxId,
      podUid: config.labels[labels.podUid] ?? '',
      name: config.metadata.name,
      attempt: config.metadata.attempt,
      state: 'created',
      createdAtMs: this.#clock.wallMs(),
      labels: config.labels,
      annotations: config.annotations,
      startedAtMs: 0,
      finishedAtMs: 0,
      exitCode: 0,
      reason: '',
      message: '',
      image: config.image.image,
      imageRef: config.image.image,
      logPath: '',
    });
    return id;
  }

  async startContainer(id: string): Promise<void> {
    const found = await this.container(id);
    this.#containers.set(id, { ...found, state: 'running', startedAtMs: this.#clock.wallMs() });
  }

  async stopContainer(id: string, _graceSeconds: number): Promise<void> {
    this.ended(id, 0);
  }

  /** The process of a container that runs is over. */
  protected ended(id: string, exitCode: number): void {
    const found = this.#containers.get(id);
    if (found?.state !== 'running') return;
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    this.#containers.set(id, { ...found, state: 'exited', finishedAtMs: this.#clock.wallMs(), exitCode, reason });
  }

  async removeContainer(id: string): Promise<void> {
    this.#containers.delete(id);
  }

  async reopenLog(): Promise<void> {}

  async execSync(): Promise<ExecResult> {
    return { exitCode: 0, stdout: new Uint8Array(), stderr: new Uint8Array() };
  }

  async streamUrl(): Promise<undefined> {
    return undefined;
  }

  async portForwardUrl(): Promise<undefined> {
    return undefined;
  }

  async images(): Promise<Image[]> {
    return [];
  }

  /** Every image is there. */
  async image(name: string): Promise<Image> {
    return { id: name, tags: [name], digests: [], sizeBytes: 1, uid: undefined, username: '' };
  }

  async pullImage(name: string): Promise<string> {
    return name;
  }

  async usage(): Promise<ContainerUsage[]> {
    return [];
  }

  close(): void {}
}
