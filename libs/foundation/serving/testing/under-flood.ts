// Runs one flood against a process that serves, and says what it cost: memory and sockets of the process, and how long another
// client waited meanwhile.
import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../clock.ts';
import type { AttackOrder } from './attacker.ts';
import type { Flood, FloodTarget } from './floods.ts';

export interface Cost {
  /** What the process had more at its worst than before, in bytes. */
  readonly memoryBytes: number;
  /** Open descriptors at the worst, more than before. */
  readonly sockets: number;
  /** Requests of the other client that were answered during the flood, and the longest of them with its retries. */
  readonly served: number;
  readonly slowestMs: number;
  /** Connections of the attacker that were let in. */
  readonly admitted: number;
}

export interface Victim {
  readonly pid: number;
  readonly target: FloodTarget;
  /** Asks as another client; fails where there is no answer, and is then called again. */
  ask(): Promise<void>;
}

const residentBytes = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;

/** Open descriptors of a process. */
export const openDescriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** The thread that attacks; to be terminated by whoever made it. */
export function startAttacker(): Worker {
  return new Worker(new URL('./attacker.ts', import.meta.url));
}

/** Attacks for `forMs` from the thread of `attacker`. */
export async function underFlood(attacker: Worker, victim: Victim, flood: Flood, forMs: number, clock: Clock): Promise<Cost> {
  const { pid, target } = victim;
  const before = { memory: residentBytes(pid), sockets: openDescriptors(pid) };
  const cost = { memoryBytes: 0, sockets: 0, served: 0, slowestMs: 0, admitted: 0 };
  const order: AttackOrder = { name: flood.name, target, forMs };
  let over = false;
  const attacked = new Promise<number>((resolve) => attacker.once('message', resolve));
  attacker.postMessage(order);
  const done = attacked.then((admitted) => {
    cost.admitted = admitted;
    over = true;
  });
  while (!over || cost.served === 0) {
    const asked = clock.monotonicMs();
    while (
      !(await victim.ask().then(
        () => true,
        () => false,
      ))
    )
      await clock.sleep(10);
    cost.served++;
    cost.slowestMs = Math.max(cost.slowestMs, clock.monotonicMs() - asked);
    cost.memoryBytes = Math.max(cost.memoryBytes, residentBytes(pid) - before.memory);
    cost.sockets = Math.max(cost.sockets, openDescriptors(pid) - before.sockets);
    await clock.sleep(10);
  }
  await done;
  return cost;
}
