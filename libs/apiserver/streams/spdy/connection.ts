// Adapter: the client's end of a SPDY connection, over a socket that has been upgraded to it.
import type { Duplex } from 'node:stream';
import { streamAnswersMax } from '../../limits.ts';
import { dataFrameMaxBytes, dataHead, FrameReader, openFrame, pingFrame, refusedStream, resetFrame } from './frames.ts';

export interface StreamEvents {
  /** What the peer sends on the stream. */
  data(bytes: Buffer): void;
  /** The peer sends no more on it: it ended or reset the stream. Not told where the connection goes. */
  end(): void;
}

export interface ConnectionEvents {
  /** There is room for input again. */
  drain(): void;
  /** The connection is gone, and with it every stream. */
  close(error: Error | undefined): void;
}

/** One stream of a connection, to write to. */
export interface SpdyStream {
  /** False: there is no room for more until `drain`. What comes after the end of the stream or of the connection is dropped. */
  write(bytes: Buffer): boolean;
  /** No more is written. */
  end(): void;
}

export class SpdyConnection {
  readonly #socket: Duplex;
  readonly #events: ConnectionEvents;
  readonly #reader = new FrameReader();
  readonly #streams = new Map<number, StreamEvents>();
  #nextStream = 1;
  /** What the peer has asked for and not yet taken. */
  #answers = 0;
  #error: Error | undefined;

  /** @param head what has come after the headers of the upgrade. */
  constructor(socket: Duplex, head: Buffer, events: ConnectionEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('drain', () => events.drain());
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    // The peer of these protocols has nothing to hear once it has said everything.
    socket.on('end', () => socket.end());
    socket.on('close', () => this.#gone());
    // Whoever made this opens its streams first.
    if (head.length > 0) socket.unshift(head);
    if (socket.destroyed) queueMicrotask(() => this.#gone());
  }

  open(headers: Readonly<Record<string, string>>, events: StreamEvents): SpdyStream {
    const id = this.#nextStream;
    this.#nextStream += 2;
    this.#streams.set(id, events);
    this.#write(openFrame(id, headers, id === 1));
    let ended = false;
    return {
      write: (bytes) => {
        let hasRoom = true;
        for (let at = 0; at < bytes.length && !ended; at += dataFrameMaxBytes) {
          const part = bytes.subarray(at, at + dataFrameMaxBytes);
          this.#write(dataHead(id, part.length, false));
          hasRoom = this.#write(part);
        }
        return hasRoom;
      },
      end: () => {
        if (!ended) this.#write(dataHead(id, 0, true));
        ended = true;
      },
    };
  }

  /** Nothing is read until `resume`: of no stream, for all share the connection. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #write(bytes: Buffer): boolean {
    return !this.#socket.writable || this.#socket.write(bytes);
  }

  /** Fails where the peer asks and asks and reads no answers: nobody keeps them for it. */
  #answer(bytes: Buffer): void {
    if (!this.#socket.writable) return;
    this.#answers++;
    this.#socket.write(bytes, () => this.#answers--);
    if (this.#answers > streamAnswersMax) throw new Error('a SPDY peer that asks and does not read');
  }

  #take(bytes: Buffer): void {
    try {
      for (const frame of this.#reader.read(bytes)) {
        if (frame.type === 'data') {
          if (frame.bytes.length > 0) this.#streams.get(frame.stream)?.data(frame.bytes);
          if (frame.fin) this.#end(frame.stream);
        } else if (frame.type === 'reset') this.#end(frame.stream);
        else if (frame.type === 'reply' && frame.fin) this.#end(frame.stream);
        else if (frame.type === 'open') this.#answer(resetFrame(frame.stream, refusedStream));
        // An odd one is the echo of a ping of ours.
        else if (frame.type === 'ping' && frame.id % 2 === 0) this.#answer(pingFrame(frame.id));
      }
    } catch (error) {
      this.#socket.destroy(error as Error);
    }
  }

  #end(id: number): void {
    const events = this.#streams.get(id);
    this.#streams.delete(id);
    events?.end();
  }

  #gone(): void {
    this.#streams.clear();
    this.#events.close(this.#error);
  }
}
