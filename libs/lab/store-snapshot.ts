// Gets a snapshot file from a member of the lab's store, as `etcdctl snapshot save` does.
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { RangeRequest, RangeResponse, SnapshotResponse } from '@drydock/etcd/rpc/messages.ts';
import { decode, encode } from '@drydock/etcd/rpc/protobuf.ts';
import { grpcTlsTarget } from '@drydock/foundation/grpc-tls-target.ts';
import { Client, credentials } from '@grpc/grpc-js';
import { LabError, messageOf } from './errors.ts';
import type { LabContext } from './lab-context.ts';
import { storeClientFiles } from './older-lab.ts';
import { type Member, membersOf, portOf, type Topology } from './topology.ts';

export interface SavedSnapshot {
  readonly member: string;
  readonly bytes: number;
  /** Whether a quorum confirmed that nothing acknowledged before the call is missing. */
  readonly current: boolean;
}

/** How long a member may take to answer a small request. */
const answerMs = 3000;
const hashBytes = 32;
const asIs = (bytes: Buffer): Buffer => bytes;

/** Writes `file`, whole or not at all. Throws LabError where no member of the store answers. */
export async function saveSnapshot(context: LabContext, topology: Topology, file: string): Promise<SavedSnapshot> {
  let problems: string[] = [];
  const members = membersOf(topology, 'etcd').map((member) => ({ member, client: connect(topology, member) }));
  try {
    // A member that answers linearizably has everything; without a quorum any that is alive must do.
    for (const linearizable of [true, false]) {
      problems = [];
      for (const { member, client } of members) {
        try {
          await read(context, client, linearizable);
          return { member: member.name, bytes: await download(client, file), current: linearizable };
        } catch (error) {
          problems.push(`${member.name}: ${messageOf(error)}`);
        }
      }
    }
  } finally {
    for (const { client } of members) client.close();
  }
  throw new LabError('not-running', `no member of the store gave a snapshot:\n  ${problems.join('\n  ')}`);
}

function connect(topology: Topology, member: Member): Client {
  const files = storeClientFiles(topology.paths);
  const { channelOptions, verifyOptions } = grpcTlsTarget(member.address);
  const secure = credentials.createSsl(
    readFileSync(files.authority),
    readFileSync(files.key),
    readFileSync(files.certificate),
    verifyOptions,
  );
  return new Client(`${member.address}:${portOf(topology, member, 'etcd-client')}`, secure, channelOptions);
}

function read(context: LabContext, client: Client, linearizable: boolean): Promise<void> {
  const request = encode(RangeRequest, { key: '\0', count_only: true, serializable: !linearizable });
  const options = { deadline: context.clock.wallMs() + answerMs };
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest<Buffer, Buffer>('/etcdserverpb.KV/Range', asIs, asIs, request, options, (error, answer) => {
      if (error !== null) return reject(error);
      decode(RangeResponse, answer ?? Buffer.alloc(0));
      resolve();
    });
  });
}

/** Returns the size of the file. */
async function download(client: Client, file: string): Promise<number> {
  const part = `${file}.part`;
  const output = await open(part, 'w', 0o600);
  try {
    const call = client.makeServerStreamRequest<Buffer, Buffer>(
      '/etcdserverpb.Maintenance/Snapshot',
      asIs,
      asIs,
      Buffer.alloc(0),
    );
    const hash = createHash('sha256');
    let last: Buffer = Buffer.alloc(0);
    let bytes = 0;
    for await (const message of call) {
      hash.update(last);
      last = decode(SnapshotResponse, message as Buffer).blob;
      await output.write(last);
      bytes += last.length;
    }
    if (last.length !== hashBytes || !hash.digest().equals(last))
      throw new LabError('start-failed', 'the snapshot is not whole');
    await output.sync();
    await output.close();
    renameSync(part, file);
    return bytes;
  } catch (error) {
    await output.close();
    rmSync(part, { force: true });
    throw error;
  }
}
