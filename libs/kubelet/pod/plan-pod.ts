// What to do for one pod now: pure, from the wanted pod and what runs of it (pkg/kubelet/kuberuntime, computePodActions).
import type { Container, Pod } from '@drydock/api/generated/types.ts';
import { annotations, type ContainerDetail } from '../engine/engine.ts';
import {
  containersOf,
  ephemeralContainersOf,
  initContainersOf,
  isSidecar,
  latest,
  type PodObservation,
} from './observation.ts';

export interface PlanInput {
  readonly pod: Pod;
  readonly observed: PodObservation;
  /** Containers, by id, whose liveness or startup probe has failed for good. */
  readonly unhealthy: ReadonlyMap<string, 'liveness' | 'startup'>;
  /** Whether a running container has passed its startup probe (and its postStart hook has ended). */
  readonly started: (containerId: string) => boolean;
  /** Milliseconds until a container that ended at that time may start again; 0: now. */
  readonly backoffMs: (container: Container, finishedAtMs: number) => number;
  readonly hashOf: (container: Container) => string;
}

export interface KillAction {
  readonly id: string;
  readonly name: string;
  readonly message: string;
  readonly reason: 'liveness' | 'startup' | 'changed' | 'unknown';
}

/** Plain data. Everything empty: nothing to do. */
export interface PodActions {
  /** Ends all containers and the sandbox first. */
  readonly killPod: boolean;
  /** The attempt number of the sandbox to create. */
  readonly createSandbox: number | undefined;
  /** The sandbox to start containers in, where none is to be created. */
  readonly sandboxId: string | undefined;
  readonly kill: readonly KillAction[];
  /** In order: ephemeral containers, init containers, main containers. */
  readonly start: readonly string[];
  /** Names of containers that wait, with the milliseconds left. */
  readonly backedOff: ReadonlyMap<string, number>;
}

export function planPod(input: PlanInput): PodActions {
  const { pod, observed } = input;
  const newest = observed.sandboxes[0];
  const ready = newest?.ready === true;
  const extraReady = observed.sandboxes.some((sandbox, index) => index > 0 && sandbox.ready);
  const noAddress = ready && pod.spec?.hostNetwork !== true && observed.ips.length === 0;
  if (!ready || noAddress || extraReady) return planSandbox(input, newest === undefined ? 0 : newest.attempt + 1);
  return planContainers(input, newest.id);
}

function planSandbox({ pod, observed }: PlanInput, attempt: number): PodActions {
  const killPod = observed.sandboxes.length > 0;
  const nothing = { killPod, createSandbox: undefined, sandboxId: undefined, kill: [], start: [], backedOff: new Map() };
  const policy = pod.spec?.restartPolicy ?? 'Always';
  if (policy === 'Never' && attempt !== 0 && observed.containers.length > 0) return nothing;
  const wanted = containersOf(pod).filter((container) => {
    const last = latest(observed, container.name);
    return !(policy === 'OnFailure' && last?.state === 'exited' && last.exitCode === 0);
  });
  if (wanted.length === 0) return nothing;
  const first = initContainersOf(pod)[0];
  return { ...nothing, createSandbox: attempt, start: first === undefined ? wanted.map(({ name }) => name) : [first.name] };
}

interface Draft {
  readonly kill: KillAction[];
  readonly start: string[];
  readonly backedOff: Map<string, number>;
}

function planContainers(input: PlanInput, sandboxId: string): PodActions {
  const { pod, observed } = input;
  const draft: Draft = { kill: [], start: [], backedOff: new Map() };
  const anyMain = containersOf(pod).some(({ name }) => latest(observed, name, sandboxId) !== undefined);
  for (const { name } of ephemeralContainersOf(pod)) if (!hasRun(input, name)) draft.start.push(name);
  const initialised = planInit(input, sandboxId, anyMain, draft);
  let alive = 0;
  if (initialised === 'done')
    for (const container of containersOf(pod)) if (planMain(input, container, sandboxId, draft)) alive++;
  const nothingLeft = initialised === 'failed' || (initialised === 'done' && alive === 0);
  if (nothingLeft) return { killPod: true, createSandbox: undefined, sandboxId, kill: [], start: [], backedOff: new Map() };
  return { killPod: false, createSandbox: undefined, sandboxId, ...draft };
}

/** Ephemeral containers start once, whatever becomes of them. */
function hasRun({ pod, observed }: PlanInput, name: string): boolean {
  const said = pod.status?.ephemeralContainerStatuses?.find((status) => status.name === name);
  return latest(observed, name) !== undefined || said?.containerID !== undefined;
}

/** `done`: the main containers may run; `waiting`: not yet; `failed`: they never will. */
function planInit(input: PlanInput, sandboxId: string, anyMain: boolean, draft: Draft): 'done' | 'waiting' | 'failed' {
  const { pod, observed } = input;
  const policy = pod.spec?.restartPolicy ?? 'Always';
  // Whatever has become of the sidecars meanwhile.
  if (!anyMain && policy === 'Never' && initContainersOf(pod).some((each) => hasFailed(observed, each, sandboxId)))
    return 'failed';
  for (const container of initContainersOf(pod)) {
    const last = latest(observed, container.name, sandboxId);
    if (isSidecar(container)) {
      planMain(input, container, sandboxId, draft);
      if (!anyMain && !(last?.state === 'running' && input.started(last.id))) return 'waiting';
      continue;
    }
    if (anyMain) continue;
    if (last === undefined) {
      startLater(input, container, latest(observed, container.name), draft);
      return 'waiting';
    }
    if (last.state === 'running') return 'waiting';
    if (last.state === 'exited' && last.exitCode === 0) continue;
    if (last.state === 'unknown') killUnknown(container, last, draft);
    startLater(input, container, last, draft);
    return 'waiting';
  }
  return 'done';
}

function hasFailed(observed: PodObservation, container: Container, sandboxId: string): boolean {
  const last = latest(observed, container.name, sandboxId);
  return !isSidecar(container) && last?.state === 'exited' && last.exitCode !== 0;
}

/** Plans one container that is to keep running by the restart policy. False where it has ended for good. */
function planMain(input: PlanInput, container: Container, sandboxId: string, draft: Draft): boolean {
  const last = latest(input.observed, container.name, sandboxId);
  const policy = isSidecar(container) ? 'Always' : (container.restartPolicy ?? input.pod.spec?.restartPolicy ?? 'Always');
  if (last === undefined) {
    startLater(input, container, undefined, draft);
    return true;
  }
  if (last.state !== 'running') {
    const ended = last.state === 'exited';
    if (ended && (policy === 'Never' || (policy === 'OnFailure' && last.exitCode === 0))) return false;
    if (last.state === 'unknown') killUnknown(container, last, draft);
    startLater(input, container, last, draft);
    return true;
  }
  const unhealthy = input.unhealthy.get(last.id);
  const changed =
    last.annotations[annotations.hash] !== undefined && last.annotations[annotations.hash] !== input.hashOf(container);
  if (unhealthy === undefined && !changed) return true;
  const cause = changed
    ? `Container ${container.name} definition changed`
    : `Container ${container.name} failed ${unhealthy} probe`;
  const restart = changed || policy !== 'Never';
  draft.kill.push({
    id: last.id,
    name: container.name,
    reason: unhealthy ?? 'changed',
    message: restart ? `${cause}, will be restarted` : cause,
  });
  return true;
}

/** The engine does not know whether it runs: two of the same must not. */
function killUnknown(container: Container, last: ContainerDetail, draft: Draft): void {
  const message = `Container is in unknown state, try killing it before restart`;
  draft.kill.push({ id: last.id, name: container.name, reason: 'unknown', message });
}

function startLater(input: PlanInput, container: Container, last: ContainerDetail | undefined, draft: Draft): void {
  const delayMs = last?.state === 'exited' ? input.backoffMs(container, last.finishedAtMs) : 0;
  if (delayMs > 0) draft.backedOff.set(container.name, delayMs);
  else draft.start.push(container.name);
}
