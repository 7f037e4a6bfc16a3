// Bugs that are put into a running store, from outside its code, to see that the simulator catches them. Each is one that a store
// could have; what is listed with it is the mix of faults and load in which it shows soonest.
import { LocalClient } from '@drydock/etcd/rpc/local-client.ts';
import type { WatchSink } from '@drydock/etcd/watch/hub.ts';
import type { Message } from 'raft-ts/types.ts';
import { SimPeerTransport } from './peer-transport.ts';
import { plantedInState } from './planted-state.ts';
import { onOpen, onSend, onSink, type PlantedBug } from './planting.ts';

/** A disk whose sync returns before anything is durable: an acknowledgement that a power cut takes back. */
export const lyingSync: PlantedBug = {
  name: 'acknowledge-before-sync',
  caughtAs: /write-ahead log is damaged|commit index \d+ is past the last entry|linearizability|state machine safety|vote: /,
  faults: ['powerLoss'],
  operations: {},
  plant: ({ hosts }) => {
    for (const { disk } of hosts) disk.faults.lying = true;
  },
};

/** Followers confirm the leadership of anybody who asks, also of a leader of the past. */
export const readIndexWithoutTerm: PlantedBug = {
  name: 'read-index-without-term-check',
  caughtAs: /linearizability/,
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
  caughtAs: /commit index \d+ is past the last entry|state machine safety|log matching/,
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
  caughtAs: /vote: |election safety: /,
  firstSeed: 3,
  faults: ['isolate', 'kill', 'split'],
  operations: {},
  plant: (cluster) => {
    onSend(cluster, (message) => (message.type === 'voteResponse' && message.reject ? { ...message, reject: false } : message));
  },
};

/** One member compacts one revision less than it was told. */
export const compactionOffByOne: PlantedBug = {
  name: 'compaction-off-by-one',
  caughtAs: /members differ|members: |watch cancel: .* which nobody asked for/,
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
  caughtAs: /watch reliable: .* is missing/,
  firstSeed: 4,
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
  caughtAs: /leases: lease \d+ ended before/,
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

/** A lease that was revoked stays, without its keys. */
export const leaseOutlivesRevocation: PlantedBug = {
  name: 'lease-outlives-revocation',
  caughtAs: /leases: lease \d+ lives after its revocation/,
  firstSeed: 2,
  faults: [],
  operations: { leaseGrant: 4, leaseKeepAlive: 4, leaseRevoke: 3 },
  plant: (cluster) => {
    onOpen(cluster, ({ machine: { lessor } }) => {
      lessor.remove = () => {};
    });
  },
};

/** Events wait for the next ones, and what is said in between is ahead of them. */
export const bookmarkAhead: PlantedBug = {
  name: 'bookmark-ahead-of-events',
  caughtAs: /watch (bookmarkable|reliable)/,
  faults: [],
  operations: { put: 6 },
  plant: (cluster) => {
    onSink(cluster, (sink) => {
      let late: Parameters<WatchSink['send']> | undefined;
      return (...events) => {
        if (late !== undefined) sink.send(...late);
        late = events;
      };
    });
  },
};

/** The events of one revision come in two responses. */
export const revisionTorn: PlantedBug = {
  name: 'revision-torn-in-two',
  caughtAs: /watch atomic/,
  faults: [],
  operations: { multiTxn: 6 },
  plant: (cluster) => {
    onSink(cluster, (sink) => (watcher, events) => {
      for (const event of events) sink.send(watcher, [event]);
    });
  },
};

/** Every fifth response of a stream comes twice. */
export const eventTwice: PlantedBug = {
  name: 'event-twice',
  caughtAs: /watch (unique|atomic|ordered)/,
  faults: [],
  operations: { put: 6 },
  plant: (cluster) => {
    onSink(cluster, (sink) => {
      let count = 0;
      return (watcher, events) => {
        sink.send(watcher, events);
        if (++count % 5 === 0) sink.send(watcher, events);
      };
    });
  },
};

/** A watch that wants no deletes, or no puts, is told of them all the same. */
export const filterForgotten: PlantedBug = {
  name: 'watch-filter-forgotten',
  caughtAs: /watch reliable: .* not in the log/,
  firstSeed: 3,
  faults: [],
  operations: { delete: 4 },
  plant: (cluster) => {
    onOpen(cluster, ({ machine: { hub } }) => {
      const add = hub.add.bind(hub);
      hub.add = (spec, sink) => add({ ...spec, wantsDelete: true, wantsPut: true }, sink);
    });
  },
};

/** A key-value before a change is the one after it. */
export const wrongPrevious: PlantedBug = {
  name: 'wrong-previous-key-value',
  caughtAs: /watch prev_kv/,
  faults: [],
  operations: { put: 6 },
  plant: (cluster) => {
    onSink(cluster, (sink) => (watcher, events) => {
      sink.send(
        watcher,
        events.map(({ key, type, kv, prevKv }) => ({ key, type, kv, prevKv: () => (prevKv() === undefined ? undefined : kv) })),
      );
    });
  },
};

/** One member does not apply every tenth put. */
export const memberDiffers: PlantedBug = {
  name: 'apply-differs-on-one-member',
  caughtAs: /members differ|members: |linearizability/,
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
  caughtAs: /commit index \d+ is past the last entry|state machine safety|leader completeness/,
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

/** Who takes a lock does not wait until those before it have gone. */
export const impatientLock: PlantedBug = {
  name: 'lock-without-waiting',
  caughtAs: /locks: #\d+ was told to hold (lock|election)\d at revision \d+, when .* held it/,
  faults: [],
  operations: {},
  options: { lockers: 4 },
  plant: (cluster) => {
    patchLocalClient();
    onOpen(cluster, ({ server }) => {
      impatient.add(server);
    });
  },
};

const impatient = new WeakSet<object>();
let isPatched = false;

/** The members' own way to their services, which nobody else can reach. */
function patchLocalClient(): void {
  if (isPatched) return;
  isPatched = true;
  const { range } = LocalClient.prototype;
  LocalClient.prototype.range = async function (this: LocalClient, call, request) {
    const answer = await range.call(this, call, request);
    const looksBack = (request.max_create_revision ?? 0) > 0 && impatient.has(this.server);
    return looksBack ? { ...answer, kvs: [] } : answer;
  };
}

/** The NOSPACE alarm is raised and has no consequences. */
export const alarmIgnored: PlantedBug = {
  name: 'no-space-alarm-ignored',
  caughtAs: /space: #\d+ was acknowledged while there was a NOSPACE alarm/,
  faults: [],
  operations: { put: 8 },
  options: { quotaBytes: 300_000, valueBytes: 5000 },
  plant: (cluster) => {
    onOpen(cluster, (member) => {
      member.machine.alarms.has = () => false;
      member.machine.hasRoomFor = () => true;
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
  leaseOutlivesRevocation,
  bookmarkAhead,
  revisionTorn,
  eventTwice,
  filterForgotten,
  wrongPrevious,
  memberDiffers,
  commitWithoutQuorum,
  impatientLock,
  alarmIgnored,
  ...plantedInState,
];
