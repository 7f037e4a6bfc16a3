// Callers with one call under way each: the closed loop of the loads.
import { grpcMessage, LoadConnection } from './connection.ts';
import { headersOf, keyCount, requestsOf } from './requests.ts';

/** Callers that share a connection, as those of one program do. */
const callersPerConnection = 32;
/** A stride that visits all keys in no order. */
const stride = 7919;

export interface Drive {
  readonly kind: string;
  readonly valueBytes: number;
  readonly clients: number;
  /** Ends after so many calls, or so long. */
  readonly calls: number;
  readonly durationMs: number;
}

/** An answer: how long the call took, and whether it had a message. */
export type OnAnswer = (tookMs: number, answered: boolean) => void;

/** As many connections as the callers need, over all endpoints in turn. */
export function connect(endpoints: readonly string[], clients: number): Promise<LoadConnection[]> {
  const count = Math.max(Math.min(endpoints.length, clients), Math.ceil(clients / callersPerConnection));
  return Promise.all(Array.from({ length: count }, (_, i) => LoadConnection.open(endpoints[i % endpoints.length] ?? '')));
}

/** Resolves when the time is over or all calls are made, and the last is answered. */
export async function drive(connections: readonly LoadConnection[], load: Drive, onAnswer: OnAnswer): Promise<void> {
  const { calls, clients } = load;
  const { path, of } = requestsOf(load.kind, load.valueBytes);
  const headers = headersOf(path);
  const endless = calls === Infinity;
  // What a request costs to make is not part of the load.
  const made = endless ? Array.from({ length: keyCount }, (_, n) => grpcMessage(of(n))) : [];
  const message = (n: number): Buffer => made[n % keyCount] ?? grpcMessage(of(n));
  const end = performance.now() + load.durationMs;
  let next = 0;
  const caller = (connection: LoadConnection): Promise<void> =>
    new Promise((resolve) => {
      let from = 0;
      let answered = false;
      const begin = (): void => {
        if (next >= calls || performance.now() >= end) {
          resolve();
          return;
        }
        answered = false;
        const n = endless ? next * stride : next;
        next++;
        from = performance.now();
        connection.call(headers, message(n), receiver);
      };
      const receiver = {
        data: () => {
          answered = true;
        },
        end: () => {
          onAnswer(performance.now() - from, answered);
          begin();
        },
      };
      begin();
    });
  await Promise.all(Array.from({ length: clients }, (_, i) => caller(connections[i % connections.length] as LoadConnection)));
}
