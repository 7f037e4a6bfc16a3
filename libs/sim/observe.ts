// Shows an observer and a recorder everything that members say and apply.
import type { SimCluster } from './cluster.ts';
import type { Recorder } from './history/recorder.ts';
import type { RaftObserver } from './raft-observer.ts';

export function observe(cluster: SimCluster, observer: RaftObserver, recorder: Recorder): void {
  cluster.peers.onSend = (message) => {
    observer.sent(message);
    return message;
  };
  cluster.onOpen = (host, member) => {
    const { machine, replica } = member;
    const apply = machine.apply.bind(machine);
    machine.apply = (entries) => {
      apply(entries);
      observer.applied(host.id, entries, replica.term(), machine.store.revision);
    };
    replica.onLeaderChange((id, term) => {
      const leader = id === 0n ? undefined : cluster.peers.place(id);
      recorder.leader({ member: host.name, term, leader });
    });
  };
}
