// Members compare what they hold, by hashes of their history, as etcd's corruption checker does: a member with its peers before it
// serves, the leader with all now and then, and at every compacted revision. What differs raises the CORRUPT alarm.
import type { Log } from '@drydock/foundation/log.ts';
import type { MemberId } from 'raft-ts/types.ts';
import type { HashResult } from '../mvcc/history-hash.ts';
import type { MemberHash } from './hashes.ts';
import { hexId } from './members.ts';

/** The hash that a peer has at a revision; rejects where it does not answer, has not got there, or has compacted it. */
export type PeerHash = (id: MemberId, revision: number) => Promise<MemberHash>;

export interface CorruptionPorts {
  readonly id: MemberId;
  /** The other members. */
  peers(): readonly MemberId[];
  readonly peerHash: PeerHash;
  /** This member's; 0 for now. */
  hash(revision: number): Promise<MemberHash>;
  /**
   * Whether any key has a value now. Where none has, etcd's hash covers everything that is left of the history or nothing of it,
   * by whether a compaction computed it: then it proves nothing.
   */
  hasValues(): boolean;
  /** Hashes of revisions that were compacted, oldest first; only where a key had a value then. */
  compactionHashes(): readonly HashResult[];
  /** Resolves when this member has all that was committed. */
  readPoint(): Promise<void>;
  /** 0n: it is not known who. */
  raiseCorrupt(member: MemberId): Promise<void>;
  readonly log: Log;
}

/** This member differs from its peers: it must not serve. */
export class CorruptionError extends Error {
  override readonly name = 'CorruptionError';
}

interface Answer {
  readonly id: MemberId;
  /** Undefined where there is none. */
  readonly hash: MemberHash | undefined;
}

export class CorruptionChecker {
  readonly #ports: CorruptionPorts;
  /** Of compaction hashes that all members agreed on. */
  #checkedRevision = 0;

  constructor(ports: CorruptionPorts) {
    this.#ports = ports;
  }

  /** Before anything is served. Rejects with CorruptionError; peers that do not answer, or are elsewhere, prove nothing. */
  async initialCheck(): Promise<void> {
    const { id, log } = this.#ports;
    if (!this.#ports.hasValues()) return;
    const own = await this.#ports.hash(0);
    const answers = await this.#ask(own.current);
    const different = answers.filter(({ hash }) => hash !== undefined && differs(own, hash));
    if (different.length > 0) {
      const peers = different.map((peer) => hexId(peer.id));
      log.error({ revision: own.current, peers }, 'found different hash values from remote peers');
      throw new CorruptionError(`${hexId(id)} found data inconsistency with peers`);
    }
    log.info({ member: hexId(id) }, 'initial corruption checking passed; no corruption');
  }

  /** The leader's, of everything. */
  async periodicCheck(): Promise<void> {
    const { id, log } = this.#ports;
    if (!this.#ports.hasValues()) return;
    const first = await this.#ports.hash(0);
    const answers = await this.#ask(first.current);
    await this.#ports.readPoint();
    const second = await this.#ports.hash(0);
    const suspects = new Set<MemberId>();
    if (second.current === first.current && differs(first, second)) suspects.add(id);
    for (const { id: peer, hash } of answers) {
      if (hash === undefined) continue;
      // A follower is never ahead of what the leader has now.
      const ahead = hash.current > second.current || hash.compactRevision > second.compactRevision;
      if (ahead || differs(first, hash)) suspects.add(peer);
    }
    for (const suspect of suspects) {
      log.error({ member: hexId(suspect), revision: first.current }, 'found hash mismatch');
      await this.#ports.raiseCorrupt(suspect);
    }
  }

  /** The leader's, of what was compacted: newest first, until one could be compared with all. */
  async compactHashCheck(): Promise<void> {
    const hashes = this.#ports.compactionHashes().filter(({ revision }) => revision > this.#checkedRevision);
    for (const own of hashes.toReversed()) {
      const answers = await this.#ask(own.revision);
      if (answers.length > 0 && (await this.#compare(own, answers))) return;
    }
  }

  /** False where somebody could not be compared, so that an older hash should be. */
  async #compare(own: HashResult, answers: readonly Answer[]): Promise<boolean> {
    const byHash = new Map<number, MemberId[]>([[own.hash, [this.#ports.id]]]);
    let compared = 0;
    for (const { id, hash } of answers) {
      if (hash === undefined || hash.compactRevision !== own.compactRevision) continue;
      compared++;
      byHash.set(hash.hash, [...(byHash.get(hash.hash) ?? []), id]);
    }
    if (byHash.size === 1) {
      if (compared < answers.length) return false;
      this.#checkedRevision = Math.max(this.#checkedRevision, own.revision);
      return true;
    }
    const quorum = Math.floor((answers.length + 1) / 2) + 1;
    const majority = [...byHash].find(([, members]) => members.length >= quorum)?.[0];
    const suspects = majority === undefined ? [0n] : [...byHash].flatMap(([hash, ids]) => (hash === majority ? [] : ids));
    for (const suspect of suspects) {
      this.#ports.log.error({ member: hexId(suspect), revision: own.revision }, 'found compaction hash mismatch');
      await this.#ports.raiseCorrupt(suspect);
    }
    return true;
  }

  #ask(revision: number): Promise<Answer[]> {
    const { log, peerHash } = this.#ports;
    return Promise.all(
      this.#ports.peers().map(async (id): Promise<Answer> => {
        try {
          return { id, hash: await peerHash(id, revision) };
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          log.warn({ peer: hexId(id), revision, reason }, 'cannot fetch hash from remote peer');
          return { id, hash: undefined };
        }
      }),
    );
  }
}

/** Hashes of different compactions cannot be compared. */
function differs(own: HashResult, other: HashResult): boolean {
  return own.compactRevision === other.compactRevision && own.hash !== other.hash;
}
