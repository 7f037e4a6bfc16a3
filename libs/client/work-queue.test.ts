import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { WorkQueue } from './work-queue.ts';

const newQueue = () => {
  const clock = new VirtualClock();
  return { clock, queue: new WorkQueue({ clock }) };
};

/** The smallest model of the contract: what waits, in order, what is worked on, and what was added meanwhile. */
class Model {
  waiting: string[] = [];
  processing = new Set<string>();
  again = new Set<string>();

  add(key: string): void {
    if (this.processing.has(key)) this.again.add(key);
    else if (!this.waiting.includes(key)) this.waiting.push(key);
  }

  get(): string | undefined {
    const key = this.waiting.shift();
    if (key !== undefined) this.processing.add(key);
    return key;
  }

  done(key: string): void {
    this.processing.delete(key);
    if (this.again.delete(key)) this.waiting.push(key);
  }
}

test('every sequence of six add, get and done over two keys behaves as the model', async () => {
  const steps = ['add a', 'add b', 'get', 'done a', 'done b'];
  const length = 6;
  let sequences = 0;
  for (let code = 0; code < steps.length ** length; code++) {
    const model = new Model();
    const { queue } = newQueue();
    const trace: string[] = [];
    for (let at = 0, rest = code; at < length; at++, rest = Math.floor(rest / steps.length)) {
      const [verb, key = ''] = (steps[rest % steps.length] ?? '').split(' ');
      trace.push(`${verb} ${key}`);
      if (verb === 'add') {
        model.add(key);
        queue.add(key);
      } else if (verb === 'done') {
        // `done` without `get` is a bug of the caller, and not part of the contract.
        if (!model.processing.has(key)) break;
        model.done(key);
        queue.done(key);
      } else if (model.waiting.length > 0) {
        const wanted = model.get();
        const got = await queue.get();
        if (got !== wanted) expect.fail(`${trace.join(', ')}: got ${got}, wanted ${wanted}`);
      }
      if (queue.length !== model.waiting.length) expect.fail(`${trace.join(', ')}: ${queue.length} wait`);
    }
    sequences++;
  }
  expect(sequences).toBe(5 ** 6);
});

test('a waiting get receives the next key, and a key added during its work runs exactly once more', async () => {
  const { queue } = newQueue();
  const waiting = queue.get();
  queue.add('a');
  expect(await waiting).toBe('a');
  queue.add('a');
  queue.add('a');
  expect(queue.length).toBe(0);
  queue.done('a');
  expect(await queue.get()).toBe('a');
  queue.done('a');
  expect(queue.length).toBe(0);
});

test('of several delayed additions the earliest counts', () => {
  const { clock, queue } = newQueue();
  queue.addAfter('a', 1000);
  queue.addAfter('a', 10);
  queue.addAfter('a', 5000);
  clock.advance(9);
  expect(queue.length).toBe(0);
  clock.advance(1);
  expect(queue.length).toBe(1);
  expect(clock.nextDueMs()).toBeUndefined();
});

test('back-off doubles from 5 ms to 1000 s and starts over after forget', () => {
  const { clock, queue } = newQueue();
  const delays = Array.from({ length: 20 }, () => {
    clock.advance(60_000);
    return queue.addRateLimited('a');
  });
  expect(delays.slice(0, 5)).toEqual([5, 10, 20, 40, 80]);
  expect(delays.at(-1)).toBe(1_000_000);
  queue.forget('a');
  expect(queue.addRateLimited('a')).toBe(5);
});

test('the bucket delays what exceeds a burst of 100 at 10 per second', () => {
  const { queue } = newQueue();
  const delays = Array.from({ length: 102 }, (_, index) => queue.addRateLimited(`k${index}`));
  expect([delays[0], delays[99], delays[100], delays[101]]).toEqual([5, 5, 100, 200]);
});

test('after shutDown keys in the queue are given out, then undefined, and delayed ones are dropped', async () => {
  const { clock, queue } = newQueue();
  queue.add('a');
  queue.addAfter('b', 10);
  queue.shutDown();
  queue.add('c');
  clock.advance(100);
  expect([await queue.get(), await queue.get()]).toEqual(['a', undefined]);
});
