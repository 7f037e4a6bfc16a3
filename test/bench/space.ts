// How long reads and writes stand still while the store is compacted, defragmented and saved to a file, beside the original:
// `npm run bench:space [-- --mebibytes N --program ours|etcd --only compact,defragment,snapshot --members N --data FOLDER]`. The data
// is keys of 1 KiB, half of them overwritten, so that there is something to give back. Two probes, a put and a linearizable get,
// each one call after the other; `calm` is what they see of the disk and of the machine while nothing else is done, `busy` the part
// of a phase in which something on the machine waited for a processor. `--data` keeps what was filled (one member), and takes it
// from there the next time.

import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { api } from '@drydock/etcd/rpc/api.ts';
import type { PutRequest, RequestOp } from '@drydock/etcd/rpc/messages.ts';
import { execFile } from '@drydock/foundation/child-process.ts';
import { Client, credentials } from '@grpc/grpc-js';
import { unaryCall } from '../integration/store/client.ts';
import { ourProgram, Store, upstreamProgram } from '../integration/store/members.ts';

const { values } = parseArgs({
  options: {
    mebibytes: { type: 'string', default: '1024' },
    program: { type: 'string', default: 'ours,etcd' },
    only: { type: 'string', default: 'compact,defragment,snapshot' },
    members: { type: 'string', default: '1' },
    data: { type: 'string' },
  },
});
const keys = Number(values.mebibytes) * 1024;
const valueBytes = 1024;
const keysPerTxn = 64;
const fillers = 8;
const probePauseMs = 2;
const calmMs = 10_000;
const settleMs = 2000;
const patienceMs = 600_000;

const debian = '/usr/bin/etcd';
const original = upstreamProgram('etcd') ?? (existsSync(debian) ? debian : undefined);
const etcdctl = upstreamProgram('etcdctl') ?? '/usr/bin/etcdctl';
const programs = [
  { name: 'ours', program: ourProgram },
  ...(original === undefined ? [] : [{ name: 'etcd', program: [original] }]),
].filter(({ name }) => values.program.split(',').includes(name));
/** Beyond this a call counts as one that stood still. */
const stallMs = 100;

interface Phase {
  readonly name: string;
  readonly seconds: number;
  /** The part of it in which something waited for a processor that was busy. */
  readonly waiting: number;
  readonly put: Probed;
  readonly get: Probed;
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

interface Probed {
  /** How long each call took, ascending. */
  readonly ms: readonly number[];
  readonly failed: number;
}

class Probe {
  readonly #ms: number[] = [];
  #failed = 0;
  #running = true;
  readonly #done: Promise<void>;

  constructor(call: (i: number) => Promise<unknown>) {
    this.#done = this.#run(call);
  }

  async stop(): Promise<Probed> {
    this.#running = false;
    await this.#done;
    return { ms: this.#ms.sort((a, b) => a - b), failed: this.#failed };
  }

  async #run(call: (i: number) => Promise<unknown>): Promise<void> {
    for (let i = 0; this.#running; i++) {
      const startMs = performance.now();
      // The original answers that a request has timed out where it stands still for seconds.
      await call(i).catch(() => this.#failed++);
      this.#ms.push(performance.now() - startMs);
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
  const waitedMs = processorWaitMs();
  await body();
  const ms = performance.now() - startMs;
  const waiting = (processorWaitMs() - waitedMs) / ms;
  return { name, seconds: ms / 1000, waiting, put: await put.stop(), get: await get.stop() };
}

/** Of the whole machine, since its start: also what others do there stretches pauses. */
function processorWaitMs(): number {
  const file = '/proc/pressure/cpu';
  const us = existsSync(file) ? /^some .*total=(\d+)/.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
  return Number(us ?? 0) / 1000;
}

interface Measured {
  readonly phases: Phase[];
  readonly notes: string[];
}

const flags = ['--quota-backend-bytes=17179869184'];

function connect(store: Store): Client {
  return new Client(new URL(store.endpoint(0)).host, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 64 << 20,
  });
}

async function fillAll(client: Client): Promise<string> {
  const startMs = performance.now();
  await fill(client, 1, 'a');
  await fill(client, 2, 'b');
  return `filled in ${((performance.now() - startMs) / 1000).toFixed(0)} s`;
}

/** The folder with the data of a member that was filled, made now where it is missing. */
async function filled(folder: string, name: string, program: readonly string[]): Promise<string> {
  const kept = join(folder, `${name}-${values.mebibytes}`);
  if (existsSync(kept)) return kept;
  mkdirSync(folder, { recursive: true });
  const firstDataDir = `${kept}.new`;
  rmSync(firstDataDir, { recursive: true, force: true });
  const store = await Store.start({ size: 1, program, flags, firstDataDir, diskFaults: false });
  const client = connect(store);
  try {
    await fillAll(client);
    await store.stopMember(0, 'SIGTERM');
    renameSync(firstDataDir, kept);
    return kept;
  } finally {
    client.close();
    await store.stop();
  }
}

async function measure(name: string, program: readonly string[]): Promise<Measured> {
  const size = Number(values.members);
  const kept = values.data === undefined ? undefined : await filled(values.data, name, program);
  const prepare = (members: readonly { readonly dataDir: string }[]): void => {
    if (kept !== undefined) cpSync(kept, members[0]?.dataDir ?? '', { recursive: true });
  };
  const store = await Store.start({ size, program, flags, prepare, diskFaults: false });
  const client = connect(store);
  const status = () => unaryCall(client, api.status, {}, patienceMs);
  const notes: string[] = [];
  const note = async (when: string): Promise<void> => {
    const { dbSize, dbSizeInUse } = await status();
    notes.push(`${when}: ${mebibytes(dbSize)} MiB, in use ${mebibytes(dbSizeInUse)}`);
  };
  const doing: Record<string, () => Promise<unknown>> = {
    compact: async () => {
      const { header } = await status();
      const compaction = { revision: header?.revision ?? 0, physical: true };
      await unaryCall(client, api.compact, compaction, patienceMs);
    },
    defragment: () => unaryCall(client, api.defragment, {}, patienceMs),
    snapshot: async () => {
      const file = join(store.folder, 'saved.db');
      const args = ['snapshot', 'save', file];
      await promisify(execFile)(etcdctl, args, { env: { ...store.env, ETCDCTL_ENDPOINTS: store.endpoint(0) } });
      notes.push(`saved: ${mebibytes(statSync(file).size)} MiB`);
      rmSync(file);
    },
  };
  try {
    if (kept === undefined) notes.push(await fillAll(client));
    await note('filled');
    // What was written so far is on the disk then, and no part of what is measured.
    await promisify(execFile)('sync');
    await sleep(settleMs);
    const phases = [await phase('calm', client, () => sleep(calmMs))];
    for (const what of values.only.split(',')) {
      const body = doing[what];
      if (body === undefined) continue;
      phases.push(await phase(what, client, body));
      await note(what);
      await sleep(settleMs);
    }
    return { phases, notes };
  } finally {
    client.close();
    await store.stop();
  }
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

function told(what: string, { ms, failed }: Probed): string {
  const at = (part: number) => (ms[Math.min(ms.length - 1, Math.floor(ms.length * part))] ?? 0).toFixed(1).padStart(6);
  const still = ms.filter((one) => one > stallMs).length;
  return `${what} p50 ${at(0.5)} p99 ${at(0.99)} longest ${at(1)} ms, ${still} of ${ms.length} above ${stallMs}${failed > 0 ? `, ${failed} failed` : ''}`;
}

for (const { name, program } of programs) {
  const { phases, notes } = await measure(name, program);
  console.log(`${name}: ${notes.join('; ')}`);
  for (const { name: what, seconds, waiting, put, get } of phases) {
    const head = `${what.padEnd(10)} ${seconds.toFixed(1).padStart(5)} s (busy ${(waiting * 100).toFixed(0).padStart(2)}%)`;
    console.log(`  ${head}   ${told('put', put)}   ${told('get', get)}`);
  }
}
