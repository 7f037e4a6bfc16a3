// How a member proves itself to another on its client port while authentication is on: by a token for root that it has made
// through the log, as if root had authenticated. Kept for half of its life.
import { InternalAuthenticateRequest } from '../rpc/auth-messages.ts';
import { encode } from '../rpc/protobuf.ts';
import type { EtcdServer } from './server.ts';

export class MemberToken {
  readonly #server: EtcdServer;
  #token: string | undefined;
  #dueMs = -Infinity;

  constructor(server: EtcdServer) {
    this.#server = server;
  }

  /** undefined where none is needed. Rejects as a proposal does. */
  async get(): Promise<string | undefined> {
    const { access, options } = this.#server;
    if (!access.enabled) return undefined;
    if (this.#token === undefined || this.#dueMs <= options.clock.monotonicMs()) {
      const request = { name: '', simple_token: access.memberTokenPrefix() };
      const made = await this.#server.propose('authenticate', encode(InternalAuthenticateRequest, request));
      this.#token = (made as { readonly token: string }).token;
      this.#dueMs = options.clock.monotonicMs() + access.tokenTtlMs / 2;
    }
    return this.#token;
  }

  /** It was refused. */
  forget(): void {
    this.#token = undefined;
  }
}
