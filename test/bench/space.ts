// How long reads and writes stand still while the store is compacted and defragmented, beside the original:
// `npm run bench:space [-- --mebibytes N]`. The data is keys of 1 KiB, half of them overwritten, so that there is something to give
// back. Two probes, a put and a linearizable get, each one call after the other.
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { api } from '@drydock/etcd/rpc/api.ts';
import type { PutRequest, RequestOp } from '@drydock/etcd/rpc/messages.ts';
import { Client, credentials } from '@grpc/grpc-js';
import { unaryCall } from '../integration/store/client.ts';
import { ourProgram, Store, upstreamProgram } from '../integration/store/members.ts';

const { values } = parseArgs({ options: { mebibytes: { type: 'string', default: '1024' } } });
const keys = Number(values.mebibytes) * 1024;
const valueBytes = 1024;
const keysPerTxn = 64;
const fillers = 8;
const probePauseMs = 2;
const calmMs = 3000;
const patienceMs = 600_000;

const debian = '/usr/bin/etcd';
const original = upstreamProgram('etcd') ?? (existsSync(debian) ? debian : undefined);
const programs = [
  { name: 'ours', program: ourProgram },
  ...(original === undefined ? [] : [{ name: 'etcd', program: [original] }]),
];

interface Phase {
  readonly name: string;
  readonly seconds: number;
  readonly longestPutMs: number;
  readonly longestGetMs: number;
}

const keyOf = (i: number): string => `key${String(i).padStart(9, '0')}`;

/** Puts every `stride`-th key. */
async function fill(client: Client, stride: number, letter: string): Promise<void> {
  const value = Buffer.alloc(valueBytes, letter);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < keys) {
      const success: RequestOp[] = [];
      for (; success.length < keysPerTxn && next < keys; next += stride) {
        const op: Partial<RequestOp> = { request_put: { key: keyOf(next), value } as PutRequest };
        success.push(op as RequestOp);
      }
      await unaryCall(client, api.txn, { success }, patienceMs);
    }
  };
  await Promise.all(Array.from({ length: fillers }, worker));
}

class Probe {
  longestMs = 0;
  #running = true;
  readonly #done: Promise<void>;

  constructor(call: (i: number) => Promise<unknown>) {
    this.#done = this.#run(call);
  }

  async stop(): Promise<number> {
    this.#running = false;
    await this.#done;
    return this.longestMs;
  }

  async #run(call: (i: number) => Promise<unknown>): Promise<void> {
    for (let i = 0; this.#running; i++) {
      const startMs = performance.now();
      await call(i);
      this.longestMs = Math.max(this.longestMs, performance.now() - startMs);
      await sleep(probePauseMs);
    }
  }
}

async function phase(name: string, client: Client, body: () => Promise<unknown>): Promise<Phase> {
  const value = Buffer.alloc(valueBytes, 'p');
  const put = new Probe((i) => unaryCall(client, api.put, { key: `probe${i % 100}`, value }, patienceMs));
  // Steps through the keys by a prime, so that reads come from everywhere in the file.
  const get = new Probe((i) => unaryCall(client, api.range, { key: keyOf((i * 7919) % keys) }, patienceMs));
  const startMs = performance.now();
  await body();
  const seconds = (performance.now() - startMs) / 1000;
  return { name, seconds, longestPutMs: await put.stop(), longestGetMs: await get.stop() };
}

async function measure(program: readonly string[]): Promise<{ readonly phases: Phase[]; readonly sizes: string[] }> {
  const store = await Store.start({ size: 1, program, flags: ['--quota-backend-bytes=17179869184'] });
  const client = new Client(new URL(store.endpoint(0)).host, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 64 << 20,
  });
  const status = () => unaryCall(client, api.status, {}, patienceMs);
  const sizes: string[] = [];
  const note = async (when: string): Promise<void> => {
    const { dbSize, dbSizeInUse } = await status();
    sizes.push(`${when}: ${mebibytes(dbSize)} MiB, in use ${mebibytes(dbSizeInUse)}`);
  };
  try {
    await fill(client, 1, 'a');
    await fill(client, 2, 'b');
    await note('filled');
    const phases = [await phase('calm', client, () => sleep(calmMs))];
    const { header } = await status();
    const compaction = { revision: header?.revision ?? 0, physical: true };
    const compact = () => unaryCall(client, api.compact, compaction, patienceMs);
    phases.push(await phase('compact', client, compact));
    await note('compacted');
    const defragment = () => unaryCall(client, api.defragment, {}, patienceMs);
    phases.push(await phase('defragment', client, defragment));
    await note('defragmented');
    return { phases, sizes };
  } finally {
    client.close();
    await store.stop();
  }
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

for (const { name, program } of programs) {
  const { phases, sizes } = await measure(program);
  console.log(`${name}: ${sizes.join('; ')}`);
  for (const { name: what, seconds, longestPutMs, longestGetMs } of phases) {
    console.log(
      `  ${what.padEnd(12)} ${seconds.toFixed(1).padStart(6)} s   longest put ${longestPutMs.toFixed(0).padStart(6)} ms   ` +
        `longest get ${longestGetMs.toFixed(0).padStart(6)} ms`,
    );
  }
}
