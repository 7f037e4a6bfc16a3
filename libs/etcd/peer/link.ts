// One member's way to another: a stream that is opened again when it breaks, behind a bounded queue. Raft tolerates loss, so what
// does not fit is dropped, oldest first, and nothing here ever waits.

import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { bytesOf } from 'raft-ts/log.ts';
import type { MemberId, Message } from 'raft-ts/types.ts';
import { parseUrl } from '../server/urls.ts';
import type { TlsSettings } from '../tls/settings.ts';
import { encodeBatch } from './message-codec.ts';
import { MessagesStream } from './messages-stream.ts';
import { type CallIdentity, permissionDenied, removedText, serialize } from './service.ts';
import type { PeerStatus } from './transport.ts';

/** Messages that wait for one member, at most; and their bytes of entries. */
const queueMessagesMax = 4096;
const queueBytesMax = 64 << 20;
/** Of entries in one Batch, about. */
const batchBytesMax = 1 << 20;
/** The other machine must take a connection on within this (etcd: a second and one election); a cut network gives no other sign. */
const dialTimeoutMs = 2000;
/**
 * Then the member must answer: one on an overloaded machine is given more time with every attempt that it did not answer, or it would
 * be called anew for ever, and waste its time on calls that nobody waits for.
 */
const answerFirstMs = 2000;
const answerMaxMs = 16_000;
const backoffFirstMs = 50;
const backoffMaxMs = 1000;

export interface LinkPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Jitter of the reconnection delay. */
  readonly random: RandomStream;
  readonly tls: TlsSettings | undefined;
  readonly unreachable: (id: MemberId) => void;
  readonly removed: (by: MemberId) => void;
}

type State = 'idle' | 'connecting' | 'connected' | 'waiting' | 'closed';

export class PeerLink {
  readonly #identity: CallIdentity;
  readonly #ports: LinkPorts;
  #urls: readonly string[];
  #offered: readonly string[] = [];
  #state: State = 'idle';
  #sinceMs: number | undefined;
  #queue: Message[] = [];
  #queueBytes = 0;
  #flushScheduled = false;
  #dropped = 0;
  #failures = 0;
  /** Attempts in a row that were taken on and not answered in time. */
  #unanswered = 0;
  #stream: MessagesStream | undefined;
  #timer: Timer | undefined;

  constructor(identity: CallIdentity, urls: readonly string[], ports: LinkPorts) {
    this.#identity = identity;
    this.#urls = urls;
    this.#ports = ports;
  }

  /** Connects, and stays connected until `close`. */
  open(): void {
    if (this.#state === 'idle') this.#connect();
  }

  setUrls(urls: readonly string[]): void {
    if (urls.join() === this.#urls.join()) return;
    this.#urls = urls;
    if (this.#state === 'idle' || this.#state === 'closed') return;
    this.#failures = 0;
    this.#disconnect();
    this.#connect();
  }

  /** The member itself says that it listens there; tried after the addresses that the membership has. */
  offerUrls(urls: readonly string[]): void {
    if (urls.join() === this.#offered.join()) return;
    this.#offered = urls;
    if (this.#state !== 'waiting' || urls.every((url) => this.#urls.includes(url))) return;
    // Those of the membership have failed before.
    this.#failures = this.#urls.length;
    this.#disconnect();
    this.#connect();
  }

  get urls(): readonly string[] {
    return this.#urls;
  }

  send(message: Message): void {
    if (this.#state === 'closed') return;
    this.#queue.push(message);
    this.#queueBytes += payloadOf(message);
    while (this.#queue.length > queueMessagesMax || (this.#queueBytes > queueBytesMax && this.#queue.length > 1))
      this.#dropOldest();
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    queueMicrotask(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  close(): void {
    this.#state = 'closed';
    this.#disconnect();
    this.#queue = [];
  }

  status(): PeerStatus {
    const connected = this.#state === 'connected';
    return { id: this.#identity.to, urls: this.#urls, connected, sinceMs: this.#sinceMs, dropped: this.#dropped };
  }

  #dropOldest(): void {
    const oldest = this.#queue.shift();
    if (oldest === undefined) return;
    this.#queueBytes -= payloadOf(oldest);
    this.#dropped++;
  }

  #flush(): void {
    const stream = this.#stream;
    if (this.#state !== 'connected' || stream === undefined) {
      // Nobody is there: old messages help nobody when somebody is.
      while (this.#queue.length > 0) this.#dropOldest();
      return;
    }
    while (this.#queue.length > 0 && !stream.blocked) stream.write(serialize(encodeBatch(this.#takeBatch())));
  }

  #takeBatch(): Message[] {
    let bytes = 0;
    let count = 0;
    for (const message of this.#queue) {
      bytes += payloadOf(message);
      if (bytes > batchBytesMax && count > 0) break;
      count++;
    }
    const batch = this.#queue.splice(0, count);
    for (const message of batch) this.#queueBytes -= payloadOf(message);
    return batch;
  }

  #connect(): void {
    const known = [...this.#urls, ...this.#offered];
    const text = known[this.#failures % Math.max(1, known.length)];
    if (text === undefined) {
      this.#retryLater();
      return;
    }
    const url = parseUrl(text);
    this.#state = 'connecting';
    const { clock, tls } = this.#ports;
    const stream: MessagesStream = new MessagesStream(url, this.#identity, {
      clock,
      tls,
      opened: () => mine() && this.#opened(),
      connected: () => mine() && this.#connected(),
      drained: () => mine() && this.#flush(),
      lost: (reason, code) => mine() && this.#failed(reason, code),
    });
    const mine = (): boolean => this.#stream === stream;
    this.#stream = stream;
    this.#timer = clock.timer(dialTimeoutMs, () => mine() && this.#lost('no connection'));
  }

  #opened(): void {
    if (this.#state !== 'connecting') return;
    this.#timer?.cancel();
    const patienceMs = Math.min(answerMaxMs, answerFirstMs * 2 ** this.#unanswered);
    this.#timer = this.#ports.clock.timer(patienceMs, () => {
      this.#unanswered++;
      this.#lost('no answer');
    });
  }

  #connected(): void {
    if (this.#state !== 'connecting') return;
    this.#timer?.cancel();
    this.#state = 'connected';
    this.#failures = 0;
    this.#unanswered = 0;
    this.#sinceMs = this.#ports.clock.monotonicMs();
    this.#ports.log.info({ peer: this.#identity.to.toString(16) }, 'connected to a peer');
    this.#flush();
  }

  #failed(reason: string, code: number | undefined): void {
    this.#lost(reason);
    if (code === permissionDenied && reason === removedText) this.#ports.removed(this.#identity.to);
  }

  #lost(reason: string): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'connected' || this.#failures === 0) {
      const mismatch = /^(cluster|member) ID mismatch/.exec(reason)?.[1];
      const ignored = `request sent was ignored by remote peer due to ${mismatch} ID mismatch`;
      const message = mismatch === undefined ? 'a peer is unreachable' : ignored;
      this.#ports.log.warn({ peer: this.#identity.to.toString(16), reason }, message);
    }
    if (this.#state === 'connected' || this.#sinceMs === undefined) this.#sinceMs = this.#ports.clock.monotonicMs();
    this.#disconnect();
    this.#ports.unreachable(this.#identity.to);
    this.#retryLater();
  }

  #retryLater(): void {
    this.#state = 'waiting';
    const full = Math.min(backoffMaxMs, backoffFirstMs * 2 ** Math.min(this.#failures, 10));
    this.#failures++;
    // Between half and all of it, so that members do not retry in step.
    this.#timer = this.#ports.clock.timer(full / 2 + this.#ports.random.int(full / 2), () => this.#connect());
  }

  #disconnect(): void {
    this.#timer?.cancel();
    this.#stream?.close();
    this.#stream = undefined;
  }
}

function payloadOf(message: Message): number {
  return message.type === 'appendRequest' || message.type === 'proposeForward' ? bytesOf(message.entries) : 0;
}
