// Changes of membership (chapter 4): one member at a time, or several through a joint configuration. Pure values.
import { isJoint } from './quorum.ts';
import type { ConfigChange, ConfState, MemberId } from './types.ts';

interface Draft {
  voters: MemberId[];
  learners: MemberId[];
  learnersNext: MemberId[];
}

/**
 * The configuration after a committed change. One step changes it at once (section 4.1); several enter a joint configuration
 * that leaves itself (section 4.3); none leaves a joint one, and otherwise changes nothing. A change that would leave no voter,
 * or that meets a joint configuration it does not leave, changes nothing. Idempotent: a step that is already so is fine.
 */
export function applyConfigChange(conf: ConfState, change: ConfigChange): ConfState {
  if (change.steps.length === 0) return isJoint(conf) ? leaveJoint(conf) : conf;
  if (isJoint(conf)) return conf;
  const joint = change.steps.length > 1;
  const draft: Draft = { voters: [...conf.voters], learners: [...conf.learners], learnersNext: [] };
  const outgoing = joint ? conf.voters : [];
  for (const step of change.steps) {
    if (step.type === 'addVoter') makeVoter(draft, step.id);
    else if (step.type === 'addLearner') makeLearner(draft, step.id, outgoing);
    else if (step.type === 'remove') remove(draft, step.id);
  }
  if (draft.voters.length === 0) return conf;
  return {
    voters: draft.voters.sort(order),
    learners: draft.learners.sort(order),
    votersOutgoing: outgoing,
    learnersNext: draft.learnersNext.sort(order),
    autoLeave: joint,
  };
}

/** Only the incoming half remains; voters that were demoted become learners now (section 4.3). */
function leaveJoint(conf: ConfState): ConfState {
  return {
    voters: conf.voters,
    learners: [...conf.learners, ...conf.learnersNext].sort(order),
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
}

function makeVoter(draft: Draft, id: MemberId): void {
  drop(draft.learners, id);
  drop(draft.learnersNext, id);
  if (!draft.voters.includes(id)) draft.voters.push(id);
}

/** A voter of the outgoing half cannot be a learner at the same time: it waits in `learnersNext` (as in etcd). */
function makeLearner(draft: Draft, id: MemberId, outgoing: readonly MemberId[]): void {
  remove(draft, id);
  (outgoing.includes(id) ? draft.learnersNext : draft.learners).push(id);
}

function remove(draft: Draft, id: MemberId): void {
  drop(draft.voters, id);
  drop(draft.learners, id);
  drop(draft.learnersNext, id);
}

function drop(list: MemberId[], id: MemberId): void {
  const at = list.indexOf(id);
  if (at >= 0) list.splice(at, 1);
}

function order(a: MemberId, b: MemberId): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
