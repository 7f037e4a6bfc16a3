// What the watch responses of one revision have in common, encoded once for all watchers: the header, and the events, which end
// each message.
import { limits } from '../limits.ts';
import type { StoreEvent } from '../mvcc/store.ts';
import type { EtcdServer } from '../server/server.ts';
import { HeaderOnly, WatchResponse } from './messages.ts';
import { bytes, encode, int } from './protobuf.ts';

const EventWithPrev = { type: int(1), kv: bytes(2), prev_kv: bytes(3) };
const EventsOnly = { fragment: WatchResponse.fragment, events: WatchResponse.events };
const deleteType = 1;

/** By `prevKv` and `fragment`: the ways in which watchers ask for the same events. */
const forms = new WeakMap<readonly StoreEvent[], (readonly Buffer[] | undefined)[]>();

/** The ends of the messages that tell of `events`: one, or several where fragments are wanted and it is too much for one. */
export function encodedEvents(events: readonly StoreEvent[], prevKv: boolean, fragment: boolean): readonly Buffer[] {
  let known = forms.get(events);
  if (known === undefined) {
    known = [];
    forms.set(events, known);
  }
  const form = (prevKv ? 1 : 0) + (fragment ? 2 : 0);
  known[form] ??= encodeParts(
    events.map((event) => encodeEvent(event, prevKv)),
    fragment ? limits.watchFragmentBytes : Infinity,
  );
  return known[form];
}

function encodeEvent(event: StoreEvent, prev: boolean): Buffer {
  const type = event.type === 'delete' ? deleteType : 0;
  const before = prev ? event.prevKv() : undefined;
  return encode(EventWithPrev, { type, kv: event.kv, ...(before === undefined ? {} : { prev_kv: before }) });
}

/** A part has at most `bytesMax`, or one event. */
function encodeParts(all: readonly Buffer[], bytesMax: number): Buffer[] {
  const parts: Buffer[] = [];
  let events: Buffer[] = [];
  let size = 0;
  for (const event of all) {
    if (events.length > 0 && size + event.length > bytesMax) {
      parts.push(encode(EventsOnly, { events, fragment: true }));
      events = [];
      size = 0;
    }
    events.push(event);
    size += event.length;
  }
  parts.push(encode(EventsOnly, { events }));
  return parts;
}

/** The header of a response that is sent now, encoded anew only where it has changed. */
export class EncodedHeader {
  readonly #server: EtcdServer;
  #revision = -1;
  #term = -1;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(server: EtcdServer) {
    this.#server = server;
  }

  now(): Buffer {
    const { revision } = this.#server.machine.store;
    const term = this.#server.replica.term();
    if (revision === this.#revision && term === this.#term) return this.#bytes;
    this.#revision = revision;
    this.#term = term;
    this.#bytes = encode(HeaderOnly, { header: this.#server.header() });
    return this.#bytes;
  }
}
