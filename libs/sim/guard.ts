// While a world runs, nothing may look at the real time or roll real dice: whoever does is told which port to use.
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/** Code under simulation reached past its ports. */
export class DeterminismError extends Error {
  override readonly name = 'DeterminismError';

  constructor(used: string, port: string) {
    super(`${used} in a simulated world: use ${port}`);
  }
}

type Replaced = readonly [owner: object, name: string, original: unknown];

/** Replaces what is not deterministic by functions that throw; returns the way back. */
export function forbidNondeterminism(): () => void {
  const replaced: Replaced[] = [];
  const replace = (owner: object, name: string, value: unknown): void => {
    replaced.push([owner, name, Reflect.get(owner, name)]);
    Reflect.set(owner, name, value);
  };
  const forbid = (owner: object, name: string, port: string): void => {
    replace(owner, name, () => {
      throw new DeterminismError(name, port);
    });
  };
  forbid(globalThis, 'setTimeout', 'Clock.timer');
  forbid(globalThis, 'setInterval', 'Clock.timer');
  forbid(globalThis, 'fetch', 'a port');
  forbid(Math, 'random', 'a named stream of Random');
  forbid(performance, 'now', 'Clock.monotonicMs');
  forbid(crypto, 'randomBytes', 'a named stream of Random');
  forbid(crypto, 'randomUUID', 'a named stream of Random');
  forbid(crypto, 'getRandomValues', 'a named stream of Random');
  replace(globalThis, 'Date', onlyGivenDates(Date));
  syncBuiltinESMExports();
  return () => {
    for (const [owner, name, original] of replaced.reverse()) Reflect.set(owner, name, original);
    syncBuiltinESMExports();
  };
}

/** `Date` for times that are given; without one it would be the machine's. */
function onlyGivenDates(real: DateConstructor): DateConstructor {
  return new Proxy(real, {
    construct(target, args: unknown[], newTarget) {
      if (args.length === 0) throw new DeterminismError('new Date()', 'Clock.wallMs');
      return Reflect.construct(target, args, newTarget);
    },
    get(target, name, receiver) {
      if (name !== 'now') return Reflect.get(target, name, receiver);
      return () => {
        throw new DeterminismError('Date.now', 'Clock.wallMs');
      };
    },
  });
}
