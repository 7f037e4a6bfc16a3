// Every scenario, by name.
import { crashBetweenSaveAndApply, crashDuringCompaction, fullDiskOnLeader, powerCuts, slowSyncOnLeader } from './disks.ts';
import { killFollower, killLeader, killMajority, removedLeaderOfTwo } from './kills.ts';
import { flappingLeader, leaderInMinority, oneWayLink, partialPartition } from './partitions.ts';
import { clockJumps, pausedLeader, pausedLeaderWithLeases, pausedLockHolder } from './pauses.ts';
import { changingPermissions } from './permissions.ts';
import type { Scenario } from './scenario.ts';
import { snapshotToFollower, watchesWhileSnapshotInstalls } from './snapshots.ts';
import { defragmentUnderLoad, noSpace } from './space.ts';
import { compactedWatch, compactionAtDelete, slowWatcher, watchOnCutMember, watchOnFutureRevision } from './watches.ts';

export const scenarios: readonly Scenario[] = [
  killFollower,
  killLeader,
  killMajority,
  removedLeaderOfTwo,
  leaderInMinority,
  partialPartition,
  oneWayLink,
  flappingLeader,
  slowSyncOnLeader,
  pausedLeader,
  pausedLeaderWithLeases,
  crashBetweenSaveAndApply,
  crashDuringCompaction,
  powerCuts,
  compactedWatch,
  compactionAtDelete,
  slowWatcher,
  watchOnCutMember,
  watchOnFutureRevision,
  noSpace,
  fullDiskOnLeader,
  snapshotToFollower,
  watchesWhileSnapshotInstalls,
  defragmentUnderLoad,
  clockJumps,
  pausedLockHolder,
  changingPermissions,
];
