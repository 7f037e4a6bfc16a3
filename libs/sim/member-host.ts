// A machine with one member of the store on it: its disk, backend and clock outlive the member's processes.
import { EtcdMember, type InitialMember, type MemberSettings } from '@drydock/etcd/member.ts';
import { MemberRemovedError } from '@drydock/etcd/replica.ts';
import { decodeHashAnswer, encodeHashQuestion } from '@drydock/etcd/server/peer-hash.ts';
import type { UpkeepSettings } from '@drydock/etcd/server/upkeep.ts';
import { Lifecycle } from '@drydock/foundation/lifecycle.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { BackendMedium, SimBackend } from './backend.ts';
import { handlersOf, type Serving, unaryCall } from './calls.ts';
import { MachineTime, ProcessClock } from './clock.ts';
import { DiskError, SimDisk } from './disk.ts';
import { type FindByUrl, SimLeaderCalls } from './leader-calls.ts';
import { simPasswordHasher } from './password-hasher.ts';
import { type PeerNetwork, SimPeerTransport } from './peer-transport.ts';
import { SimProcess } from './process.ts';
import type { World } from './world.ts';

/** What is the same for all members of a cluster. */
export interface ClusterSettings {
  readonly seed: string;
  readonly clusterId: bigint;
  readonly initial: readonly InitialMember[];
  readonly tuning: MemberSettings['tuning'] & { readonly heartbeatMs: number; readonly electionMs: number };
  readonly watchProgressMs: number;
  readonly quotaBytes: number;
  /** How members compare their data with others'. */
  readonly upkeep: UpkeepSettings;
}

/** A member's process ended, and nobody had done anything to it that would explain it. */
export class UnexpectedEndError extends Error {
  override readonly name = 'UnexpectedEndError';
}

/** How a member is joined to the world; planted bugs stand between. */
export interface HostPorts {
  readonly world: World;
  readonly peers: PeerNetwork;
  /** The way to the client port or, with a peer URL, to the peer port of a member. */
  readonly find: (life: SimProcess) => FindByUrl;
  /** Sees every member before it starts. */
  readonly onOpen: (host: MemberHost, member: EtcdMember) => void;
}

const bootUs = 20_000;
/** A question of another member, and how long it waits for the answer. */
const hashPath = '/peer/hash';
const hashUs = 5_000_000;

export class MemberHost {
  readonly id: bigint;
  readonly name: string;
  readonly settings: ClusterSettings;
  readonly time = new MachineTime();
  readonly disk: SimDisk;
  readonly backend: BackendMedium;
  readonly #ports: HostPorts;
  readonly #bootstrap: boolean;
  #lives = 0;
  #life: SimProcess | undefined;
  #member: EtcdMember | undefined;
  #serving: Serving | undefined;
  #lifecycle: Lifecycle | undefined;
  /** It was told that it is not of the cluster any more. */
  removed = false;
  /** Called when its process has ended, however that came. */
  onDown: () => void = () => {};

  /** @param bootstrap whether it is one of a new cluster's first members. */
  constructor(id: bigint, name: string, settings: ClusterSettings, bootstrap: boolean, ports: HostPorts) {
    this.id = id;
    this.name = name;
    this.settings = settings;
    this.#bootstrap = bootstrap;
    this.#ports = ports;
    this.disk = new SimDisk(ports.world.random.stream(`disk/${name}`), ports.world.tally);
    this.backend = new BackendMedium(ports.world.random.stream(`backend/${name}`), ports.world.tally);
    ports.peers.name(id, name);
  }

  get life(): SimProcess | undefined {
    return this.#life?.alive ? this.#life : undefined;
  }

  /** While its process lives. */
  get member(): EtcdMember | undefined {
    return this.life === undefined ? undefined : this.#member;
  }

  /** Its client port, from the moment on in which it listens. */
  get serving(): Serving | undefined {
    return this.#serving?.life.alive ? this.#serving : undefined;
  }

  get lives(): number {
    return this.#lives;
  }

  start(): void {
    if (this.life !== undefined || this.removed) return;
    const life = new SimProcess(this.#ports.world, this.name);
    this.#life = life;
    this.#lives++;
    this.#member = undefined;
    this.#serving = undefined;
    life.onDeath(() => {
      this.disk.settle();
      this.onDown();
    });
    life.world.note(`${this.name} boots (${this.#lives})`);
    life.after(bootUs, () => {
      this.#run(life).catch((error) => this.#ended(life, error));
    });
  }

  /** SIGKILL, or with `power` the end of the machine's power. */
  kill(power: boolean): void {
    this.#ports.world.note(`${this.name} ${power ? 'loses power' : 'is killed'}`);
    this.life?.kill();
    if (power) this.losePower();
  }

  /** What was not synced goes; the process must be dead. */
  losePower(): void {
    this.disk.losePower();
    this.backend.losePower();
  }

  /** SIGTERM. */
  async stop(): Promise<void> {
    const life = this.life;
    if (life === undefined || this.#lifecycle === undefined) return;
    this.#ports.world.note(`${this.name} is told to stop`);
    this.#serving = undefined;
    this.#member?.endCalls();
    await this.#lifecycle.stop();
    life.kill();
  }

  async #run(life: SimProcess): Promise<void> {
    const { seed, clusterId, initial, tuning, watchProgressMs, quotaBytes, upkeep } = this.settings;
    const { world, peers } = this.#ports;
    const clock = new ProcessClock(life, this.time);
    const random = new SeededRandom(`${seed}/${this.name}/${this.#lives}`);
    const log = worldLog(life);
    const settings: MemberSettings = {
      id: this.id,
      clusterId,
      name: this.name,
      initial,
      bootstrap: this.#bootstrap,
      strictReconfigCheck: true,
      maxLearners: 1,
      initialClusterToken: 'sim',
      advertiseClientUrls: [clientUrl(this.name)],
      heartbeatMs: tuning.heartbeatMs,
      electionMs: tuning.electionMs,
      quotaBytes,
      maxTxnOps: 128,
      maxRequestBytes: 1 << 20,
      watchProgressMs,
      tuning,
      upkeep,
      // As slow as a password has to be is too slow here.
      auth: { bcryptCost: 4 },
    };
    const find = this.#ports.find(life);
    const member = await EtcdMember.open(settings, {
      disk: this.disk.port(life),
      backend: new SimBackend(this.backend, life, this.disk),
      transport: new SimPeerTransport(peers, life, clock, this.id),
      leader: (server) => new SimLeaderCalls(server, find),
      askPeerHash: async ([url], revision) => {
        const target = find(url ?? '');
        return decodeHashAnswer(await unaryCall({ ...target, path: hashPath }, encodeHashQuestion(revision), hashUs));
      },
      clock,
      random,
      passwordHasher: simPasswordHasher,
      log,
      fatal: (error) => this.#ended(life, error),
    });
    this.#member = member;
    this.#ports.onOpen(this, member);
    const lifecycle = new Lifecycle(log);
    await member.start(lifecycle);
    this.#lifecycle = lifecycle;
    const handlers = handlersOf(member.services);
    handlers.set(hashPath, { kind: 'unary', handle: (question) => member.answerHash(question) });
    this.#serving = { life, handlers };
    world.note(`${this.name} serves`);
    member.publish();
  }

  /** The member cannot go on. */
  #ended(life: SimProcess, error: unknown): void {
    if (!life.alive) return;
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    life.world.note(`${this.name} ends: ${text}`);
    life.kill();
    if (error instanceof MemberRemovedError) this.removed = true;
    else if (!isDiskFault(error)) life.world.fail(new UnexpectedEndError(`${this.name} ends: ${text}`, { cause: error }));
  }
}

export function clientUrl(name: string): string {
  return `http://${name}:2379`;
}

export function peerUrl(name: string): string {
  return `http://${name}:2380`;
}

/** Whether a failing or full disk is at the bottom of it: members may end of that. */
function isDiskFault(error: unknown): boolean {
  if (error instanceof DiskError) return error.code === 'EIO' || error.code === 'ENOSPC';
  return error instanceof Error && error.cause !== undefined && isDiskFault(error.cause);
}

/** The member's own log as lines of the world's. */
function worldLog(life: SimProcess): Log {
  const line = (level: string) => (fields: object, message: string) => {
    if (!life.alive) return;
    const { err } = fields as { err?: unknown };
    life.world.note(`${life.name} ${level}: ${message}${err instanceof Error ? ` (${err.message})` : ''}`);
  };
  const log: Log = { debug: () => {}, info: line('info'), warn: line('warn'), error: line('error'), child: () => log };
  return log;
}
