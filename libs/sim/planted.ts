// Bugs that are put into a running store, from outside its code, to see that the simulator catches them. Each is one that a store
// could have; what is listed with it is the mix of faults and load in which it shows soonest.
import type { EtcdMember } from '@drydock/etcd/member.ts';
import type { Message } from 'raft-ts/types.ts';
import type { SimCluster } from './cluster.ts';
import type { MemberHost } from './member-host.ts';
import type { FaultKind, OperationKind, SimOptions } from './options.ts';
import { SimPeerTransport } from './peer-transport.ts';

export interface PlantedBug {
  readonly name: string;
  readonly faults: readonly FaultKind[];
  readonly operations: Readonly<Partial<Record<OperationKind, number>>>;
  readonly plant: (cluster: SimCluster) => void;
}

/** The options of a seed, as the bug needs them. */
export function adjusted(options: SimOptions, { faults, operations }: PlantedBug): SimOptions {
  const none = Object.fromEntries(Object.keys(options.operations).map((kind) => [kind, 0])) as SimOptions['operations'];
  return {
    ...options,
    size: Math.max(3, options.size),
    faults,
    faultEverySeconds: 3,
    thinkMs: 50,
    keys: 3,
    clients: 5,
    readers: 4,
    watchers: 3,
    operations: { ...none, put: 3, get: 3, ...operations },
  };
}

/** Calls `change` on every member before it starts. */
function onOpen(cluster: SimCluster, change: (member: EtcdMember, host: MemberHost) => void): void {
  const { onOpen: before } = cluster;
  cluster.onOpen = (host, member) => {
    change(member, host);
    before(host, member);
  };
}

/** Replaces, drops or passes on what members send. */
function onSend(cluster: SimCluster, change: (message: Message) => Message | undefined): void {
  const { onSend: before } = cluster.peers;
  cluster.peers.onSend = (message) => {
    const changed = change(message);
    return changed === undefined ? undefined : before(changed);
  };
}

/** A disk whose sync returns before anything is durable: an acknowledgement that a power cut takes back. */
export const lyingSync: PlantedBug = {
  name: 'acknowledge-before-sync',
  faults: ['powerLoss'],
  operations: {},
  plant: ({ hosts }) => {
    for (const { disk } of hosts) disk.faults.lying = true;
  },
};

/** Followers confirm the leadership of anybody who asks, also of a leader of the past. */
export const readIndexWithoutTerm: PlantedBug = {
  name: 'read-index-without-term-check',
  faults: ['pause', 'isolate', 'oneWay'],
  operations: { get: 8 },
  plant: (cluster) => {
    onSend(cluster, (message) => {
      if (message.type !== 'heartbeatRequest' || message.readSequence === 0) return message;
      const { from, to, term, readSequence } = message;
      const leader = cluster.peers.at(from);
      const answer: Message = { type: 'heartbeatResponse', from: to, to: from, term, readSequence };
      if (leader !== undefined && cluster.peers.at(to) !== undefined) leader.receive(to, [answer], leader);
      return message;
    });
  },
};

/** A follower says yes to entries without looking at what it has before them. */
export const noPreviousCheck: PlantedBug = {
  name: 'append-without-previous-check',
  faults: ['isolate', 'kill', 'powerLoss', 'network'],
  operations: {},
  plant: (cluster) => {
    onSend(cluster, (message) =>
      message.type === 'appendResponse' && message.reject ? { ...message, reject: false, hintIndex: 0, hintTerm: 0 } : message,
    );
  },
};

/** A member votes as often as it is asked. */
export const forgottenVote: PlantedBug = {
  name: 'vote-twice',
  faults: ['isolate', 'kill', 'split'],
  operations: {},
  plant: (cluster) => {
    onSend(cluster, (message) => (message.type === 'voteResponse' && message.reject ? { ...message, reject: false } : message));
  },
};

/** One member compacts one revision less than it was told. */
export const compactionOffByOne: PlantedBug = {
  name: 'compaction-off-by-one',
  faults: [],
  operations: { compact: 2, range: 2 },
  plant: (cluster) => {
    onOpen(cluster, ({ machine: { store } }, { name }) => {
      if (name !== 'm2') return;
      const compact = store.compact.bind(store);
      store.compact = (revision) => compact(Math.max(revision - 1, store.compactRevision + 1));
    });
  },
};

/** A watch from the past begins one revision late. */
export const eventLostOnResync: PlantedBug = {
  name: 'event-lost-on-resync',
  faults: ['kill', 'isolate'],
  operations: { put: 6 },
  plant: (cluster) => {
    onOpen(cluster, ({ machine: { hub, store } }) => {
      const add = hub.add.bind(hub);
      hub.add = (spec, sink) => {
        const late = spec.startRevision > 0 && spec.startRevision <= store.revision;
        return add(late ? { ...spec, startRevision: spec.startRevision + 1 } : spec, sink);
      };
    });
  },
};

/** Leases end after two thirds of their time. */
export const leaseEndsEarly: PlantedBug = {
  name: 'lease-ends-early',
  faults: [],
  operations: { leaseGrant: 4, leaseKeepAlive: 2, put: 4 },
  plant: (cluster) => {
    onOpen(cluster, ({ machine: { lessor } }) => {
      const expired = lessor.expired.bind(lessor);
      lessor.expired = (nowMs) => expired(nowMs + earlyMs);
      const nextDueMs = lessor.nextDueMs.bind(lessor);
      lessor.nextDueMs = () => nextDueMs() - earlyMs;
    });
  },
};

const earlyMs = 1500;

/** One member does not apply every tenth put. */
export const memberDiffers: PlantedBug = {
  name: 'apply-differs-on-one-member',
  faults: [],
  operations: {},
  plant: (cluster) => {
    onOpen(cluster, ({ machine: { store } }, { name }) => {
      if (name !== 'm3') return;
      const { backend } = store;
      const put = backend.put.bind(backend);
      let count = 0;
      backend.put = (main, sub, tombstone, value) => {
        const damaged = Buffer.from(value);
        if (++count % 10 === 0) damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
        put(main, sub, tombstone, damaged);
      };
    });
  },
};

/** A new leader believes that everything it has is committed: a member's messages say so. */
export const commitWithoutQuorum: PlantedBug = {
  name: 'commit-without-quorum',
  faults: ['isolate', 'split', 'kill'],
  operations: {},
  plant: (cluster) => {
    onSend(cluster, (message) => {
      if (message.type !== 'appendRequest' || message.entries.length === 0) return message;
      const last = message.prevIndex + message.entries.length;
      const { from, to, term } = message;
      const leader = cluster.peers.at(from);
      const answer: Message = {
        type: 'appendResponse',
        from: to,
        to: from,
        term,
        index: last,
        reject: false,
        hintIndex: 0,
        hintTerm: 0,
      };
      if (leader instanceof SimPeerTransport) leader.receive(to, [answer], leader);
      return message;
    });
  },
};

export const plantedBugs: readonly PlantedBug[] = [
  lyingSync,
  readIndexWithoutTerm,
  noPreviousCheck,
  forgottenVote,
  compactionOffByOne,
  eventLostOnResync,
  leaseEndsEarly,
  memberDiffers,
  commitWithoutQuorum,
];
