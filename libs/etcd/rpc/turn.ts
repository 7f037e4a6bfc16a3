// Keys under a prefix as a queue: whoever has the oldest one has its turn. As etcd's client/v3/concurrency does it.
import type { EtcdError } from '../errors.ts';
import { firstKv, type LocalClient, lastCreated } from './local-client.ts';
import { decode, encode, type MessageOf, type Schema } from './protobuf.ts';
import { type Call, oneRequest, type StreamCall, type StreamMethod } from './service.ts';

/** Time to live of a lease that a request did not bring. Seconds. */
const sessionTtlSeconds = 60;

/** A call that is over before its answer was there. */
export class CallEndedError extends Error {
  override readonly name = 'CallEndedError';
}

/** The lease that the key of a request is to end with: its own, or one that ends by itself. */
export async function sessionLease(client: LocalClient, call: Call, lease: bigint): Promise<bigint> {
  return lease === 0n ? client.grant(call, sessionTtlSeconds) : lease;
}

/** `prefix/` and the lease in hexadecimal: one key for each lease. */
export function sessionKey(prefix: string, lease: bigint): string {
  return `${prefix}${lease < 0n ? '-' : ''}${(lease < 0n ? -lease : lease).toString(16)}`;
}

/** Resolves when no key under the prefix is older than `maxCreateRevision`. Rejects with CallEndedError, or what etcd would say. */
export async function waitForTurn(
  client: LocalClient,
  call: Call,
  prefix: string,
  maxCreateRevision: number,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    if (signal.aborted) throw new CallEndedError();
    const response = await client.range(call, lastCreated(prefix, maxCreateRevision));
    const before = firstKv(response);
    if (before === undefined) return;
    await deletion(client, call, before.key, response.header?.revision ?? 0, signal);
  }
}

async function deletion(client: LocalClient, call: Call, key: string, revision: number, signal: AbortSignal): Promise<void> {
  let end = (): void => {};
  try {
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new CallEndedError()), { once: true });
      client
        .watch(call, { key, range_end: '' }, revision, {
          blocked: false,
          events: (events, endNow) => {
            if (!events.some(({ type }) => type === 'delete')) return;
            endNow();
            resolve();
          },
          failed: (error: EtcdError) => reject(error),
        })
        .then((ended) => {
          end = ended;
          if (signal.aborted) ended();
        }, reject);
    });
  } finally {
    end();
  }
}

/** A method with one answer that may be long in coming: `signal` says that nobody waits for it any more. */
export function patient<I extends Schema, O extends Schema>(
  input: I,
  output: O,
  run: (request: MessageOf<I>, call: StreamCall, signal: AbortSignal) => Promise<Partial<MessageOf<O>>>,
): StreamMethod {
  const open = (call: StreamCall) => {
    const ended = new AbortController();
    const answer = async (raw: Buffer): Promise<void> => {
      const response = await run(decode(input, raw), call, ended.signal);
      call.write(encode(output, response));
    };
    return oneRequest({
      message: (raw: Buffer) => {
        answer(raw).then(
          () => call.end(),
          (error) => {
            if (!(error instanceof CallEndedError)) call.end(error);
          },
        );
      },
      closed: () => ended.abort(),
    });
  };
  return { kind: 'stream', open };
}
