import type { CoreEvent } from '@drydock/api/generated/types.ts';
import { events, pods } from '@drydock/api/resource.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { EventRecorder, referenceTo } from './events.ts';
import { MemoryApi } from './testing/memory-api.ts';

function setUp() {
  const clock = new VirtualClock();
  const client = new MemoryApi({ clock, random: new SeededRandom(1) });
  const recorder = new EventRecorder({ client, clock, log: silentLog, component: 'kubelet', host: 'w1' });
  const about = (name: string) => referenceTo(pods, { metadata: { namespace: 'a', name, uid: `uid-${name}` } });
  const all = async () => (await client.list<CoreEvent>(events, { namespace: 'a' })).items;
  return { clock, client, recorder, about, all };
}

test('an event names its object, source and times; the same again is counted', async () => {
  const { clock, recorder, about, all } = setUp();
  recorder.record(about('p'), 'Warning', 'BackOff', 'Back-off restarting');
  await recorder.flushed();
  clock.advance(10_000);
  recorder.record(about('p'), 'Warning', 'BackOff', 'Back-off restarting');
  await recorder.flushed();
  const [event, ...rest] = await all();
  expect(rest).toEqual([]);
  expect(event).toMatchObject({
    involvedObject: { kind: 'Pod', name: 'p', uid: 'uid-p', apiVersion: 'v1' },
    source: { component: 'kubelet', host: 'w1' },
    count: 2,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:10Z',
  });
  expect(event?.metadata.name).toMatch(/^p\.[0-9a-f]{16}$/);
});

test('from the tenth different message on, similar events are combined', async () => {
  const { recorder, about, all } = setUp();
  for (let index = 0; index < 15; index++) recorder.record(about('p'), 'Normal', 'Pulled', `image ${index}`);
  await recorder.flushed();
  const combined = (await all()).filter(({ message }) => message?.startsWith('(combined from similar events): '));
  expect([(await all()).length, combined.length, combined[0]?.count]).toEqual([10, 1, 6]);
});

test('one object may cause 25 events, then one every five minutes', async () => {
  const { clock, recorder, about, all } = setUp();
  const total = async () => (await all()).reduce((sum, { count }) => sum + (count ?? 1), 0);
  for (let index = 0; index < 40; index++) recorder.record(about('p'), 'Normal', 'Same', 'same');
  recorder.record(about('q'), 'Normal', 'Same', 'same');
  await recorder.flushed();
  expect(await total()).toBe(26);
  clock.advance(300_000);
  recorder.record(about('p'), 'Normal', 'Same', 'same');
  recorder.record(about('p'), 'Normal', 'Same', 'same');
  await recorder.flushed();
  expect(await total()).toBe(27);
});

test('an event that has expired is made anew', async () => {
  const { client, recorder, about, all } = setUp();
  recorder.record(about('p'), 'Normal', 'Same', 'same');
  await recorder.flushed();
  await client.deleteCollection(events, { namespace: 'a' });
  recorder.record(about('p'), 'Normal', 'Same', 'same');
  await recorder.flushed();
  expect((await all()).map(({ count }) => count)).toEqual([1]);
});
