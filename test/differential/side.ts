// One of the two stores: plays operations and says, as text that can be compared, what came back.
import { api } from '@drydock/etcd/rpc/api.ts';
import {
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseTimeToLiveResponse,
} from '@drydock/etcd/rpc/messages.ts';
import { decode, encode } from '@drydock/etcd/rpc/protobuf.ts';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { render } from './fields.ts';
import type { MethodName, Operation } from './operation.ts';
import { WatchTranscript } from './watch-transcript.ts';

const deadlineMs = 20_000;
const asIs = (bytes: Buffer): Buffer => bytes;

/** Seconds that a lease may have left less than the other side's, both asked at almost the same time. */
const ttlGrain = 100;

export class Side {
  readonly #client: Client;
  readonly #streams = new Map<number, WatchTranscript>();

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), { 'grpc.max_receive_message_length': -1 });
  }

  close(): void {
    this.closeStreams();
    this.#client.close();
  }

  closeStreams(): void {
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
  }

  async play(operation: Operation): Promise<string> {
    switch (operation.kind) {
      case 'unary':
        return this.#unary(operation.method, operation.request);
      case 'keepAlive':
        return this.#keepAlive(operation.request);
      case 'shortLease':
        return this.#shortLease(operation.ttl);
      case 'watch':
        return this.#stream(operation.stream).create(operation.create);
      case 'cancel':
        return this.#stream(operation.stream).cancel(operation.id);
      case 'compareWatchers': {
        const all = [...this.#streams].map(async ([number, stream]) => `stream ${number}: ${await stream.settled()}`);
        return (await Promise.all(all)).join('\n');
      }
    }
  }

  call(method: MethodName, request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + deadlineMs };
      this.#client.makeUnaryRequest<Buffer, Buffer>(api[method].path, asIs, asIs, request, options, (error, answer) =>
        error === null ? resolve(answer ?? Buffer.alloc(0)) : reject(error),
      );
    });
  }

  async #unary(method: MethodName, request: Buffer): Promise<string> {
    try {
      return renderAnswer(method, await this.call(method, request));
    } catch (error) {
      return renderError(error);
    }
  }

  async #keepAlive(request: Buffer): Promise<string> {
    const call = this.#client.makeBidiStreamRequest<Buffer, Buffer>('/etcdserverpb.Lease/LeaseKeepAlive', asIs, asIs, {
      deadline: Date.now() + deadlineMs,
    });
    return new Promise((resolve) => {
      call.on('data', (answer: Buffer) => {
        resolve(render(answer));
        call.cancel();
      });
      call.on('error', (error) => resolve(renderError(error)));
      call.write(request);
    });
  }

  async #shortLease(ttl: number): Promise<string> {
    try {
      const answer = await this.call('leaseGrant', encode(LeaseGrantRequest, { TTL: ttl }));
      const { ID } = decode(LeaseGrantResponse, answer);
      const revoked = await this.call('leaseRevoke', encode(LeaseRevokeRequest, { ID }));
      return `${ID > 0n ? 'positive' : 'not positive'} ${render(answer, [2])}; ${render(revoked)}`;
    } catch (error) {
      return renderError(error);
    }
  }

  #stream(number: number): WatchTranscript {
    let stream = this.#streams.get(number);
    if (stream === undefined) {
      const call = this.#client.makeBidiStreamRequest<Buffer, Buffer>('/etcdserverpb.Watch/Watch', asIs, asIs, {});
      stream = new WatchTranscript(call);
      this.#streams.set(number, stream);
    }
    return stream;
  }
}

export function renderError(error: unknown): string {
  const { code, details } = error as ServiceError;
  return `error ${code} ${details}`;
}

/** What one side orders by chance (keys of a lease), or by time (leases, time left), is put in an order or made coarse. */
function renderAnswer(method: MethodName, answer: Buffer): string {
  if (method === 'leaseTimeToLive') {
    const { TTL, keys } = decode(LeaseTimeToLiveResponse, answer);
    return `${render(answer, [3, 5])} ttl ${TTL <= 0 ? TTL : Math.ceil(TTL / ttlGrain)} keys ${keys.sort().join()}`;
  }
  if (method === 'leaseLeases') {
    const { leases } = decode(LeaseLeasesResponse, answer);
    return `${render(answer, [2])} leases ${leases
      .map(({ ID }) => String(ID))
      .sort()
      .join()}`;
  }
  // hash_revision is there since 3.6.
  return render(answer, method === 'hashKv' ? [4] : []);
}
