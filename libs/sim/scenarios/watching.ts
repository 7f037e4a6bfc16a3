// One watch of a scenario: what it has been told so far.
import { WatchResponse as WatchAnswer, WatchRequest as WatchMessage } from '@drydock/etcd/rpc/messages.ts';
import { decode, encode } from '@drydock/etcd/rpc/protobuf.ts';
import type { ClientCall } from '../calls.ts';
import type { SimClient } from '../client.ts';
import type { Recorder } from '../history/recorder.ts';
import type { WatchEvent, WatchRequest } from '../history/watch.ts';
import type { MemberHost } from '../member-host.ts';
import { eventOf, watchCreateOf } from '../workload/wire.ts';

export type WatchOptions = Pick<WatchRequest, 'key'> & Partial<WatchRequest>;

export interface Watching {
  readonly call: ClientCall;
  readonly events: readonly WatchEvent[];
  /** Revisions of responses without events. */
  readonly bookmarks: readonly number[];
  readonly created: boolean;
  /** The compaction that ended it. */
  readonly compactRevision: number | undefined;
  readonly ended: boolean;
  askProgress(): void;
}

export function openWatch(client: SimClient, host: MemberHost, recorder: Recorder, options: WatchOptions): Watching {
  const request: WatchRequest = {
    startRevision: 0,
    prevKv: false,
    noPut: false,
    noDelete: false,
    progressNotify: false,
    ...options,
  };
  const record = recorder.watch(client.life.name, request);
  const call = client.stream(host, 'Watch/Watch');
  const events: WatchEvent[] = [];
  const bookmarks: number[] = [];
  const state = { created: false, ended: false, compactRevision: undefined as number | undefined };
  call.onEnd = () => {
    state.ended = true;
  };
  call.onData = (raw) => {
    const answer = decode(WatchAnswer, raw);
    const revision = answer.header?.revision ?? 0;
    if (answer.created) {
      state.created = true;
      record.add({ kind: 'created', revision, events: [] });
    } else if (answer.canceled) {
      state.ended = true;
      const compacted = answer.compact_revision > 0 ? answer.compact_revision : undefined;
      state.compactRevision = compacted;
      record.add({
        kind: 'canceled',
        revision,
        events: [],
        ...(compacted === undefined ? {} : { compactRevision: compacted }),
      });
    } else if (answer.events.length > 0) {
      const some = answer.events.map(eventOf);
      events.push(...some);
      record.add({ kind: 'events', revision, events: some });
    } else {
      bookmarks.push(revision);
      record.add({ kind: 'progress', revision, events: [] });
    }
  };
  call.write(encode(WatchMessage, { create_request: watchCreateOf(request, false) }));
  return {
    call,
    events,
    bookmarks,
    get created() {
      return state.created;
    },
    get ended() {
      return state.ended;
    },
    get compactRevision() {
      return state.compactRevision;
    },
    askProgress: () => call.write(encode(WatchMessage, { progress_request: {} })),
  };
}
