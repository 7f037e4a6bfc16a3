// One operation: asks a member, and writes down what became of it.
import { LeaseKeepAliveRequest, LeaseKeepAliveResponse } from '@drydock/etcd/rpc/messages.ts';
import { decode, encode } from '@drydock/etcd/rpc/protobuf.ts';
import { CallError } from '../calls.ts';
import type { SimClient } from '../client.ts';
import type { Outcome, Request, Response } from '../history/operation.ts';
import type { Recorder } from '../history/recorder.ts';
import type { MemberHost } from '../member-host.ts';
import { ask, LostLeadershipError, refusals } from './ask.ts';

const keepAliveUs = 10_000_000;

/** Resolves with the answer, or undefined where there was none. */
export async function perform(
  client: SimClient,
  host: MemberHost,
  recorder: Recorder,
  request: Request,
): Promise<Response | undefined> {
  const pending = recorder.begin(client.life.name, request);
  try {
    const response = await ask(
      {
        call: (method, message) => client.call(host, method, message),
        keepAlive: (ID) => keepAlive(client, host, ID),
      },
      request,
    );
    pending.end({ kind: 'ok', response });
    return response;
  } catch (error) {
    if (error instanceof LostLeadershipError) {
      pending.end({ kind: 'unknown', error: 'elected, and cannot see it' });
      return undefined;
    }
    if (!(error instanceof CallError)) throw error;
    pending.end(outcomeOf(request, error));
    return undefined;
  }
}

const notFound = 5;

function outcomeOf({ kind }: Request, error: CallError): Outcome {
  // Who waits for a lock has its key already: only a lease that was not there is a refusal.
  const isRefusal = kind === 'lock' ? error.code === notFound : refusals.includes(error.code);
  const refused = !error.reached || isRefusal || error.message.includes('too many requests');
  return { kind: refused ? 'failed' : 'unknown', error: error.message };
}

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
