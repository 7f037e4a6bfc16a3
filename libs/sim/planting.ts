// How a bug is put into a running store, from outside its code.
import type { EtcdMember } from '@drydock/etcd/member.ts';
import type { WatchSink } from '@drydock/etcd/watch/hub.ts';
import type { Message } from 'raft-ts/types.ts';
import type { SimCluster } from './cluster.ts';
import type { MemberHost } from './member-host.ts';
import type { FaultKind, OperationKind, SimOptions } from './options.ts';

export interface PlantedBug {
  readonly name: string;
  /** What is said of it: which checker finds it. Where a bug breaks several promises, any of them. */
  readonly caughtAs: RegExp;
  readonly faults: readonly FaultKind[];
  readonly operations: Readonly<Partial<Record<OperationKind, number>>>;
  /** What else it needs. */
  readonly options?: Partial<SimOptions>;
  /** Of the random load: the first that shows it soon. 1 unless it is said otherwise. */
  readonly firstSeed?: number;
  /** Shows in a scenario, in which what it needs happens for certain; without one in the random load. */
  readonly scenario?: string;
  readonly plant: (cluster: SimCluster) => void;
}

/** The options of a seed, as the bug needs them. */
export function adjusted(options: SimOptions, { faults, operations, options: more }: PlantedBug): SimOptions {
  const none = Object.fromEntries(Object.keys(options.operations).map((kind) => [kind, 0])) as SimOptions['operations'];
  return {
    ...options,
    size: Math.max(3, options.size),
    faults,
    faultEverySeconds: 3,
    // The store's own comparison of members might find them first.
    upkeep: {},
    thinkMs: 50,
    keys: 3,
    clients: 5,
    readers: 4,
    watchers: 3,
    operations: { ...none, put: 3, get: 3, ...operations },
    ...more,
  };
}

/** Calls `change` on every member before it starts. */
export function onOpen(cluster: SimCluster, change: (member: EtcdMember, host: MemberHost) => void): void {
  const { onOpen: before } = cluster;
  cluster.onOpen = (host, member) => {
    change(member, host);
    before(host, member);
  };
}

/** Stands between the hub and every stream of watches. */
export function onSink(cluster: SimCluster, sending: (sink: WatchSink) => WatchSink['send']): void {
  onOpen(cluster, ({ machine: { hub } }) => {
    const add = hub.add.bind(hub);
    hub.add = (spec, sink) =>
      add(spec, {
        get blocked() {
          return sink.blocked;
        },
        send: sending(sink),
        caughtUp: (watcher) => sink.caughtUp(watcher),
        compacted: (watcher, revision) => sink.compacted(watcher, revision),
      });
  });
}

/** Replaces, drops or passes on what members send. */
export function onSend(cluster: SimCluster, change: (message: Message) => Message | undefined): void {
  const { onSend: before } = cluster.peers;
  cluster.peers.onSend = (message) => {
    const changed = change(message);
    return changed === undefined ? undefined : before(changed);
  };
}
