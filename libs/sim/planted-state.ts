// Bugs in what members keep and hand on: the log on the disk, members, snapshots, permissions.
import { readFrame } from '@drydock/etcd/wal/frame.ts';
import { headRecords } from '@drydock/etcd/wal/recover.ts';
import type { SimCluster } from './cluster.ts';
import { onOpen, type PlantedBug } from './planting.ts';

/** One member takes every change of membership for one that was refused. */
const membershipForgotten: PlantedBug = {
  name: 'membership-not-followed',
  caughtAs: /configuration: after entry \d+ it is/,
  faults: ['membership'],
  operations: {},
  plant: (cluster) => {
    onOpen(cluster, ({ machine }, { name }) => {
      const { refused } = machine;
      // Its own beginning it has to follow.
      machine.refused = (index) => (name === 'm2' && index > cluster.hosts.length) || refused.call(machine, index);
    });
  },
};

/** A snapshot is seen while it is loaded: the old content is gone, the new one is not there. */
const snapshotInParts: PlantedBug = {
  name: 'snapshot-seen-in-parts',
  caughtAs: /watch (reliable|atomic|ordered|bookmarkable)|every watch is told of every change|hashes at \d+ are equal/,
  faults: [],
  operations: {},
  scenario: 'watches-while-snapshot-installs',
  plant: (cluster) => {
    onOpen(cluster, ({ machine: { backend } }) => {
      let loading = false;
      const { replace, revisions } = backend;
      backend.revisions = (...range) => (loading ? [] : revisions.apply(backend, range));
      backend.replace = async () => {
        const replacement = await replace.call(backend);
        loading = true;
        return {
          ...replacement,
          finish: (changed) =>
            replacement.finish(() => {
              loading = false;
              changed();
            }),
        };
      };
    });
  },
};

/** The last revision of a snapshot is not taken over. */
const snapshotLosesRevision: PlantedBug = {
  name: 'snapshot-loses-its-last-revision',
  caughtAs: /determinism: after entry|equal hashes|members differ/,
  faults: [],
  operations: {},
  scenario: 'snapshot-to-follower',
  plant: (cluster) => {
    onOpen(cluster, ({ machine: { backend } }) => {
      const { replace } = backend;
      backend.replace = async () => {
        const replacement = await replace.call(backend);
        const load: typeof replacement.load = (bucket, records) =>
          replacement.load(bucket, bucket === 'key' ? records.slice(0, -1) : records);
        return { ...replacement, load };
      };
    });
  },
};

/** What a user may write is asked when a request comes in, and not when it is applied. */
const permissionsTooEarly: PlantedBug = {
  name: 'permissions-not-asked-when-applied',
  caughtAs: /each as it has to be: .*(taken at|a write of)|some are taken, some are denied/,
  faults: [],
  operations: {},
  scenario: 'changing-permissions',
  plant: (cluster) => {
    onOpen(cluster, ({ machine: { guard } }) => {
      guard.put = () => {};
    });
  },
};

/** Every seventh answer of a member says the revision before its own. */
const revisionStepsBack: PlantedBug = {
  name: 'revision-steps-back',
  caughtAs: /linearizability|real time|revision/,
  faults: [],
  operations: { put: 4, get: 4 },
  plant: (cluster) => {
    onOpen(cluster, ({ server }, { name }) => {
      if (name !== 'm2') return;
      const { header } = server;
      let answers = 0;
      server.header = (revision) => {
        const said = header.call(server, revision);
        return ++answers % 7 === 0 ? { ...said, revision: said.revision - 1 } : said;
      };
    });
  },
};

/** After a power failure the log is without its last record, though that was durable. */
const logForgetsLast: PlantedBug = {
  name: 'log-without-its-last-record',
  caughtAs:
    /commit index \d+ is past|but \d+ was committed|it ends at|linearizability|state machine safety|leader completeness|vote: |log matching/,
  faults: ['powerLoss'],
  operations: { put: 6 },
  plant: (cluster: SimCluster) => {
    for (const { disk } of cluster.hosts) {
      const { losePower } = disk;
      disk.losePower = () => {
        losePower.call(disk);
        const segment = disk.names().findLast((name) => name.endsWith('.wal'));
        const file = segment === undefined ? undefined : disk.file(segment);
        if (file === undefined) return;
        const ends = [0];
        for (let frame = readFrame(file.current, 0); typeof frame !== 'string'; frame = readFrame(file.current, frame.end)) {
          ends.push(frame.end);
        }
        const [last = 0, end = 0] = ends.slice(-2);
        if (ends.length <= headRecords + 1) return;
        file.write(new Uint8Array(end - last), last);
        file.sync();
      };
    }
  },
};

export const plantedInState: readonly PlantedBug[] = [
  membershipForgotten,
  revisionStepsBack,
  snapshotInParts,
  snapshotLosesRevision,
  permissionsTooEarly,
  logForgetsLast,
];
