// One store under measurement: loads against it, its processor time and memory, its restart.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { execa } from '@drydock/foundation/child-process.ts';
import { type Store, until } from '../../integration/store/members.ts';
import { usageOf } from '../usage.ts';
import { type NamedLoad, nameOf } from './loads.ts';
import type { Load, Measured } from './measured.ts';
import type { Figures } from './report.ts';
import { leaderFirst, serves } from './status.ts';

const script = fileURLToPath(new URL('load.ts', import.meta.url));
/** Of USER_HZ, microseconds. */
const tickUs = 10_000;
const restartMaxMs = 600_000;

export class Measurement {
  readonly store: Store;
  readonly endpoints: readonly string[];
  readonly report: (load: string, figures: Figures) => void;

  private constructor(store: Store, endpoints: readonly string[], report: (load: string, figures: Figures) => void) {
    this.store = store;
    this.endpoints = endpoints;
    this.report = report;
  }

  static async of(store: Store, report: (load: string, figures: Figures) => void): Promise<Measurement> {
    return new Measurement(store, await leaderFirst(store.endpoints.map((url) => new URL(url).host)), report);
  }

  async load(load: NamedLoad, durationMs: number, calls = 0): Promise<void> {
    this.report(nameOf(load), await runLoad({ ...load, endpoints: this.endpoints, durationMs, calls }, this.#pids));
  }

  /** Of the largest member. */
  async memory(when: string): Promise<void> {
    this.report(`memory ${when}`, { rssMiB: Math.max(...this.#pids.map(rssMiB)) });
  }

  /** From the start of the process to its first linearizable read. */
  async restart(): Promise<void> {
    await this.store.stopMember(0, 'SIGTERM');
    const start = performance.now();
    this.store.startMember(0);
    const [endpoint = ''] = this.endpoints;
    await until('it serves reads', () => serves(endpoint), restartMaxMs);
    this.report('restart', { restartMs: performance.now() - start });
  }

  get #pids(): number[] {
    return this.store.members.map((_, i) => this.store.pid(i));
  }
}

/** Puts a load on the processes that serve it; `serverCpuUs` is their processor time for each call, together. */
export async function runLoad(load: Load, pids: readonly number[]): Promise<Figures> {
  const child = execa(process.execPath, ['--max-semi-space-size=32', script, JSON.stringify(load)]);
  let before = 0;
  let measured: Measured | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'begun') before = cpuUs(pids);
    else measured = JSON.parse(line) as Measured;
  }
  const after = cpuUs(pids);
  await child;
  if (measured === undefined) throw new Error('the load has printed nothing');
  const { operations, ...figures } = measured;
  return { ...figures, serverCpuUs: (after - before) / Math.max(1, operations) };
}

/** Processor time of all processes, since their start. */
export function cpuUs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (usageOf('', pid)?.ticks ?? 0) * tickUs, 0);
}

function rssMiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024;
}
