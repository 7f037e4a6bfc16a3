// Shows an observer and a recorder everything that members say and apply.
import type { SimCluster } from './cluster.ts';
import type { Recorder } from './history/recorder.ts';
import type { RaftObserver } from './raft-observer.ts';

export function observe(cluster: SimCluster, observer: RaftObserver, recorder: Recorder): void {
  // What is thrown inside a member would only end the member.
  const look = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      cluster.world.fail(error);
    }
  };
  cluster.peers.onSend = (message) => {
    look(() => observer.sent(message));
    return message;
  };
  cluster.onOpen = (host, member) => {
    const { machine, replica } = member;
    const apply = machine.apply.bind(machine);
    machine.apply = (entries) => {
      // What is applied now may change it.
      look(() => observer.configured(host.id, machine.appliedIndex(), replica.status().conf));
      apply(entries);
      look(() => observer.applied(host.id, entries, replica.term(), machine.store.revision));
    };
    replica.onLeaderChange((id, term) => {
      const leader = id === 0n ? undefined : cluster.peers.place(id);
      recorder.leader({ member: host.name, term, leader });
    });
  };
}
