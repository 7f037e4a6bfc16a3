// Autoscalers in both versions: what is filled in, refused, kept, converted and shown. Every answer recorded from the original:
// UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew (the namespace used must be free there).
import { afterAll, beforeAll, expect, test } from 'vitest';
import { autoscaler, creates, everyMetric, olderCreates, statuses, updates } from './testing/autoscaling-cases.ts';
import { kept } from './testing/kept.ts';
import { originalFrom, Recording } from './testing/original.ts';
import { changed } from './testing/storage-kind.ts';
import { type WireAnswer, type WireClient, WireServer } from './testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const merge = { type: 'application/merge-patch+json' };
const table = { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } };
const namespace = 'autoscaling-api';
const newer = `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`;
const older = `/apis/autoscaling/v1/namespaces/${namespace}/horizontalpodautoscalers`;
let server: WireServer | undefined;
let user: WireClient;

beforeAll(async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  user = (await server?.operator()) ?? ((await original?.('admin')) as WireClient);
  await user.call('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
}, 60_000);

afterAll(() => server?.stop());

const annotated = (answer: WireAnswer): string => kept(answer.body, ['annotations']);
const check = (recording: Recording, name: string): void =>
  recording.check(new URL(`./testdata/autoscaling/${name}.txt`, import.meta.url), process.env.UPDATE === '1');

/** Creates each; what was taken is read in the other version as well, and put back there, and goes. */
async function create(cases: typeof creates, path: string, other: string): Promise<Recording> {
  const recording = new Recording();
  for (const [what, change] of cases) {
    const made = await recording.ask(what, user, 'POST', path, { body: changed(autoscaler, change) });
    if (made.code !== 201) continue;
    recording.note(annotated(made));
    const { name } = made.body.metadata;
    const read = await user.call('GET', `${other}/${name}`);
    recording.note(`other version: ${annotated(read)}`);
    const back = await user.call('PUT', `${other}/${name}?dryRun=All`, { body: read.body });
    recording.note(
      back.code === 200 && annotated(back) === annotated(read) ? 'the same again' : `${back.code} ${back.body.message}`,
    );
    await user.call('DELETE', `${path}/${name}`);
  }
  return recording;
}

test('created', async () => check(await create(creates, newer, older), 'created'), 60_000);
test('created as autoscaling/v1', async () => check(await create(olderCreates, older, newer), 'created-older'), 60_000);

const full = {
  metadata: { name: 'full' },
  spec: {
    ...autoscaler.spec,
    metrics: everyMetric,
    behavior: { scaleUp: { tolerance: '50m' }, scaleDown: { stabilizationWindowSeconds: 5 } },
  },
};

test('updated, and the status', async () => {
  const recording = new Recording();
  expect((await user.call('POST', newer, { body: full })).code).toBe(201);
  const current = async (path: string) => (await user.call('GET', `${path}/full`)).body;
  const note = (answer: WireAnswer): void => {
    if (answer.code === 200) recording.note(annotated(answer));
  };
  for (const path of [newer, older]) {
    for (const [what, change] of updates) {
      const body = changed(await current(path), change);
      note(await recording.ask(`update, ${what}`, user, 'PUT', `${path}/full?dryRun=All`, { body }));
    }
  }
  const spec = { maxReplicas: 1 };
  for (const [what, status] of statuses)
    note(
      await recording.ask(`status, ${what}`, user, 'PUT', `${newer}/full/status?dryRun=All`, {
        body: { ...(await current(newer)), spec, status },
      }),
    );
  const old = { currentReplicas: 4, desiredReplicas: 5, currentCPUUtilizationPercentage: 77 };
  const body = { ...(await current(older)), status: old };
  note(await recording.ask('status, older', user, 'PUT', `${older}/full/status?dryRun=All`, { body }));
  check(recording, 'updated');
}, 60_000);

test('rows', async () => {
  const recording = new Recording();
  const row = async (what: string, paths: readonly string[]): Promise<void> => {
    for (const path of paths) {
      const answer = await user.call('GET', `${path}/row`, table);
      const columns = (answer.body.columnDefinitions as { name: string }[]).map(({ name }) => name);
      const cells = (answer.body.rows[0].cells as unknown[]).map((cell, index) => (columns[index] === 'Age' ? 'AGE' : cell));
      recording.note(`${what}: ${columns.join('|')}: ${JSON.stringify(cells)}`);
    }
  };
  const pick = (metrics: unknown): object => ({ metadata: { name: 'row' }, spec: { ...autoscaler.spec, metrics } });
  const of = (kind: string) => everyMetric.filter(({ type }) => type === kind);
  const all = statuses.find(([title]) => title === 'all metrics')?.[1] as { currentMetrics: { type: string }[] };
  const shown = async (title: string, kinds: readonly string[], seen: readonly string[] = kinds) => {
    const made = await recording.ask(title, user, 'POST', newer, { body: pick(kinds.flatMap(of)) });
    expect(made.code).toBe(201);
    // The older version says the metrics in another order.
    const paths = kinds.length === 1 ? [newer, older] : [newer];
    await row('new', paths);
    const currentMetrics = seen.flatMap((kind) => all.currentMetrics.filter(({ type }) => type === kind));
    const status = { currentReplicas: 2, desiredReplicas: 3, currentMetrics };
    expect((await user.call('PATCH', `${newer}/row/status`, { body: { status }, ...merge })).code).toBe(200);
    await row('seen', paths);
    await user.call('DELETE', `${newer}/row`);
  };
  const kinds = everyMetric.map(({ type }) => type as string);
  for (const kind of kinds) await shown(kind, [kind]);
  await shown('two', kinds.slice(0, 2));
  await shown('all', kinds);
  await shown('another seen', ['Pods'], ['Resource']);
  check(recording, 'rows');
}, 60_000);
