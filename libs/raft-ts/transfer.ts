// Leadership transfer (section 3.10): stop taking proposals, bring the other member up to date, tell it to stand at once.
import type { Core } from './core.ts';
import { sendAppend } from './replication.ts';
import type { MemberId } from './types.ts';

/** On a leader; a follower hands the wish on. Given up after one election timeout. */
export function transferLeadership(core: Core, transferee: MemberId): void {
  if (core.role !== 'leader') {
    if (core.leader === 0n) core.trace('transferWithoutLeader');
    else core.send({ type: 'transferForward', to: core.leader, transferee });
    return;
  }
  const progress = core.progress.get(transferee);
  if (progress === undefined || !core.isVoter(transferee)) {
    core.trace('transferToNonVoter');
    return;
  }
  if (transferee === core.id || core.transferee === transferee) return;
  core.transferee = transferee;
  core.electionElapsed = 0;
  core.trace('transferStarted', { to: transferee.toString(16) });
  if (progress.match === core.log.lastIndex) sendTimeoutNow(core);
  else sendAppend(core, transferee, progress, true);
}

export function sendTimeoutNow(core: Core): void {
  core.send({ type: 'timeoutNow', to: core.transferee });
}
