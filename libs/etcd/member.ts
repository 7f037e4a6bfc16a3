// One member, whole: the replicated log, the state machine under it and the services on top, joined on ports. The process
// (apps/etcd) gives it a real disk, network and clock; the simulator gives it others. Nothing is decided here.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Disk } from '@drydock/foundation/disk.ts';
import type { Lifecycle } from '@drydock/foundation/lifecycle.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random } from '@drydock/foundation/random.ts';
import type { MemberId } from 'raft-ts/types.ts';
import type { PasswordHasher } from './auth/passwords.ts';
import { Instruments } from './metrics/instruments.ts';
import { measuredDisk } from './metrics/measured-disk.ts';
import type { Backend } from './mvcc/backend.ts';
import type { Transport } from './peer/transport.ts';
import type { ReplicaTuning } from './raft/options.ts';
import { createReplica } from './raft/raft-replica.ts';
import { type BootstrapMember, MemberRemovedError, type Replica } from './replica.ts';
import { accessControlled } from './rpc/access-control.ts';
import { authService } from './rpc/auth-service.ts';
import { clusterService } from './rpc/cluster-service.ts';
import { electionService } from './rpc/election-service.ts';
import { healthService } from './rpc/health-service.ts';
import { kvService } from './rpc/kv-service.ts';
import { guardLearner } from './rpc/learner-guard.ts';
import { leaseService } from './rpc/lease-service.ts';
import { LocalClient } from './rpc/local-client.ts';
import { lockService } from './rpc/lock-service.ts';
import { maintenanceService } from './rpc/maintenance-service.ts';
import { Member } from './rpc/messages.ts';
import { encode } from './rpc/protobuf.ts';
import type { Service } from './rpc/service.ts';
import { watchService } from './rpc/watch-service.ts';
import type { ClusterDescription } from './server/cluster-description.ts';
import type { LeaderCalls } from './server/leader-calls.ts';
import { answerHashQuestion } from './server/peer-hash.ts';
import { encodeProposal } from './server/proposal.ts';
import { EtcdServer, type ServerSettings } from './server/server.ts';
import { EtcdStateMachine } from './server/state-machine.ts';
import { type AskPeerHash, Upkeep, type UpkeepSettings } from './server/upkeep.ts';

/**
 * A member that learns of its own removal goes on for so long: a second, and until any other whose word of the commit was lost has
 * stood for election and was told (an election timeout is drawn from one to two `--election-timeout`).
 */
const removedStopMs = 1000;
const removedStopElections = 3;

/** The world outside a member. */
export interface MemberPorts {
  /** The data folder; the log is in `member/wal`, snapshots on their way in `member/snap`. */
  readonly disk: Disk;
  readonly backend: Backend;
  readonly transport: Transport;
  /** The way to the leader's client port. */
  readonly leader: (server: EtcdServer) => LeaderCalls;
  /** Without it members are not compared. */
  readonly askPeerHash?: AskPeerHash;
  readonly clock: Clock;
  readonly random: Random;
  readonly passwordHasher: PasswordHasher;
  readonly log: Log;
  /** The member cannot go on: end the process. */
  readonly fatal: (error: unknown, message: string) => void;
}

/** A member as `--initial-cluster` describes it. */
export interface InitialMember {
  readonly id: MemberId;
  readonly name: string;
  readonly peerUrls: readonly string[];
}

export interface MemberSettings extends ServerSettings {
  readonly id: MemberId;
  /** Members of the cluster as far as the flags know them; what the data says comes first. */
  readonly initial: readonly InitialMember[];
  /** Whether a member without data begins a new cluster with `initial`, or waits to be brought up to date by one that runs. */
  readonly bootstrap: boolean;
  readonly forceNewCluster?: boolean;
  readonly initialClusterToken: string;
  readonly watchProgressMs: number;
  readonly tuning: Partial<ReplicaTuning>;
  readonly upkeep?: UpkeepSettings;
  /** `--metrics=extensive` */
  readonly extensiveMetrics?: boolean;
}

export class EtcdMember {
  readonly machine: EtcdStateMachine;
  readonly replica: Replica;
  readonly server: EtcdServer;
  readonly services: readonly Service[];
  readonly #leader: LeaderCalls;
  readonly #log: Log;
  readonly #upkeep: Upkeep;

  private constructor(machine: EtcdStateMachine, settings: MemberSettings, ports: MemberPorts) {
    const { transport, disk, clock, random, passwordHasher, log, fatal } = ports;
    const { id, clusterId, initial, bootstrap, tuning } = settings;
    const instruments = new Instruments(settings.extensiveMetrics === true ? () => clock.monotonicMs() : undefined);
    this.machine = machine;
    machine.onBackendCommit = (seconds) => instruments.backendCommit.observe(seconds);
    this.#log = log;
    this.replica = createReplica({
      id,
      clusterId,
      bootstrap: bootstrap ? bootstrapMembers(initial) : undefined,
      forceNewCluster: settings.forceNewCluster === true,
      machine,
      transport,
      disk: measuredDisk(disk, 'member/wal/', clock, instruments),
      clock,
      random,
      log,
      fatal,
      tuning,
    });
    this.#connectPeers(settings, ports);
    this.server = new EtcdServer({
      ...settings,
      instruments,
      replica: this.replica,
      machine,
      connectedSince: (peer) => connectedSince(transport, peer),
      clock,
      random,
      passwordHasher,
      log,
    });
    this.#leader = ports.leader(this.server);
    this.#upkeep = new Upkeep(this.server, settings.upkeep ?? {}, ports.askPeerHash);
    const kv = kvService(this.server);
    const lease = leaseService(this.server, this.#leader);
    const client = new LocalClient(this.server, [kv, lease]);
    this.services = [
      kv,
      watchService(this.server, settings.watchProgressMs),
      lease,
      accessControlled(this.server, clusterService(this.server, this.#leader, settings.initialClusterToken)),
      accessControlled(this.server, maintenanceService(this.server)),
      authService(this.server),
      lockService(client),
      electionService(client),
      healthService(),
    ].map((service) => instruments.calls.counted(guardLearner(this.server, service)));
  }

  /** Reads the backend; nothing runs before `start`. */
  static async open(settings: MemberSettings, ports: MemberPorts): Promise<EtcdMember> {
    const { backend, clock, fatal } = ports;
    const machine = new EtcdStateMachine({ backend, clock, fatal });
    await machine.open();
    return new EtcdMember(machine, settings, ports);
  }

  /**
   * Recovers from the log and takes part; `lifecycle` stops it again, after what is started later. Rejects where the disk is
   * damaged, or this member not what the others are, and with MemberRemovedError.
   */
  async start(lifecycle: Lifecycle): Promise<void> {
    const { machine, replica } = this;
    if (machine.members.isRemoved(replica.id)) throw new MemberRemovedError(replica.id, replica.id);
    const upkeep = this.#upkeep;
    await lifecycle.start({ name: 'store', start: async () => {}, stop: () => machine.close() });
    await upkeep.beforeStart();
    await lifecycle.start({ name: 'replica', start: () => replica.start(), stop: () => replica.stop() });
    await lifecycle.start({ name: 'upkeep', start: async () => upkeep.start(), stop: async () => upkeep.stop() });
  }

  /** Tells the cluster where clients find this member; to be called when they do. `published` is called when the cluster knows. */
  publish(published: () => void = () => {}): void {
    const failed = (error: unknown) => this.#log.error({ err: error }, 'could not publish the member');
    this.server.publish().then(published, failed);
  }

  /** Who belongs to the cluster, for members that join. */
  describe(): ClusterDescription {
    const { members } = this.machine;
    return { clusterId: this.server.options.clusterId, members: members.list(), removed: members.removed() };
  }

  /** Answers another member that asks for the hash of the history here. */
  answerHash(question: Buffer): Promise<Buffer> {
    return answerHashQuestion(this.machine, this.server.options.clock, question);
  }

  /** Ends all calls that wait; comes before the end of the client port. */
  endCalls(): void {
    this.server.stop();
    this.#leader.close();
  }

  #connectPeers({ id, initial, electionMs }: MemberSettings, { clock, fatal }: MemberPorts): void {
    const { machine, replica } = this;
    const stopMs = Math.max(removedStopMs, removedStopElections * electionMs);
    machine.members.onChange = (member, now) => {
      const gone = now === undefined;
      // The others still need what this member may have to tell them: that its removal is committed.
      if (gone && member === id) clock.timer(stopMs, () => fatal(new MemberRemovedError(id, id), 'server error'));
      else if (gone) replica.removePeer(member);
      else if (member !== id) replica.addPeer(member, now.peerURLs);
    };
    const known = machine.members.list().map(({ ID, peerURLs }) => ({ id: ID, peerUrls: peerURLs }));
    for (const peer of known.length > 0 ? known : initial) if (peer.id !== id) replica.addPeer(peer.id, peer.peerUrls);
    for (const gone of machine.members.removed()) replica.removePeer(gone);
  }
}

function connectedSince(transport: Transport, id: MemberId): number | undefined {
  const peer = transport.peers().find((known) => known.id === id);
  return peer?.connected === true ? peer.sinceMs : undefined;
}

function bootstrapMembers(initial: readonly InitialMember[]): BootstrapMember[] {
  return initial.map(({ id, peerUrls }) => {
    const member = encode(Member, { ID: id, name: '', peerURLs: [...peerUrls] });
    return { id, context: encodeProposal('memberAttributes', 0n, 0n, member) };
  });
}
