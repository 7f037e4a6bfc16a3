// The attacker of `underFlood`, in a thread of its own, so that what it does costs the other client nothing but what the server pays.
import { parentPort } from 'node:worker_threads';
import { SystemClock } from '../../system-clock.ts';
import { type Attack, type FloodTarget, floods, openAttack } from './floods.ts';

export interface AttackOrder {
  readonly name: string;
  readonly target: FloodTarget;
  readonly forMs: number;
}

const patienceMs = 10_000;

/** Attacks, lets go of everything, and returns how many connections were let in. */
async function attack({ name, target, forMs }: AttackOrder): Promise<number> {
  const flood = floods.find((each) => each.name === name);
  if (flood === undefined) throw new Error(`there is no flood ${JSON.stringify(name)}`);
  const clock = new SystemClock();
  let end = Number.POSITIVE_INFINITY;
  const opened: Attack[] = [];
  let admitted = 0;
  const one = async (): Promise<void> => {
    const latest = clock.monotonicMs() + patienceMs;
    let made = await openAttack(target, flood.protocol);
    // One that was not let in tries again, as attackers do.
    while (made === undefined && clock.monotonicMs() < Math.min(end, latest)) {
      await clock.sleep(20);
      made = await openAttack(target, flood.protocol);
    }
    if (made === undefined) return;
    admitted++;
    opened.push(made);
    for (let round = 0; clock.monotonicMs() < end && (await flood.step(made, round, target)); round++);
  };
  const all = Promise.all(Array.from({ length: flood.connections }, one));
  // A server that is busy lets nobody in for a while; a flood is one from its first connection on.
  const latest = clock.monotonicMs() + patienceMs;
  while (admitted === 0 && clock.monotonicMs() < latest) await clock.sleep(10);
  end = clock.monotonicMs() + forMs;
  await clock.sleep(forMs);
  for (const { socket } of opened) socket.destroy();
  await Promise.race([all, clock.sleep(forMs)]);
  for (const { socket } of opened) socket.destroy();
  return admitted;
}

parentPort?.on('message', (order: AttackOrder) => {
  void attack(order).then((admitted) => parentPort?.postMessage(admitted));
});
