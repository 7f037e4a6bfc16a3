// The way to the leader's client port, with the patience of the real one: a call that finds no leader is tried again.
import { EtcdError } from '@drydock/etcd/errors.ts';
import type { LeaderCalls } from '@drydock/etcd/server/leader-calls.ts';
import type { EtcdServer } from '@drydock/etcd/server/server.ts';
import { CallError, type CallOptions, ClientCall, unaryCall } from './calls.ts';

const retryMs = 50;
const unavailable = 14;
const cancelled = 1;
const attemptUs = 5_000_000;

/** Where the member with a client URL is served. */
export type FindByUrl = (url: string) => Pick<CallOptions, 'client' | 'network' | 'place' | 'serving'>;

export class SimLeaderCalls implements LeaderCalls {
  readonly #server: EtcdServer;
  readonly #find: FindByUrl;

  constructor(server: EtcdServer, find: FindByUrl) {
    this.#server = server;
    this.#find = find;
  }

  unary(path: string, request: Buffer): Promise<Buffer> {
    return this.#retry((target) => unaryCall({ ...target, path }, request, attemptUs));
  }

  keepAlive(request: Buffer): Promise<Buffer> {
    return this.#retry((target) => {
      return new Promise((resolve, reject) => {
        const call = new ClientCall({ ...target, path: '/etcdserverpb.Lease/LeaseKeepAlive' });
        call.onData = (answer) => {
          call.cancel();
          resolve(answer);
        };
        call.onEnd = (error) => reject(error ?? new EtcdError('leaderChanged'));
        call.write(request);
      });
    });
  }

  close(): void {}

  async #retry(attempt: (target: ReturnType<FindByUrl>) => Promise<Buffer>): Promise<Buffer> {
    const { clock } = this.#server.options;
    const deadline = clock.monotonicMs() + this.#server.requestTimeoutMs;
    for (;;) {
      const url = this.#leaderUrl();
      try {
        if (url !== undefined) return await attempt(this.#find(url));
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        if (error.code !== unavailable && error.code !== cancelled && !error.message.includes('not leader')) throw error;
      }
      if (clock.monotonicMs() >= deadline) throw new EtcdError('timeout');
      await clock.sleep(retryMs);
    }
  }

  #leaderUrl(): string | undefined {
    const { machine, replica } = this.#server;
    const leader = replica.leader();
    return leader === replica.id ? undefined : machine.members.get(leader)?.clientURLs[0];
  }
}
