// Faults on real processes: kill, pause, resume. A node is a whole machine: its processes, shims and containers.
import type { Clock } from '@drydock/foundation/clock.ts';
import { LabError } from './errors.ts';
import { processesIn } from './machine/cgroups.ts';
import { identify, type ProcessId, signalRecorded, viewRecorded } from './machine/proc.ts';
import type { ProcessSpec } from './programs/process-spec.ts';
import { podCgroup, systemCgroup } from './programs/worker.ts';
import type { LabState } from './state.ts';
import { isNode, type Member, type Topology } from './topology.ts';

export type Target =
  | { readonly kind: 'process'; readonly spec: ProcessSpec }
  | { readonly kind: 'machine'; readonly member: Member; readonly specs: readonly ProcessSpec[] };

/** Everything that may be named on a command line. */
export function targetNames(specs: readonly ProcessSpec[]): string[] {
  const workers = new Set(specs.filter((spec) => isNode(spec.member)).map((spec) => spec.member.name));
  return [...specs.map((spec) => spec.name), ...workers, 'all'];
}

/** What a name stands for. `all` is every process. Throws LabError with the list of names. */
export function findTargets(specs: readonly ProcessSpec[], names: readonly string[]): Target[] {
  return names.flatMap((name): Target[] => {
    if (name === 'all') {
      const machines = new Set(specs.filter((spec) => isNode(spec.member)).map((spec) => spec.member.name));
      const others = specs.filter((spec) => !isNode(spec.member));
      return [...others.map((spec): Target => ({ kind: 'process', spec })), ...findTargets(specs, [...machines])];
    }
    const spec = specs.find((candidate) => candidate.name === name);
    if (spec !== undefined) return [{ kind: 'process', spec }];
    const own = specs.filter((candidate) => candidate.member.name === name && isNode(candidate.member));
    const [first] = own;
    if (first === undefined)
      throw new LabError('unknown-name', `unknown name: ${name} (one of: ${targetNames(specs).join(', ')})`);
    return [{ kind: 'machine', member: first.member, specs: own }];
  });
}

/** Names of the targets' processes, each once. */
export function namesOf(targets: readonly Target[]): string[] {
  const specs = targets.flatMap((target) => (target.kind === 'process' ? [target.spec] : target.specs));
  return [...new Set(specs.map((spec) => spec.name))];
}

/** The processes of a target that live now. */
export function livingProcesses(topology: Topology, state: LabState, target: Target): ProcessId[] {
  const specs = target.kind === 'process' ? [target.spec] : target.specs;
  const found = new Map<number, ProcessId>();
  for (const spec of specs) {
    const recorded = state.processes[spec.name];
    if (recorded !== undefined && viewRecorded(recorded) !== undefined) found.set(recorded.pid, recorded);
  }
  if (target.kind === 'machine' && topology.config.network === 'netns') {
    for (const pid of [
      ...processesIn(systemCgroup(topology, target.member)),
      ...processesIn(podCgroup(topology, target.member)),
    ]) {
      const id = identify(pid);
      if (id !== undefined) found.set(pid, id);
    }
  }
  return [...found.values()];
}

const goneTimeoutMs = 10_000;
const pollMs = 10;

/**
 * Sends `signal` to everything of the target; returns how many processes were there. After SIGKILL it returns when they are
 * gone; a machine is swept until nothing is left, since a dying shim may still have been starting something.
 */
export async function signalTarget(
  clock: Clock,
  topology: Topology,
  state: LabState,
  target: Target,
  signal: NodeJS.Signals,
): Promise<number> {
  const first = livingProcesses(topology, state, target);
  for (const id of first) signalRecorded(id, signal);
  if (signal !== 'SIGKILL') return first.length;
  for (let waited = 0; waited < goneTimeoutMs; waited += pollMs) {
    const left = livingProcesses(topology, state, target);
    if (left.length === 0) break;
    for (const id of left) signalRecorded(id, signal);
    await clock.sleep(pollMs);
  }
  return first.length;
}
