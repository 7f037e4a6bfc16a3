// What a member does by itself to keep its state small, and to see that it is what the others have.
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { MemberId } from 'raft-ts/types.ts';
import { alarmType, CompactionRequest } from '../rpc/messages.ts';
import { encode } from '../rpc/protobuf.ts';
import { type AutoCompaction, AutoCompactor } from './auto-compaction.ts';
import { CorruptionChecker } from './corruption.ts';
import { hashByRevision, type MemberHash } from './hashes.ts';
import type { EtcdServer } from './server.ts';

export interface UpkeepSettings {
  /** `--auto-compaction-mode` and `-retention`. */
  readonly autoCompaction?: AutoCompaction | undefined;
  /** Feature gate InitialCorruptCheck. */
  readonly initialCorruptCheck?: boolean;
  /** `--corrupt-check-time`; 0 disables. */
  readonly corruptCheckMs?: number;
  /** `--compact-hash-check-time` where the feature gate CompactHashCheck is on; 0 disables. */
  readonly compactHashCheckMs?: number;
}

/** The hash that the member at these URLs has at a revision. */
export type AskPeerHash = (peerUrls: readonly string[], revision: number) => Promise<MemberHash>;

export class Upkeep {
  readonly #server: EtcdServer;
  readonly #settings: UpkeepSettings;
  readonly #compactor: AutoCompactor | undefined;
  readonly #checker: CorruptionChecker;
  readonly #repeated: Repeated[] = [];

  constructor(server: EtcdServer, settings: UpkeepSettings, askPeerHash: AskPeerHash | undefined) {
    this.#server = server;
    this.#settings = settings;
    const { clock } = server.options;
    const { autoCompaction, corruptCheckMs = 0, compactHashCheckMs = 0 } = settings;
    if (autoCompaction !== undefined) this.#compactor = new AutoCompactor(compactionTarget(server), clock, autoCompaction);
    const checker = corruptionChecker(server, askPeerHash);
    this.#checker = checker;
    if (askPeerHash === undefined) return;
    if (corruptCheckMs > 0) this.#repeat(corruptCheckMs, () => checker.periodicCheck());
    if (compactHashCheckMs > 0) this.#repeat(compactHashCheckMs, () => checker.compactHashCheck());
  }

  /** To be called when the state is read and nothing is served. Rejects with CorruptionError. */
  async beforeStart(): Promise<void> {
    if (this.#settings.initialCorruptCheck === true) await this.#checker.initialCheck();
  }

  start(): void {
    this.#compactor?.start();
    for (const repeated of this.#repeated) repeated.start();
  }

  stop(): void {
    this.#compactor?.stop();
    for (const repeated of this.#repeated) repeated.stop();
  }

  /** What only the leader does; a failure is for the next time. */
  #repeat(everyMs: number, body: () => Promise<void>): void {
    const server = this.#server;
    const run = async (): Promise<void> => {
      if (!server.isLeader) return;
      await body().catch((err) => server.options.log.warn({ err }, 'failed to check for corruption'));
    };
    this.#repeated.push(new Repeated(server.options.clock, everyMs, run));
  }
}

/** Runs again so long after it has ended. */
class Repeated {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #run: () => Promise<void>;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(clock: Clock, everyMs: number, run: () => Promise<void>) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#run = run;
  }

  start(): void {
    if (this.#stopped) return;
    this.#timer = this.#clock.timer(this.#everyMs, () => void this.#run().then(() => this.start()));
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }
}

function compactionTarget(server: EtcdServer) {
  return {
    get isLeader() {
      return server.isLeader;
    },
    get revision() {
      return server.machine.store.revision;
    },
    compact: async (revision: number) => {
      await server.propose('compact', encode(CompactionRequest, { revision }), server.ownIdentity);
      server.options.log.info({ revision }, 'compacted automatically');
    },
  };
}

function corruptionChecker(server: EtcdServer, ask: AskPeerHash | undefined): CorruptionChecker {
  const { machine, replica, options } = server;
  const peers = () => machine.members.list().filter(({ ID }) => ID !== replica.id);
  return new CorruptionChecker({
    id: replica.id,
    peers: () => (ask === undefined ? [] : peers().map(({ ID }) => ID)),
    peerHash: async (id: MemberId, revision: number) => {
      const urls = machine.members.get(id)?.peerURLs ?? [];
      if (ask === undefined) throw new TypeError('nobody can be asked');
      return ask(urls, revision);
    },
    hash: (revision) => hashByRevision(machine, options.clock, revision),
    hasValues: () => machine.store.keys > 0,
    compactionHashes: () => machine.store.compactionHashes.filter(({ hadValues }) => hadValues),
    readPoint: () => server.readPoint(),
    raiseCorrupt: (id) => server.raiseAlarm(alarmType.corrupt, id),
    log: options.log,
  });
}
