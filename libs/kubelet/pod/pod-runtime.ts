// Acts on the engine for one pod: images, containers, hooks, ends. Decides nothing about when.
import { createHash } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import type { Container, Pod, Service } from '@drydock/api/generated/types.ts';
import { pods } from '@drydock/api/resource.ts';
import { type EventRecorder, referenceTo } from '@drydock/client/events.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { formatDuration } from '@drydock/foundation/duration.ts';
import { containerConfig } from '../container/container-config.ts';
import type { NodeFacts } from '../container/downward.ts';
import { ContainerConfigError, environment, type References } from '../container/env.ts';
import { expand } from '../container/expand.ts';
import { linuxResources } from '../container/resources.ts';
import { hostnameOf, logFolder } from '../container/sandbox-config.ts';
import type { ContainerDetail, ContainerEngine, Image, Mount, SandboxConfig } from '../engine/engine.ts';
import type { Handlers } from '../probes/handlers.ts';
import type { BackoffTable } from './backoff.ts';
import { uidOf } from './observation.ts';
import type { StartProblem } from './pod-status.ts';

export interface RuntimePorts {
  readonly engine: ContainerEngine;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly references: References;
  readonly handlers: Handlers;
  readonly imageBackoff: BackoffTable;
  readonly services: () => Iterable<Service>;
  readonly podFolder: (uid: string) => string;
  readonly podLogsDir: string;
  readonly clusterDomain: string;
  readonly memoryCapacity: number;
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

export class PodRuntime {
  readonly #ports: RuntimePorts;

  constructor(ports: RuntimePorts) {
    this.#ports = ports;
  }

  event(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string, container?: string): void {
    const init = pod.spec?.initContainers?.some(({ name }) => name === container) === true;
    const path = container === undefined ? undefined : `spec.${init ? 'initContainers' : 'containers'}{${container}}`;
    this.#ports.recorder.record(referenceTo(pods, pod, path), type, reason, message);
  }

  /** Throws StartError. */
  async start(
    pod: Pod,
    container: Container,
    attempt: number,
    sandboxId: string,
    sandbox: SandboxConfig,
    facts: NodeFacts,
    volumes: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<string> {
    const { engine } = this.#ports;
    const image = await this.#image(pod, container, signal);
    let id: string;
    try {
      const env = environment({ pod, container, services: this.#ports.services(), references: this.#ports.references, facts });
      const { mounts, terminationMessageFile } = await this.#mounts(pod, container, attempt, facts, volumes, env);
      await mkdir(`${logFolder(pod, this.#ports.podLogsDir)}/${container.name}`, { recursive: true });
      const resources = linuxResources(pod, container, this.#ports.memoryCapacity);
      const config = containerConfig({
        pod,
        container,
        attempt,
        image,
        env,
        mounts,
        resources,
        hash: hashOf(container),
        terminationMessageFile,
      });
      id = await engine.createContainer(sandboxId, config, sandbox);
    } catch (error) {
      const reason = error instanceof ContainerConfigError ? 'CreateContainerConfigError' : 'CreateContainerError';
      const message = (error as Error).message;
      this.event(pod, 'Warning', 'Failed', `Error: ${message}`, container.name);
      throw new StartError(reason, message);
    }
    this.event(pod, 'Normal', 'Created', 'Container created', container.name);
    try {
      await engine.startContainer(id);
    } catch (error) {
      this.event(pod, 'Warning', 'Failed', `Error: ${(error as Error).message}`, container.name);
      throw new StartError('RunContainerError', (error as Error).message);
    }
    this.event(pod, 'Normal', 'Started', 'Container started', container.name);
    await this.#postStart(pod, container, id, facts.podIps[0] ?? facts.hostIp);
    return id;
  }

  async #postStart(pod: Pod, container: Container, id: string, podIp: string): Promise<void> {
    const hook = container.lifecycle?.postStart;
    if (hook === undefined) return;
    const result = await this.#ports.handlers.run(hook, { container, containerId: id, podIp, timeoutSeconds: 0 });
    if (result.success) return;
    this.event(pod, 'Warning', 'FailedPostStartHook', 'PostStartHook failed', container.name);
    await this.kill(pod, container, id, 'FailedPostStartHook', graceOf(pod), podIp);
    throw new StartError('PostStartHookError', `PostStartHook failed: ${result.output}`);
  }

  /** The hook, then SIGTERM, then SIGKILL, all within the grace period (but two seconds for SIGTERM in any case). */
  async kill(
    pod: Pod,
    container: Container | undefined,
    id: string,
    message: string,
    graceSeconds: number,
    podIp: string,
  ): Promise<void> {
    const { clock, engine, handlers } = this.#ports;
    const began = clock.monotonicMs();
    this.event(pod, 'Normal', 'Killing', message, container?.name);
    const hook = container?.lifecycle?.preStop;
    if (hook !== undefined && container !== undefined && graceSeconds > 0) {
      const enough = new AbortController();
      const result = await Promise.race([
        handlers.run(hook, { container, containerId: id, podIp, timeoutSeconds: graceSeconds }),
        clock.sleep(graceSeconds * 1000, enough.signal).catch(() => {}),
      ]);
      enough.abort();
      if (result?.success === false) this.event(pod, 'Warning', 'FailedPreStopHook', 'PreStopHook failed', container.name);
    }
    const usedSeconds = Math.floor((clock.monotonicMs() - began) / 1000);
    await engine.stopContainer(id, graceSeconds === 0 ? 0 : Math.max(2, graceSeconds - usedSeconds));
  }

  async #image(pod: Pod, container: Container, signal: AbortSignal): Promise<Image> {
    const { engine, imageBackoff, clock } = this.#ports;
    const name = container.image ?? '';
    const policy = container.imagePullPolicy ?? (/:latest$|^[^:@]+$/.test(name) ? 'Always' : 'IfNotPresent');
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
      await Promise.race([engine.pullImage(name), aborted(signal)]);
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

  async #mounts(
    pod: Pod,
    container: Container,
    attempt: number,
    facts: NodeFacts,
    volumes: ReadonlyMap<string, string>,
    env: ReadonlyMap<string, string>,
  ): Promise<{ mounts: Mount[]; terminationMessageFile: string }> {
    const folder = this.#ports.podFolder(uidOf(pod));
    const mounts: Mount[] = [];
    for (const { name, mountPath, subPath, subPathExpr, readOnly, mountPropagation } of container.volumeMounts ?? []) {
      const source = volumes.get(name);
      if (source === undefined) throw new ContainerConfigError(`volume "${name}" of container ${container.name} is not there`);
      const below = subPathExpr !== undefined ? expand(subPathExpr, (each) => env.get(each)) : subPath;
      if (below !== undefined && (below.startsWith('/') || below.split('/').includes('..')))
        throw new ContainerConfigError(`subPath "${below}" must be a relative path without ".."`);
      const path = below === undefined || below === '' ? source : `${source}/${below}`;
      if (path !== source) await mkdir(path, { recursive: true }).catch(() => {});
      mounts.push({
        container_path: mountPath.startsWith('/') ? mountPath : `/${mountPath}`,
        host_path: path,
        readonly: readOnly === true,
        propagation:
          mountPropagation === 'Bidirectional'
            ? 'PROPAGATION_BIDIRECTIONAL'
            : mountPropagation === 'HostToContainer'
              ? 'PROPAGATION_HOST_TO_CONTAINER'
              : 'PROPAGATION_PRIVATE',
      });
    }
    const own = `${folder}/containers/${container.name}`;
    await mkdir(own, { recursive: true });
    if (!mounts.some((mount) => mount.container_path === '/etc/hosts')) {
      await writeFile(`${folder}/etc-hosts`, hostsFile(pod, facts, this.#ports.clusterDomain));
      mounts.push({ container_path: '/etc/hosts', host_path: `${folder}/etc-hosts`, readonly: false });
    }
    const terminationMessageFile = `${own}/${attempt}.termination`;
    await writeFile(terminationMessageFile, '');
    await chmod(terminationMessageFile, 0o666);
    mounts.push({
      container_path: container.terminationMessagePath ?? '/dev/termination-log',
      host_path: terminationMessageFile,
      readonly: false,
    });
    return { mounts, terminationMessageFile };
  }
}

/** Rejects when the signal aborts: a pull of a pod that is to end is not waited for. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(new Error('the pod is being terminated'));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

export function graceOf(pod: Pod): number {
  return Number(pod.metadata?.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30);
}

function hostsFile(pod: Pod, { podIps }: NodeFacts, clusterDomain: string): string {
  const name = hostnameOf(pod);
  const subdomain = pod.spec?.subdomain;
  const full = subdomain === undefined ? '' : `${name}.${subdomain}.${pod.metadata?.namespace}.svc.${clusterDomain}\t`;
  const fixed = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
  ];
  const own = podIps.map((ip) => `${ip}\t${full}${name}`);
  const aliases = (pod.spec?.hostAliases ?? []).map(({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join('\t')}`);
  const more = aliases.length > 0 ? ['', '# Entries added by HostAliases.', ...aliases] : [];
  return `${[...fixed, ...own, ...more].join('\n')}\n`;
}

/** The last text a container left: its termination message file, or (by policy, after an error) the end of its log. */
export type TerminationMessages = (container: ContainerDetail) => string;
