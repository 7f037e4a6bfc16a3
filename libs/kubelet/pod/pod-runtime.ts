// Acts on the engine for one pod: images, containers, hooks, ends. Decides nothing about when.
import { createHash } from 'node:crypto';
import type { Container, Pod, Service } from '@drydock/api/generated/types.ts';
import { pods } from '@drydock/api/resource.ts';
import { type EventRecorder, referenceTo } from '@drydock/client/events.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { formatDuration } from '@drydock/foundation/duration.ts';
import type { SeccompSettings } from '../container/confinement.ts';
import { containerConfig } from '../container/container-config.ts';
import type { NodeFacts } from '../container/downward.ts';
import { ContainerConfigError, environment, type References } from '../container/env.ts';
import { linuxResources } from '../container/resources.ts';
import type { ContainerConfig, ContainerEngine, Image, SandboxConfig } from '../engine/engine.ts';
import type { HandlerRunner } from '../probes/handlers.ts';
import type { PodFolders } from '../volumes/pod-folders.ts';
import { SubPathError, type SubPathRequest } from '../volumes/sub-path.ts';
import type { HostVolume } from '../volumes/volumes.ts';
import type { BackoffTable } from './backoff.ts';
import { containerMounts } from './container-mounts.ts';
import { unlessAborted } from './give-up.ts';
import { Grace } from './grace.ts';
import { makeLogFolder } from './log-folders.ts';
import { uidOf } from './observation.ts';
import type { StartProblem } from './pod-status.ts';

export interface RuntimePorts {
  readonly engine: ContainerEngine;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly references: References;
  readonly handlers: HandlerRunner;
  readonly imageBackoff: BackoffTable;
  readonly services: () => Iterable<Service>;
  readonly folders: PodFolders;
  readonly podLogsDir: string;
  readonly clusterDomain: string;
  readonly memoryCapacity: number;
  readonly seccomp: SeccompSettings;
  readonly subPath: (request: SubPathRequest) => Promise<string>;
}

export interface StartRequest {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  readonly sandboxId: string;
  readonly sandbox: SandboxConfig;
  readonly facts: NodeFacts;
  readonly volumes: ReadonlyMap<string, HostVolume>;
  /** The container whose processes an ephemeral one is to see. */
  readonly targetId: string | undefined;
  /** Gives up a pull and a postStart hook. */
  readonly signal: AbortSignal;
}

export interface KillRequest {
  readonly pod: Pod;
  readonly container: Container | undefined;
  readonly id: string;
  readonly message: string;
  /** Begun already: the pod's where all of it ends. */
  readonly grace: Grace;
  readonly podIp: string;
  /** Resolves when those have ended that are to end first. */
  readonly turn?: Promise<unknown>;
}

/** A container could not be started; becomes its waiting state. */
export class StartError extends Error implements StartProblem {
  override readonly name = 'StartError';
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** What a container is recognised by after a change of the pod: only what may change in place and needs a restart. */
export function hashOf(container: Container): string {
  return createHash('sha256')
    .update(JSON.stringify([container.name, container.image]))
    .digest('hex')
    .slice(0, 8);
}

/** Pause after a container could not be told to end. */
const stopRetryMs = 1_000;
const podEnds = 'the pod is being terminated';

/** `host:port/path/name:tag@digest`, as far as it keeps nonsense from the engine (github.com/distribution/reference). */
const imageReference =
  /^(?:[a-zA-Z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?(?:@[a-z0-9]+:[0-9a-f]{32,})?$/;

export class PodRuntime {
  readonly #ports: RuntimePorts;

  constructor(ports: RuntimePorts) {
    this.#ports = ports;
  }

  event(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string, container?: string): void {
    const lists = ['initContainers', 'ephemeralContainers'] as const;
    const list = lists.find((name) => pod.spec?.[name]?.some((each) => each.name === container)) ?? 'containers';
    const path = container === undefined ? undefined : `spec.${list}{${container}}`;
    this.#ports.recorder.record(referenceTo(pods, pod, path), type, reason, message);
  }

  /** Throws StartError. */
  async start(request: StartRequest): Promise<string> {
    const { engine } = this.#ports;
    const { pod, container } = request;
    const image = await this.#image(pod, container, request.signal);
    let id: string;
    try {
      id = await engine.createContainer(request.sandboxId, await this.#config(request, image), request.sandbox);
    } catch (error) {
      const isConfig = error instanceof ContainerConfigError || error instanceof SubPathError;
      const message = (error as Error).message;
      this.event(pod, 'Warning', 'Failed', `Error: ${message}`, container.name);
      throw new StartError(isConfig ? 'CreateContainerConfigError' : 'CreateContainerError', message);
    }
    this.event(pod, 'Normal', 'Created', 'Container created', container.name);
    try {
      await engine.startContainer(id);
    } catch (error) {
      this.event(pod, 'Warning', 'Failed', `Error: ${(error as Error).message}`, container.name);
      throw new StartError('RunContainerError', (error as Error).message);
    }
    this.event(pod, 'Normal', 'Started', 'Container started', container.name);
    await this.#postStart(request, id);
    return id;
  }

  async #config(request: StartRequest, image: Image): Promise<ContainerConfig> {
    const { pod, container, attempt, facts, volumes } = request;
    const { services, references, clusterDomain, podLogsDir, memoryCapacity, folders, subPath } = this.#ports;
    const env = environment({ pod, container, services: services(), references, facts });
    const input = { pod, container, attempt, folders, podIps: facts.podIps, clusterDomain, volumes, env, subPath };
    const mounts = await containerMounts(input);
    await makeLogFolder(pod, podLogsDir, container.name, folders.calls);
    const resources = linuxResources(pod, container, memoryCapacity);
    const { targetId } = request;
    const { seccomp } = this.#ports;
    const hash = hashOf(container);
    return containerConfig({ pod, container, attempt, image, env, ...mounts, resources, hash, seccomp, targetId });
  }

  async #postStart({ pod, container, facts, signal }: StartRequest, id: string): Promise<void> {
    const hook = container.lifecycle?.postStart;
    if (hook === undefined) return;
    const { handlers, clock } = this.#ports;
    const podIp = facts.podIps[0] ?? facts.hostIp;
    const target = { container, containerId: id, podIp, timeoutSeconds: 0, purpose: 'lifecycle' } as const;
    const result = await unlessAborted(handlers.run(hook, target), signal, podEnds);
    if (result.warning !== undefined) this.event(pod, 'Warning', result.warning.reason, result.warning.message);
    if (result.success) return;
    this.event(pod, 'Warning', 'FailedPostStartHook', 'PostStartHook failed', container.name);
    const grace = new Grace(clock, graceOf(pod));
    const ended = this.kill({ pod, container, id, message: 'FailedPostStartHook', grace, podIp });
    await unlessAborted(ended, signal, podEnds);
    throw new StartError('PostStartHookError', `PostStartHook failed: ${result.output}`);
  }

  /** The hook, its turn, then SIGTERM, then SIGKILL, all within the grace period (but two seconds for SIGTERM in any case). */
  async kill({ pod, container, id, message, grace, podIp, turn }: KillRequest): Promise<void> {
    const { handlers } = this.#ports;
    this.event(pod, 'Normal', 'Killing', message, container?.name);
    const hook = container?.lifecycle?.preStop;
    if (hook !== undefined && container !== undefined && !grace.isNone) {
      const target = { container, containerId: id, podIp, timeoutSeconds: grace.leftSeconds, purpose: 'lifecycle' } as const;
      const result = await grace.within(handlers.run(hook, target));
      if (result?.warning !== undefined) this.event(pod, 'Warning', result.warning.reason, result.warning.message);
      if (result?.success === false) this.event(pod, 'Warning', 'FailedPreStopHook', 'PreStopHook failed', container.name);
    }
    if (turn !== undefined && !grace.isNone) await grace.within(turn);
    await this.#stop(id, grace);
  }

  /** Whoever was told to end and has less time now is told again. */
  hurry(grace: Grace, seconds: number): void {
    grace.shorten(seconds);
    for (const id of this.#stopping.get(grace) ?? []) void this.#tell(id, grace).catch(() => {});
  }

  async #stop(id: string, grace: Grace): Promise<void> {
    const stopping = this.#stopping.get(grace) ?? new Set();
    this.#stopping.set(grace, stopping.add(id));
    try {
      await this.#tell(id, grace);
    } finally {
      stopping.delete(id);
    }
  }

  /** Resolves when it has ended. Throws EngineError where it cannot be told to in the time that it has. */
  async #tell(id: string, grace: Grace): Promise<void> {
    const { engine, clock } = this.#ports;
    // Its window begins when it hears of it.
    const seconds = grace.windowSeconds;
    for (;;) {
      try {
        return await engine.stopContainer(id, seconds);
      } catch (error) {
        if (grace.leftSeconds === 0) throw error;
        await clock.sleep(stopRetryMs);
      }
    }
  }

  /** The pod is gone. */
  forget(uid: string): void {
    for (const key of [...this.#failedPulls.keys()]) if (key.startsWith(`${uid}/`)) this.#failedPulls.delete(key);
    this.#ports.imageBackoff.forget(`${uid}/`);
  }

  async #image(pod: Pod, container: Container, signal: AbortSignal): Promise<Image> {
    const { engine, imageBackoff, clock } = this.#ports;
    const name = container.image ?? '';
    const policy = container.imagePullPolicy ?? (/:latest$|^[^:@]+$/.test(name) ? 'Always' : 'IfNotPresent');
    if (!imageReference.test(name)) {
      const message = `Failed to apply default image tag "${name}": couldn't parse image name "${name}": invalid reference format`;
      this.event(pod, 'Warning', 'InspectFailed', message, container.name);
      throw new StartError('InvalidImageName', message);
    }
    const present = await engine.image(name);
    if (present !== undefined && policy !== 'Always') {
      this.event(
        pod,
        'Normal',
        'Pulled',
        `Container image "${name}" already present on machine and can be accessed by the pod`,
        container.name,
      );
      return present;
    }
    if (policy === 'Never') {
      const message = `Container image "${name}" is not present with pull policy of Never`;
      this.event(pod, 'Warning', 'ErrImageNeverPull', message, container.name);
      throw new StartError('ErrImageNeverPull', message);
    }
    const key = `${uidOf(pod)}/${name}`;
    const now = clock.wallMs();
    const last = this.#failedPulls.get(key);
    if (last !== undefined && imageBackoff.remainingMs(key, last.atMs, now) > 0) {
      const message = `Back-off pulling image "${name}"`;
      this.event(pod, 'Normal', 'BackOff', message, container.name);
      throw new StartError('ImagePullBackOff', `${message}: ErrImagePull: ${last.message}`);
    }
    this.event(pod, 'Normal', 'Pulling', `Pulling image "${name}"`, container.name);
    const began = clock.monotonicMs();
    try {
      await unlessAborted(engine.pullImage(name), signal, podEnds);
    } catch (error) {
      const message = (error as Error).message;
      imageBackoff.next(key, clock.wallMs(), clock.wallMs());
      this.#failedPulls.set(key, { atMs: clock.wallMs(), message });
      this.event(pod, 'Warning', 'Failed', `Failed to pull image "${name}": ${message}`, container.name);
      this.event(pod, 'Warning', 'Failed', 'Error: ErrImagePull', container.name);
      throw new StartError('ErrImagePull', message);
    }
    this.#failedPulls.delete(key);
    const took = formatDuration(clock.monotonicMs() - began);
    const image = await engine.image(name);
    if (image === undefined) throw new StartError('ErrImagePull', `image "${name}" is not there after it was pulled`);
    this.event(
      pod,
      'Normal',
      'Pulled',
      `Successfully pulled image "${name}" in ${took} (${took} including waiting). Image size: ${image.sizeBytes} bytes.`,
      container.name,
    );
    return image;
  }

  readonly #failedPulls = new Map<string, { readonly atMs: number; readonly message: string }>();
  /** Ids of containers between SIGTERM and their end. */
  readonly #stopping = new WeakMap<Grace, Set<string>>();
}

export function graceOf(pod: Pod): number {
  return Number(pod.metadata?.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30);
}
