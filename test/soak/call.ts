// One operation on a real member, and what became of it, in the terms of a history.
import { LeaseKeepAliveRequest, LeaseKeepAliveResponse } from '@drydock/etcd/rpc/messages.ts';
import { decode, encode, type MessageOf } from '@drydock/etcd/rpc/protobuf.ts';
import type { Outcome, Request } from '@drydock/sim/history/operation.ts';
import { ask, refusals } from '@drydock/sim/workload/ask.ts';
import { type Client, type ServiceError, status } from '@grpc/grpc-js';
import { unaryCall } from '../integration/store/client.ts';

/** How long a client waits. Less than etcd's own 7 s, so that many outcomes are unknown. */
export const callMs = 3000;

/** The request was never sent, or was turned away before it became a proposal. */
const notReached = /ECONNREFUSED|No connection established|too many requests/;

export async function perform(client: Client, request: Request): Promise<Outcome> {
  try {
    const response = await ask(
      {
        call: (method, message) => unaryCall(client, method, message, callMs),
        keepAlive: (ID) => keepAlive(client, ID),
      },
      request,
    );
    return { kind: 'ok', response };
  } catch (error) {
    const { code, details } = error as ServiceError;
    if (typeof code !== 'number') throw error;
    const refused = refusals.includes(code) || notReached.test(details);
    return { kind: refused ? 'failed' : 'unknown', error: details };
  }
}

function keepAlive(client: Client, ID: bigint): Promise<MessageOf<typeof LeaseKeepAliveResponse>> {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + callMs };
    const asIs = (bytes: Buffer): Buffer => bytes;
    const call = client.makeBidiStreamRequest<Buffer, Buffer>('/etcdserverpb.Lease/LeaseKeepAlive', asIs, asIs, options);
    call.on('data', (bytes: Buffer) => {
      resolve(decode(LeaseKeepAliveResponse, bytes));
      call.cancel();
    });
    call.on('error', reject);
    call.on('end', () => reject(Object.assign(new Error('no answer'), { code: status.UNKNOWN, details: 'no answer' })));
    call.write(encode(LeaseKeepAliveRequest, { ID }));
  });
}
