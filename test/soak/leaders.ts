// Who became leader in which term, in the words of the members' logs: ours and the original's.
import type { LeaderObservation } from '@drydock/sim/history/history.ts';
import type { Store } from '../integration/store/members.ts';

const becameLeader = /became leader at term (\d+)/g;

export function leadersIn(store: Store): Omit<LeaderObservation, 'time'>[] {
  return store.members.flatMap(({ name }, index) => {
    const log = store.log(index);
    const terms = [...log.matchAll(becameLeader)].map(([, term]) => Number(term));
    return [...new Set(terms)].map((term) => ({ member: name, term, leader: name }));
  });
}
