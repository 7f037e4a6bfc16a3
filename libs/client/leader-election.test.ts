import type { ConfigMap, Lease } from '@drydock/api/generated/types.ts';
import { configMaps, leases } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import type { ApiClient } from './api-client.ts';
import type { Call } from './client-layer.ts';
import { runElection } from './leader-election.ts';
import { FencedClient, type Leadership } from './leadership.ts';
import { MemoryApi } from './testing/memory-api.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { type Fate, NetworkClient } from './testing/network-client.ts';

const lease = { namespace: 'kube-system', name: 'x' };

/** Candidates for one lease on one store, each behind a network of its own. */
function candidates() {
  const clock = new VirtualClock();
  const store = new MemoryStore();
  const log: string[] = [];
  /** Who could write when, by the lease's own account. */
  const writes: { readonly by: string; readonly atMs: number }[] = [];
  const start = (identity: string) => {
    const stop = new AbortController();
    const server = new MemoryApi({ clock, random: new SeededRandom(identity) }, store);
    const network = new NetworkClient(server, clock);
    let leadership: Leadership | undefined;
    let fenced: ApiClient | undefined;
    const finished = runElection(
      {
        client: network,
        clock,
        random: new SeededRandom(identity),
        log: silentLog,
        lease,
        identity,
        onStartedLeading: (right) => {
          leadership = right;
          fenced = new FencedClient(network, right);
          log.push(`${identity} leads`);
          right.held.addEventListener('abort', () => log.push(`${identity} stops`));
        },
        onLost: () => log.push(`${identity} lost`),
      },
      stop.signal,
    );
    /** A write under the lease; what came of it. */
    const write = async (name: string): Promise<string> => {
      if (fenced === undefined) return 'not leading';
      try {
        await fenced.create<ConfigMap>(configMaps, { metadata: { namespace: 'work', name } });
        return 'written';
      } catch (error) {
        return (error as Error).name;
      }
    };
    const tick = (): void => {
      if (leadership === undefined) return;
      try {
        leadership.check();
        writes.push({ by: identity, atMs: clock.monotonicMs() });
      } catch {
        // It must not.
      }
    };
    return { client: server, network, stop, finished, write, tick };
  };
  const holder = () => (store.get('leases.coordination.k8s.io', 'kube-system/x') as Lease | undefined)?.spec?.holderIdentity;
  return { clock, store, log, writes, start, holder };
}

const isRenewal = (call: Call): boolean => call.verb === 'update' && call.resource === leases;

test('one of two leads; when it stops, it gives the lease up and the other follows within the retry period', async () => {
  const { clock, holder, log, start } = candidates();
  const a = start('a');
  await clock.advanceAsync(1);
  const b = start('b');
  await clock.advanceAsync(60_000);
  expect(log).toEqual(['a leads']);
  a.stop.abort();
  await a.finished;
  await clock.advanceAsync(5_000);
  expect(log).toEqual(['a leads', 'a stops', 'b leads']);
  expect(holder()).toBe('b');
  b.stop.abort();
});

test('a holder that is cut off stops before another may lead', async () => {
  const { clock, log, start } = candidates();
  const a = start('a');
  await clock.advanceAsync(1);
  const b = start('b');
  await clock.advanceAsync(3_000);
  a.client.injectFault(() => {
    throw apiError('ServiceUnavailable', 'cut off');
  });
  await clock.advanceAsync(60_000);
  expect(log).toEqual(['a leads', 'a stops', 'a lost', 'b leads']);
  b.stop.abort();
});

test('a holder whose lease is taken away stops at its next look', async () => {
  const { clock, store, log, start } = candidates();
  start('a');
  await clock.advanceAsync(1);
  const thief = new MemoryApi({ clock, random: new SeededRandom('t') }, store);
  const body = { spec: { holderIdentity: 'thief', leaseDurationSeconds: 3600 } };
  await thief.patch(leases, { namespace: 'kube-system', name: 'x' }, { type: 'merge', body });
  await clock.advanceAsync(4_000);
  expect(log).toEqual(['a leads', 'a stops', 'a lost']);
});

test('a renewal counts from when it was asked for: with an answer that takes 7 s the holder stops before its rival starts', async () => {
  const { clock, log, start } = candidates();
  const a = start('a');
  await clock.advanceAsync(1);
  start('b').network.fate = () => ({});
  await clock.advanceAsync(100);
  let cut = false;
  // Committed at once, answered after 7 s; then nothing gets through any more.
  a.network.fate = (call): Fate => {
    if (cut) return { lost: 'request' };
    cut = isRenewal(call);
    return cut ? { answerMs: 7_000 } : {};
  };
  await clock.advanceAsync(11_500);
  expect(log).toEqual(['a leads']);
  await clock.advanceAsync(1_000);
  expect(log).toEqual(['a leads', 'a stops', 'a lost']);
  await clock.advanceAsync(8_000);
  expect(log).toEqual(['a leads', 'a stops', 'a lost', 'b leads']);
});

test('at no time may two write, whatever becomes of their requests', { timeout: 60_000 }, async () => {
  let led = 0;
  for (let seed = 0; seed < 30; seed++) {
    const { clock, writes, start } = candidates();
    const dice = new SeededRandom(`fates ${seed}`).stream('fate');
    const fates: (() => Fate)[] = [
      () => ({ answerMs: dice.int(12_000) }),
      () => ({ answerMs: 5_000 + dice.int(3_000) }),
      () => ({ requestMs: dice.int(12_000) }),
      () => ({ lost: 'answer' }),
      () => ({ lost: 'request' }),
      () => ({ error: apiError('Conflict', 'overtaken') }),
      () => ({ error: apiError('Timeout', 'no answer') }),
      () => ({ error: apiError('InternalError', 'no leader') }),
    ];
    const stop = new AbortController();
    const all: ReturnType<typeof start>[] = [];
    // Who loses its lease is started again, as whatever watches a control plane does.
    const run = (name: string, life: number): void => {
      const candidate = start(`${name}${life}`);
      candidate.network.fate = () => (dice.int(20) < (name === 'a' ? 9 : 19) ? {} : (fates[dice.int(fates.length)]?.() ?? {}));
      all.push(candidate);
      stop.signal.addEventListener('abort', () => candidate.stop.abort());
      void candidate.finished.then(() => stop.signal.aborted || run(name, life + 1));
    };
    for (const name of ['a', 'b']) run(name, 0);
    for (let step = 0; step < 600; step++) {
      for (const { tick } of all) tick();
      if (dice.int(200) === 0) await clock.stall(dice.int(20_000));
      else await clock.advanceAsync(500);
    }
    const both = writes.filter(({ atMs }, index) => writes[index - 1]?.atMs === atMs);
    expect({ seed, both }).toEqual({ seed, both: [] });
    led += new Set(writes.map(({ by }) => by)).size;
    stop.abort();
  }
  // Many must have had their turn, or nothing was tried.
  expect(led).toBeGreaterThan(60);
});

test('a process that stood still past its lease writes nothing, even before its elector has noticed', async () => {
  const { clock, log, start } = candidates();
  const a = start('a');
  await clock.advanceAsync(1);
  const early: Promise<string>[] = [];
  // A worker whose timer comes first when the process goes on.
  clock.timer(1_000, () => early.push(a.write('late')));
  await clock.stall(20_000);
  expect(await Promise.all(early)).toEqual(['LeadershipLost']);
  expect(log).toEqual(['a leads', 'a stops', 'a lost']);
  expect(await a.write('later')).toBe('LeadershipLost');
});

test('a write that waited for its connection past the lease is not sent', async () => {
  const { clock, store, start } = candidates();
  const a = start('a');
  await clock.advanceAsync(1);
  a.network.fate = (call) => (call.resource === configMaps ? { connectMs: 5 } : {});
  const asked = a.write('waiting');
  await clock.stall(30_000);
  expect([await asked, store.list('configmaps')]).toEqual(['LeadershipLost', []]);
});

test('writes under way when the lease is lost are aborted', async () => {
  const { clock, start } = candidates();
  const a = start('a');
  await clock.advanceAsync(1);
  a.network.fate = () => ({ lost: 'answer' });
  const under = a.write('ambiguous');
  await clock.advanceAsync(12_500);
  expect(await Promise.race([under, 'still waiting'])).toBe('LeadershipLost');
});

test('the lease is given up only after the writes under way have ended, and no new one begins meanwhile', async () => {
  const { clock, holder, log, start } = candidates();
  const a = start('a');
  await clock.advanceAsync(1);
  a.network.fate = (call) => (call.resource === configMaps ? { answerMs: 3_000 } : {});
  const slow = a.write('slow');
  await clock.advanceAsync(10);
  a.stop.abort();
  expect(await a.write('new')).toBe('LeadershipLost');
  await clock.advanceAsync(2_900);
  expect([holder(), log]).toEqual(['a', ['a leads', 'a stops']]);
  await clock.advanceAsync(100);
  await a.finished;
  expect([await slow, holder()]).toEqual(['written', '']);
});

test('a lease whose holder cannot end its writes is left to run out', async () => {
  const { clock, holder, start } = candidates();
  const a = start('a');
  await clock.advanceAsync(1);
  a.network.fate = (call) => (call.resource === configMaps ? { lost: 'answer' } : {});
  const hanging = a.write('hanging');
  await clock.advanceAsync(10);
  a.stop.abort();
  await clock.advanceAsync(10_000);
  await a.finished;
  expect([await hanging, holder()]).toEqual(['LeadershipLost', 'a']);
});

test('a renewal whose answer was lost neither costs the lease nor keeps it from being given up', async () => {
  const { clock, holder, log, start } = candidates();
  const a = start('a');
  await clock.advanceAsync(1);
  let renewals = 0;
  a.network.fate = (call) => (isRenewal(call) && ++renewals === 2 ? { error: undefined, answerMs: 0, lost: 'answer' } : {});
  // The lost one waits until what is left of the deadline is over; nothing may be left then.
  await clock.advanceAsync(13_000);
  expect(log).toEqual(['a leads', 'a stops', 'a lost']);

  const b = start('b');
  await clock.advanceAsync(20_000);
  renewals = 0;
  b.network.fate = (call) => (isRenewal(call) && ++renewals === 1 ? { lost: 'answer' } : {});
  await clock.advanceAsync(2_500);
  b.stop.abort();
  await clock.advanceAsync(100);
  await b.finished;
  expect([log.at(-1), holder()]).toEqual(['b stops', '']);
});
