// Records events about objects, in the background: nothing waits for them, and losing one is no error.
import type { CoreEvent, ObjectReference } from '@drydock/api/generated/types.ts';
import { apiVersionOf, events, type KubeObject, type Resource } from '@drydock/api/resource.ts';
import { ApiError, hasReason } from '@drydock/api/status.ts';
import { type Clock, formatTime } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { ApiClient } from './api-client.ts';
import { EventCorrelator, type EventInput } from './event-correlator.ts';
import { eventMessageCharsMax, eventQueueMax, eventWriteAttemptsMax, eventWriteRetryMs } from './limits.ts';

export interface EventRecorderOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  /** `source.component`: kubelet, default-scheduler, deployment-controller, ... */
  readonly component: string;
  /** `source.host`: the kubelet's node. */
  readonly host?: string | undefined;
}

/** A reference to an object of that resource, for `record`. */
export function referenceTo(resource: Resource, object: KubeObject, fieldPath?: string): ObjectReference {
  const { namespace, name, uid, resourceVersion } = object.metadata ?? {};
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    namespace,
    name,
    uid,
    resourceVersion,
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}

/** Writes core/v1 events one after the other, in the order of `record`. */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #correlator = new EventCorrelator();
  readonly #queue: { readonly input: EventInput; readonly wallMs: number }[] = [];
  #running: Promise<void> | undefined;
  readonly #stopped = new AbortController();
  #last = 0n;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Returns at once. Dropped, with a log line, where too many wait. */
  record(about: ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string): void {
    if (this.#stopped.signal.aborted) return;
    if (this.#queue.length >= eventQueueMax) {
      this.#options.log.warn({ reason, object: about.name }, 'too many events are waiting: dropped');
      return;
    }
    const text = message.length > eventMessageCharsMax ? `${message.slice(0, eventMessageCharsMax - 4)} ...` : message;
    this.#queue.push({ input: { about, type, reason, message: text }, wallMs: this.#options.clock.wallMs() });
    this.#running ??= this.#drain().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when everything recorded so far is written or dropped. */
  async flushed(): Promise<void> {
    await this.#running;
  }

  /** Drops what waits. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#queue.length = 0;
    await this.#running;
  }

  async #drain(): Promise<void> {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const decision = this.#correlator.decide(next.input, this.#options.clock.monotonicMs());
      if (decision.kind === 'drop') continue;
      for (let attempt = 1; !this.#stopped.signal.aborted; attempt++) {
        try {
          if (
            decision.kind === 'create' ||
            !(await this.#patch(decision, next.input.about.namespace || 'default', next.wallMs))
          ) {
            this.#correlator.created(decision.key, await this.#create(next.input, decision.message, next.wallMs));
          }
          break;
        } catch (err) {
          const refused = err instanceof ApiError && err.code < 500 && err.code !== 429;
          if (refused || attempt >= eventWriteAttemptsMax || this.#stopped.signal.aborted) {
            this.#options.log.warn({ err, reason: next.input.reason }, 'event not written');
            break;
          }
          await this.#options.clock.sleep(eventWriteRetryMs, this.#stopped.signal).catch(() => {});
        }
      }
    }
  }

  /** False where the event is gone. */
  async #patch(
    event: { key: string; name: string; count: number; message: string },
    namespace: string,
    wallMs: number,
  ): Promise<boolean> {
    try {
      await this.#options.client.patch(
        events,
        { namespace, name: event.name },
        { type: 'strategic', body: { count: event.count, lastTimestamp: formatTime(wallMs), message: event.message } },
        { signal: this.#stopped.signal },
      );
      return true;
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      this.#correlator.forget(event.key);
      return false;
    }
  }

  async #create(input: EventInput, message: string, wallMs: number): Promise<CoreEvent> {
    const { client, component, host } = this.#options;
    const namespace = input.about.namespace || 'default';
    // Upstream names events by object and nanoseconds; a counter keeps the names of one millisecond apart.
    const nanos = BigInt(Math.floor(wallMs)) * 1_000_000n;
    this.#last = nanos > this.#last ? nanos : this.#last + 1n;
    const time = formatTime(wallMs);
    return client.create<CoreEvent>(
      events,
      {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: `${input.about.name ?? ''}.${this.#last.toString(16)}`, namespace },
        involvedObject: input.about,
        reason: input.reason,
        message,
        type: input.type,
        source: { component, ...(host === undefined ? {} : { host }) },
        reportingComponent: component,
        reportingInstance: host ?? '',
        firstTimestamp: time,
        lastTimestamp: time,
        count: 1,
      },
      { signal: this.#stopped.signal },
    );
  }
}
