// The status of a pod from what runs of it: pure (pkg/kubelet, generateAPIPodStatus).
import type { Container, ContainerState, ContainerStatus, Pod, PodCondition, PodStatus } from '@drydock/api/generated/types.ts';
import { qosClassOf } from '@drydock/api/pod-qos.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import type { ContainerDetail } from '../engine/engine.ts';
import { containersOf, ephemeralContainersOf, initContainersOf, isSidecar, type PodObservation } from './observation.ts';

/** Why a container is not running, from the last attempt to start it. */
export interface StartProblem {
  readonly reason: string;
  readonly message: string;
}

export interface StatusInput {
  readonly pod: Pod;
  readonly observed: PodObservation;
  readonly engineName: string;
  readonly hostIp: string;
  readonly nowMs: number;
  /** When the kubelet first saw the pod. */
  readonly startTimeMs: number;
  readonly problems: ReadonlyMap<string, StartProblem>;
  /** Waits of restarts, as texts. */
  readonly backedOff: ReadonlyMap<string, StartProblem>;
  readonly ready: (containerId: string) => boolean;
  readonly started: (containerId: string) => boolean;
  readonly terminationMessage: (container: ContainerDetail) => string;
  /** The node has not taken the pod: nothing of it was ever begun. */
  readonly rejected?: boolean;
  /** A verdict that stands: rejected, evicted, deadline exceeded. */
  readonly failure?: { readonly reason: string; readonly message: string } | undefined;
  /** Everything of the pod has ended and nothing will start again. */
  readonly finished: boolean;
}

export function podStatus(input: StatusInput): PodStatus {
  const { pod, observed, failure } = input;
  if (input.rejected === true && failure !== undefined) return rejection(input, failure);
  const initContainerStatuses = initContainersOf(pod).map((container) => containerStatus(input, container, true));
  const containerStatuses = containersOf(pod).map((container) => containerStatus(input, container, false));
  const ephemeralContainerStatuses = ephemeralContainersOf(pod).map((container) => containerStatus(input, container, false));
  const verdict = failure !== undefined ? 'Failed' : phaseOf(input, initContainerStatuses, containerStatuses);
  const held = isHeld(input, verdict);
  const phase = held ? ((pod.status?.phase as Phase | undefined) ?? 'Pending') : verdict;
  const ips = pod.spec?.hostNetwork === true ? (observed.sandboxes.length > 0 ? [input.hostIp] : []) : observed.ips;
  const known = pod.status;
  const podIps = ips.length > 0 ? ips.map((ip) => ({ ip })) : (known?.podIPs ?? []);
  return {
    observedGeneration: pod.metadata?.generation,
    phase,
    conditions: conditionsOf(input, phase, initContainerStatuses, containerStatuses),
    hostIP: input.hostIp,
    hostIPs: [{ ip: input.hostIp }],
    podIP: podIps[0]?.ip,
    podIPs: podIps.length > 0 ? podIps : undefined,
    startTime: known?.startTime ?? formatTime(input.startTimeMs),
    ...(initContainerStatuses.length > 0 ? { initContainerStatuses } : {}),
    containerStatuses,
    ...(ephemeralContainerStatuses.length > 0 ? { ephemeralContainerStatuses } : {}),
    qosClass: known?.qosClass ?? qosClassOf(pod),
    ...(failure === undefined || held ? {} : { reason: failure.reason, message: failure.message }),
  };
}

/** Of containers that were never to be there is nothing to say (Kubelet.rejectPod). */
function rejection({ pod, startTimeMs }: StatusInput, failure: StartProblem): PodStatus {
  const { startTime = formatTime(startTimeMs), qosClass = qosClassOf(pod), conditions = [] } = pod.status ?? {};
  const { reason, message } = failure;
  return { observedGeneration: pod.metadata?.generation, phase: 'Failed', reason, message, qosClass, startTime, conditions };
}

/** A phase that is final is not said while something still runs: others would take the pod's place (mergePodStatus). */
function isHeld({ pod, observed }: StatusInput, verdict: Phase): boolean {
  const before = pod.status?.phase;
  const final = (phase: string | undefined) => phase === 'Succeeded' || phase === 'Failed';
  return final(verdict) && !final(before) && observed.containers.some(({ state }) => state === 'running');
}

function containerStatus(input: StatusInput, container: Container, init: boolean): ContainerStatus {
  const { observed, pod } = input;
  const own = observed.containers.filter(({ name }) => name === container.name);
  const [last, before] = own;
  const before0 = statusOf(pod, container.name);
  if (last === undefined) return unstarted(input, container, init, before0);
  const running = last.state === 'running';
  const waiting = mayRestart(pod, container, init, last)
    ? (input.problems.get(container.name) ?? input.backedOff.get(container.name))
    : undefined;
  const state: ContainerState =
    waiting !== undefined
      ? { waiting }
      : last.state === 'created'
        ? { waiting: { reason: 'ContainerCreating' } }
        : stateOf(input, last);
  const earlier = waiting !== undefined && last.state === 'exited' ? last : before;
  const started = running && input.started(last.id);
  // An init container is ready once it has done its work.
  const ready =
    init && !isSidecar(container) ? last.state === 'exited' && last.exitCode === 0 : running && started && input.ready(last.id);
  return {
    name: container.name,
    state,
    lastState: earlier?.state === 'exited' ? stateOf(input, earlier) : (before0?.lastState ?? {}),
    ready,
    restartCount: last.attempt,
    image: last.image.startsWith('sha256:') ? (container.image ?? last.image) : last.image,
    imageID: last.imageRef,
    containerID: `${input.engineName}://${last.id}`,
    started,
    ...(container.resources !== undefined ? { resources: container.resources } : {}),
    volumeMounts: container.volumeMounts?.map(({ name, mountPath, readOnly }) => ({
      name,
      mountPath,
      ...(readOnly === true ? { readOnly, recursiveReadOnly: 'Disabled' } : {}),
    })),
  };
}

/** Only then it waits for anything (kubecontainer.ShouldContainerBeRestarted). */
function mayRestart(pod: Pod, container: Container, init: boolean, last: ContainerDetail): boolean {
  if (last.state !== 'exited') return last.state !== 'running';
  if (isSidecar(container)) return true;
  const policy = container.restartPolicy ?? pod.spec?.restartPolicy ?? 'Always';
  if (policy === 'Never') return false;
  return (policy === 'Always' && !init) || last.exitCode !== 0;
}

/** What the apiserver has of a container's status. */
export function statusOf(pod: Pod, name: string): ContainerStatus | undefined {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].find((each) => each.name === name);
}

function unstarted(
  input: StatusInput,
  container: Container,
  init: boolean,
  before: ContainerStatus | undefined,
): ContainerStatus {
  const problem = input.problems.get(container.name);
  const initialising = initContainersOf(input.pod).length > 0;
  // A container that ran before and is gone from the engine keeps what was last said of it.
  const gone = before?.containerID !== undefined && before.state?.terminated !== undefined ? before.state : undefined;
  const lost = input.finished && before?.state?.terminated === undefined && before?.containerID !== undefined;
  const state: ContainerState =
    gone ??
    (lost
      ? {
          terminated: {
            exitCode: 137,
            reason: 'ContainerStatusUnknown',
            message: 'The container could not be located when the pod was terminated',
            containerID: before?.containerID,
          },
        }
      : { waiting: problem ?? { reason: initialising ? 'PodInitializing' : 'ContainerCreating' } });
  return {
    name: container.name,
    state,
    lastState: before?.lastState ?? {},
    ready: gone !== undefined && init && gone.terminated?.exitCode === 0,
    restartCount: before?.restartCount ?? 0,
    image: container.image ?? '',
    imageID: gone !== undefined ? (before?.imageID ?? '') : '',
    ...(gone === undefined ? {} : { containerID: before?.containerID }),
    started: false,
  };
}

function stateOf(input: StatusInput, container: ContainerDetail): ContainerState {
  if (container.state === 'running') return { running: { startedAt: formatTime(container.startedAtMs) } };
  const message = input.terminationMessage(container) || container.message;
  const reason = container.reason !== '' ? container.reason : container.exitCode === 0 ? 'Completed' : 'Error';
  return {
    terminated: {
      exitCode: container.exitCode,
      reason,
      ...(message === '' ? {} : { message }),
      startedAt: formatTime(container.startedAtMs),
      finishedAt: formatTime(container.finishedAtMs),
      containerID: `${input.engineName}://${container.id}`,
    },
  };
}

type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

function phaseOf({ pod, finished }: StatusInput, init: readonly ContainerStatus[], main: readonly ContainerStatus[]): Phase {
  const before = pod.status?.phase;
  if (before === 'Succeeded' || before === 'Failed') return before;
  const policy = pod.spec?.restartPolicy ?? 'Always';
  const specs = initContainersOf(pod);
  const ended = (status: ContainerStatus) => status.state?.terminated ?? status.lastState?.terminated;
  let initDone = true;
  for (const [index, status] of init.entries()) {
    const sidecar = specs[index]?.restartPolicy === 'Always';
    const terminated = status.state?.terminated;
    if (sidecar) {
      if (status.started !== true && terminated === undefined) initDone = false;
      continue;
    }
    if (terminated === undefined || terminated.exitCode !== 0) initDone = false;
    if (terminated !== undefined && terminated.exitCode !== 0 && policy === 'Never') return 'Failed';
  }
  const everRan = main.some((status) => status.containerID !== undefined);
  if (!initDone && !everRan) return finished ? 'Failed' : 'Pending';
  const running = main.filter((status) => status.state?.running !== undefined).length;
  const waiting = main.filter((status) => status.state?.waiting !== undefined && ended(status) === undefined).length;
  if (waiting > 0 && !finished) return 'Pending';
  if (running > 0) return 'Running';
  const allEnded = main.every((status) => ended(status) !== undefined);
  if (!allEnded) return finished ? 'Failed' : 'Pending';
  const allWell = main.every((status) => ended(status)?.exitCode === 0);
  if (finished) return allWell ? 'Succeeded' : 'Failed';
  if (policy === 'Always') return 'Running';
  if (allWell) return 'Succeeded';
  return policy === 'Never' ? 'Failed' : 'Running';
}

function conditionsOf(
  input: StatusInput,
  phase: Phase,
  init: readonly ContainerStatus[],
  main: readonly ContainerStatus[],
): PodCondition[] {
  const { pod, observed } = input;
  const sandboxReady = observed.sandboxes[0]?.ready === true && (pod.spec?.hostNetwork === true || observed.ips.length > 0);
  const ended = phase === 'Succeeded' || phase === 'Failed';
  const incomplete = init.filter((status, index) =>
    isSidecar(initContainersOf(pod)[index] ?? { name: '' }) ? status.started !== true : status.ready !== true,
  );
  const initialised =
    phase === 'Succeeded' || incomplete.length === 0 || main.some((status) => status.containerID !== undefined);
  const sidecars = init.filter((_, index) => isSidecar(initContainersOf(pod)[index] ?? { name: '' }));
  const unready = [...sidecars, ...main].filter((status) => status.ready !== true).map(({ name }) => name);
  const containersReady = ended || unready.length > 0 ? notReady(phase, unready) : undefined;
  const gateProblem = gateProblemOf(pod);
  const wanted: PodCondition[] = [
    { type: 'PodReadyToStartContainers', status: sandboxReady ? 'True' : 'False' },
    initialised
      ? { type: 'Initialized', status: 'True', ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) }
      : {
          type: 'Initialized',
          status: 'False',
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: [${incomplete.map(({ name }) => name).join(' ')}]`,
        },
    condition('Ready', containersReady ?? gateProblem),
    condition('ContainersReady', containersReady),
    { type: 'PodScheduled', status: 'True' },
  ];
  const now = formatTime(input.nowMs);
  return wanted.map((each) => {
    const before = pod.status?.conditions?.find(({ type }) => type === each.type);
    const same = before?.status === each.status && before.lastTransitionTime !== undefined;
    return {
      ...each,
      observedGeneration: pod.metadata?.generation,
      lastTransitionTime: same ? before.lastTransitionTime : now,
    };
  });
}

function gateProblemOf(pod: Pod): StartProblemLike | undefined {
  const messages = (pod.spec?.readinessGates ?? []).flatMap(({ conditionType }) => {
    const found = pod.status?.conditions?.find(({ type }) => type === conditionType);
    if (found === undefined) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    return found.status === 'True'
      ? []
      : [`the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`];
  });
  return messages.length === 0 ? undefined : { reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}

function condition(type: string, problem: StartProblemLike | undefined): PodCondition {
  return problem === undefined ? { type, status: 'True' } : { type, status: 'False', ...problem };
}

interface StartProblemLike {
  readonly reason: string;
  readonly message?: string;
}

function notReady(phase: Phase, unready: readonly string[]): StartProblemLike {
  if (phase === 'Succeeded') return { reason: 'PodCompleted' };
  if (phase === 'Failed') return { reason: 'PodFailed' };
  return { reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` };
}
