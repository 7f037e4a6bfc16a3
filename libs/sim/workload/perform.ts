// One operation: asks a member, and writes down what became of it.
import { LeaseKeepAliveRequest, LeaseKeepAliveResponse, type ResponseHeader } from '@drydock/etcd/rpc/messages.ts';
import { decode, encode } from '@drydock/etcd/rpc/protobuf.ts';
import { CallError } from '../calls.ts';
import { api, type SimClient } from '../client.ts';
import type { Outcome, Request, Response } from '../history/operation.ts';
import type { Recorder } from '../history/recorder.ts';
import type { MemberHost } from '../member-host.ts';
import {
  compareMessage,
  deleteAnswer,
  deleteMessage,
  opMessage,
  putAnswer,
  putMessage,
  rangeAnswer,
  rangeMessage,
  txnAnswer,
} from './wire.ts';

const keepAliveUs = 10_000_000;
/** InvalidArgument, NotFound, FailedPrecondition, OutOfRange: the store looked at the request and did nothing. */
const refusals: readonly number[] = [3, 5, 9, 11];

/** Resolves with the answer, or undefined where there was none. */
export async function perform(
  client: SimClient,
  host: MemberHost,
  recorder: Recorder,
  request: Request,
): Promise<Response | undefined> {
  const pending = recorder.begin(client.life.name, request);
  try {
    const response = await ask(client, host, request);
    pending.end({ kind: 'ok', response });
    return response;
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    pending.end(outcomeOf(error));
    return undefined;
  }
}

function outcomeOf(error: CallError): Outcome {
  const refused = !error.reached || refusals.includes(error.code) || error.message.includes('too many requests');
  return { kind: refused ? 'failed' : 'unknown', error: error.message };
}

async function ask(client: SimClient, host: MemberHost, request: Request): Promise<Response> {
  switch (request.kind) {
    case 'range': {
      const response = await client.call(host, api.range, rangeMessage(request));
      return rangeAnswer(response, revisionOf(response));
    }
    case 'put': {
      const response = await client.call(host, api.put, putMessage(request));
      return putAnswer(response, revisionOf(response));
    }
    case 'delete': {
      const response = await client.call(host, api.deleteRange, deleteMessage(request));
      return deleteAnswer(response, revisionOf(response));
    }
    case 'txn': {
      const message = {
        compare: request.compare.map(compareMessage),
        success: request.success.map(opMessage),
        failure: request.failure.map(opMessage),
      };
      const response = await client.call(host, api.txn, message);
      return txnAnswer(response, revisionOf(response));
    }
    case 'compact': {
      const { revision, physical = false } = request;
      return { kind: 'compact', revision: revisionOf(await client.call(host, api.compact, { revision, physical })) };
    }
    default:
      return askLease(client, host, request);
  }
}

type LeaseRequest = Extract<Request, { lease: string; kind: `lease${string}` }>;

async function askLease(client: SimClient, host: MemberHost, request: LeaseRequest): Promise<Response> {
  const { kind, lease } = request;
  const ID = BigInt(lease);
  switch (kind) {
    case 'leaseGrant': {
      const response = await client.call(host, api.leaseGrant, { ID, TTL: request.ttlSeconds });
      return { kind, revision: revisionOf(response), lease: String(response.ID), ttlSeconds: response.TTL };
    }
    case 'leaseRevoke':
      return { kind, revision: revisionOf(await client.call(host, api.leaseRevoke, { ID })), lease, ttlSeconds: 0 };
    case 'leaseTimeToLive': {
      const response = await client.call(host, api.leaseTimeToLive, { ID, keys: false });
      // Rounded down: less than a second left is not the end.
      return { kind, revision: revisionOf(response), lease, ttlSeconds: response.TTL === 0 ? 1 : response.TTL };
    }
    case 'leaseKeepAlive': {
      const response = await keepAlive(client, host, ID);
      return { kind, revision: revisionOf(response), lease, ttlSeconds: response.TTL };
    }
  }
}

/** One request and one answer on a stream of its own. */
function keepAlive(client: SimClient, host: MemberHost, ID: bigint) {
  return new Promise<ReturnType<typeof decode<typeof LeaseKeepAliveResponse>>>((resolve, reject) => {
    const call = client.stream(host, 'Lease/LeaseKeepAlive');
    const timer = client.life.after(keepAliveUs, () => {
      call.cancel();
      reject(new CallError(4, 'context deadline exceeded', true));
    });
    call.onData = (answer) => {
      timer.cancel();
      call.cancel();
      resolve(decode(LeaseKeepAliveResponse, answer));
    };
    call.onEnd = (error) => {
      timer.cancel();
      reject(error ?? new CallError(14, 'the stream has ended without an answer', true));
    };
    call.write(encode(LeaseKeepAliveRequest, { ID }));
  });
}

function revisionOf(response: { readonly header: ResponseHeader | undefined }): number {
  return response.header?.revision ?? 0;
}
