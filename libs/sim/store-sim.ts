// One run of the store in a world: a cluster, clients and faults drawn from a seed; then everything is healed, and the store has
// to come to rest in one state.
import type { EtcdMember } from '@drydock/etcd/member.ts';
import { api } from '@drydock/etcd/rpc/api.ts';
import { alarmType } from '@drydock/etcd/rpc/messages.ts';
import { SimClient } from './client.ts';
import { SimCluster } from './cluster.ts';
import { Faults } from './faults.ts';
import { emptyBase, type History } from './history/history.ts';
import { Recorder } from './history/recorder.ts';
import { judge } from './judge.ts';
import type { MemberHost } from './member-host.ts';
import { observe } from './observe.ts';
import type { Operator } from './operator.ts';
import { drawOptions, type FaultKind, type SimOptions } from './options.ts';
import { RaftObserver, SafetyViolation } from './raft-observer.ts';
import type { Effect } from './tally.ts';
import { Workload } from './workload/workload.ts';
import { World } from './world.ts';

export type Verdict = 'ok' | 'crash' | 'safety' | 'liveness';

export interface SimResult {
  readonly verdict: Verdict;
  readonly error: unknown;
  readonly options: SimOptions;
  /** Of the event log. */
  readonly hash: string;
  readonly events: number;
  readonly virtualSeconds: number;
  readonly operations: number;
  readonly history: History;
  /** How often each kind of fault was injected, and what came of them. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly effects: ReadonlyMap<Effect, number>;
  /** The newest lines of the event log. */
  readonly tail: readonly string[];
}

export interface RunOptions {
  readonly safetySeconds: number;
  readonly onLine?: (line: string) => void;
  /** Changes the world before it starts: planted bugs. */
  readonly plant?: (cluster: SimCluster) => void;
  readonly adjust?: (options: SimOptions) => SimOptions;
}

/** Once everything is healed, the cluster does not come to rest. */
export class LivenessViolation extends Error {
  override readonly name = 'LivenessViolation';
}

const second = 1_000_000;
/** How long a healed cluster may take until everything that was asked is answered, and until all members are equal. */
const answerSeconds = 60;
const convergenceSeconds = 60;

/** Runs one seed. Does not reject. */
export async function runSeed(seed: string, run: RunOptions): Promise<SimResult> {
  const world = new World(seed, run.onLine);
  const drawn = drawOptions(seed, world.random, run.safetySeconds);
  const options = run.adjust?.(drawn) ?? drawn;
  const cluster = new SimCluster(world, options);
  cluster.network.faults = options.network;
  cluster.peers.encoded = options.encoded;
  const recorder = new Recorder(() => world.nowUs);
  recorder.base = { ...emptyBase, compactsItself: options.upkeep.autoCompaction !== undefined };
  observe(cluster, new RaftObserver(), recorder);
  run.plant?.(cluster);
  const faults = new Faults(world, cluster, options);
  const workload = new Workload(cluster, options, recorder);
  let error: unknown;
  try {
    faults.start();
    workload.start();
    await world.run(options.safetySeconds * second);
    workload.stop();
    faults.heal();
    await world.run(world.nowUs + answerSeconds * second, () => workload.idle && !faults.operator.busy);
    if (!workload.idle || faults.operator.busy)
      throw new LivenessViolation(`an operation has no end ${answerSeconds} s after everything was healed`);
    await converge(cluster, recorder, faults.operator);
    workload.cleanUp();
    await world.run(world.nowUs + answerSeconds * second, () => workload.clean);
    if (!workload.clean) throw new LivenessViolation('there is a NOSPACE alarm that cannot be disarmed');
    workload.settle();
    const revision = cluster.leader()?.member?.machine.store.revision ?? 0;
    await world.run(world.nowUs + answerSeconds * second, () => workload.heardUpTo(revision));
    if (!workload.heardUpTo(revision)) throw new LivenessViolation(`a watcher has not heard of revision ${revision}`);
  } catch (caught) {
    error = caught;
  }
  if (error === undefined || error instanceof LivenessViolation) error = judge(recorder.history()) ?? error;
  return {
    verdict: verdictOf(error),
    error,
    options,
    hash: world.log.digest(),
    events: world.events,
    virtualSeconds: world.nowUs / second,
    operations: recorder.operations.length,
    history: recorder.history(),
    faults: faults.counts,
    effects: world.tally.counts,
    tail: world.log.tail(),
  };
}

function verdictOf(error: unknown): Verdict {
  if (error === undefined) return 'ok';
  if (error instanceof SafetyViolation) return 'safety';
  return error instanceof LivenessViolation ? 'liveness' : 'crash';
}

/** All members that belong to the cluster answer, and have the same content. */
async function converge(cluster: SimCluster, recorder: Recorder, operator: Operator): Promise<void> {
  const { world } = cluster;
  const client = new SimClient(cluster, 'judge');
  const states = new Map<MemberHost, string>();
  const hashes = new Map<MemberHost, number>();
  let equal = false;
  const ask = async (host: MemberHost): Promise<void> => {
    // A learner refuses to tell its hash; what it has applied is compared all the same.
    if (host.member?.server.isLearner === true) {
      states.set(host, stateOf(host.member));
      return;
    }
    try {
      const answer = await client.call(host, api.hashKv, {});
      const { compact_revision: compactRevision, hash } = answer;
      recorder.hash({ member: host.name, revision: answer.hash_revision, compactRevision, hash });
      states.set(host, host.member === undefined ? '' : stateOf(host.member));
      hashes.set(host, hash);
    } catch {
      states.delete(host);
      hashes.delete(host);
    }
  };
  const differences = (): number => Math.max(new Set(states.values()).size, new Set(hashes.values()).size) - 1;
  const poll = async (): Promise<void> => {
    const known = await operator.reconcile();
    const hosts = cluster.hosts.filter((host) => !host.removed);
    states.clear();
    hashes.clear();
    await Promise.all(hosts.map(ask));
    equal = known && states.size === hosts.length && differences() === 0;
    if (!equal) world.schedule(second / 5, start);
  };
  const start = (): void => {
    poll().catch((error) => world.fail(error));
  };
  world.schedule(0, start);
  await world.run(world.nowUs + convergenceSeconds * second, () => equal);
  const alarms = cluster.leader()?.member?.machine.alarms.list() ?? [];
  if (alarms.some(({ alarm }) => alarm === alarmType.corrupt))
    throw new SafetyViolation('an alarm, where nothing is wrong with the data');
  if (equal) return;
  const picture = cluster.hosts
    .map((host) => `${host.name}: ${states.get(host) ?? 'no answer'} hash=${hashes.get(host)}`)
    .join('; ');
  const applied = new Set([...states.values()].map((state) => state.split(' ')[0]));
  if (differences() > 0 && applied.size === 1) throw new SafetyViolation(`members differ at the same index: ${picture}`);
  throw new LivenessViolation(`members are not equal ${convergenceSeconds} s after everything was healed: ${picture}`);
}

function stateOf({ machine, replica }: EtcdMember): string {
  const { voters, learners } = replica.status().conf;
  const leases = [...machine.lessor.all()].map(({ id, ttlSeconds, keys }) => `${id}/${ttlSeconds}/${[...keys].sort()}`).sort();
  const { store } = machine;
  return `applied=${machine.appliedIndex()} revision=${store.revision} compacted=${store.compactRevision} leases=${leases.join('|')} members=${machine.members.list().map(({ ID, isLearner }) => `${ID.toString(16)}${isLearner}`)} voters=${voters} learners=${learners}`;
}
