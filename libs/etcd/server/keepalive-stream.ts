// Adapter: renewals of leases that are passed on to the leader, all on one stream: answers come in the order of the requests.
import type { Client, ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import { EtcdError } from '../errors.ts';

const path = '/etcdserverpb.Lease/LeaseKeepAlive';
const identity = (bytes: Buffer): Buffer => bytes;

interface Waiting {
  readonly resolve: (answer: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

export class KeepAliveStream {
  /** What the stream was opened with; another token needs another stream. */
  readonly token: string | undefined;
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  #waiting: Waiting[] = [];
  #over = false;

  constructor(client: Client, metadata: Metadata, token: string | undefined) {
    this.token = token;
    this.#call = client.makeBidiStreamRequest(path, identity, identity, metadata);
    this.#call.on('data', (answer: Buffer) => this.#waiting.shift()?.resolve(answer));
    this.#call.on('error', (error) => this.#end(error));
    this.#call.on('end', () => this.#end(new EtcdError('leaderChanged')));
  }

  get over(): boolean {
    return this.#over;
  }

  send(request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#call.write(request);
    });
  }

  /** Requests without an answer are rejected as cancelled. */
  close(): void {
    this.#call.cancel();
  }

  #end(error: unknown): void {
    this.#over = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
  }
}
