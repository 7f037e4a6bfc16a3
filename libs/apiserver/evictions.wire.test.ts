// Evictions within and beyond disruption budgets: what is answered, what becomes of the pod, and what the budget says then. Recorded
// from the original: UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew, on one that runs without its controllers
// (the namespace used must be free there).
import { afterAll, beforeAll, expect, test } from 'vitest';
import { originalFrom, Recording } from './testing/original.ts';
import { type WireClient, WireServer } from './testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const merge = { type: 'application/merge-patch+json' };
const namespace = 'evictions';
const core = `/api/v1/namespaces/${namespace}`;
const budgets = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`;
let server: WireServer | undefined;
let user: WireClient;

beforeAll(async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  user = (await server?.operator()) ?? ((await original?.('admin')) as WireClient);
  await user.call('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
  await user.call('POST', `${core}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
}, 60_000);

afterAll(() => server?.stop());

interface Scene {
  readonly title: string;
  /** Of the pod; running and ready unless said otherwise. */
  readonly status?: object;
  /** Left out: there is no budget. */
  readonly budget?: { readonly spec?: object; readonly status?: object };
  readonly options?: object;
  readonly going?: boolean;
}

const since = '2026-01-02T03:04:05Z';
const ready = (status: string) => [{ type: 'Ready', status, lastTransitionTime: since }];
const allowed = {
  type: 'DisruptionAllowed',
  status: 'True',
  reason: 'SufficientPods',
  message: '',
  observedGeneration: 1,
  lastTransitionTime: since,
};
const counts = (disruptionsAllowed: number, currentHealthy: number, desiredHealthy: number, more: object = {}) => ({
  observedGeneration: 1,
  disruptionsAllowed,
  currentHealthy,
  desiredHealthy,
  expectedPods: 3,
  conditions: [allowed],
  ...more,
});
const unready = { phase: 'Running', conditions: ready('False') };
const always = { unhealthyPodEvictionPolicy: 'AlwaysAllow' };
const many = Object.fromEntries(Array.from({ length: 2001 }, (_, i) => [`p${i}`, since]));

const scenes: readonly Scene[] = [
  { title: 'no budget' },
  { title: 'no budget, without a grace period', options: { gracePeriodSeconds: 0 } },
  { title: 'one more', budget: { status: counts(1, 3, 2) } },
  { title: 'two more', budget: { status: counts(2, 3, 1) } },
  { title: 'two more, one under way', budget: { status: counts(2, 3, 1, { disruptedPods: { other: since } }) } },
  { title: 'no more', budget: { status: counts(0, 2, 2) } },
  { title: 'no more, for good', budget: { status: counts(0, 2, 3) } },
  { title: 'not looked at yet', budget: {} },
  { title: 'too many under way', budget: { status: counts(5, 9, 4, { disruptedPods: many }) } },
  { title: 'unready, no more', status: unready, budget: { status: counts(0, 1, 2) } },
  { title: 'unready, enough others', status: unready, budget: { status: counts(0, 2, 2) } },
  { title: 'unready, none needed', status: unready, budget: { status: counts(0, 0, 0) } },
  { title: 'unready, always', status: unready, budget: { spec: always, status: counts(0, 1, 2) } },
  { title: 'unready, not looked at yet', status: unready, budget: { spec: always } },
  { title: 'pending', status: { phase: 'Pending' }, budget: { status: counts(0, 1, 2) } },
  { title: 'succeeded', status: { phase: 'Succeeded' }, budget: { status: counts(0, 1, 2) } },
  { title: 'failed', status: { phase: 'Failed' }, budget: { status: counts(0, 1, 2) } },
  { title: 'going already', going: true, budget: { status: counts(0, 1, 2) } },
  { title: 'of another uid', options: { preconditions: { uid: 'x' } }, budget: { status: counts(1, 3, 2) } },
  { title: 'of another version', options: { preconditions: { resourceVersion: '1' } }, budget: { status: counts(1, 3, 2) } },
  { title: 'dry', options: { dryRun: ['All'] }, budget: { status: counts(1, 3, 2) } },
];

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
}

const said = ({ type, status, reason, message, observedGeneration, lastTransitionTime }: Condition): string =>
  `${type}=${status} ${reason} "${message}" of ${observedGeneration}${lastTransitionTime === since ? '' : ', changed'}`;

test('evictions', async () => {
  const recording = new Recording();
  const patch = async (path: string, body: object): Promise<void> => {
    const answer = await user.call('PATCH', path, { body, ...merge });
    expect([answer.code, answer.body.message]).toEqual([200, undefined]);
  };
  for (const { title, status = { phase: 'Running', conditions: ready('True') }, budget, options, going } of scenes) {
    const spec = { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] };
    const made = await user.call('POST', `${core}/pods`, { body: { metadata: { name: 'p', labels: { a: 'b' } }, spec } });
    expect(made.code).toBe(201);
    recording.hide(made.body.metadata.uid, 'UID');
    await patch(`${core}/pods/p/status`, { status });
    if (budget !== undefined) {
      const own = { minAvailable: 1, selector: { matchLabels: { a: 'b' } }, ...budget.spec };
      expect((await user.call('POST', budgets, { body: { metadata: { name: 'guard' }, spec: own } })).code).toBe(201);
      if (budget.status !== undefined) await patch(`${budgets}/guard/status`, { status: budget.status });
    }
    if (going) await user.call('DELETE', `${core}/pods/p`);
    const current = await user.call('GET', `${core}/pods/p`);
    recording.hide(`in record (${current.body.metadata.resourceVersion})`, 'in record (VERSION)');
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' }, deleteOptions: options };
    const answer = await recording.ask(title, user, 'POST', `${core}/pods/p/eviction`, { body });
    recording.note(JSON.stringify(answer.body.details ?? null).replaceAll(made.body.metadata.uid, 'UID'));
    const after = await user.call('GET', `${core}/pods/p`);
    const { deletionTimestamp, deletionGracePeriodSeconds } = after.body.metadata;
    const target = (after.body.status?.conditions ?? []).find(({ type }: { type: string }) => type === 'DisruptionTarget');
    const fate =
      after.code === 404 ? 'gone' : deletionTimestamp === undefined ? 'there' : `going in ${deletionGracePeriodSeconds}`;
    recording.note(`pod: ${fate} ${target === undefined ? '' : said(target)}`);
    if (budget !== undefined) {
      const { disruptionsAllowed, disruptedPods = {}, conditions } = (await user.call('GET', `${budgets}/guard`)).body.status;
      const names = Object.keys(disruptedPods);
      recording.note(
        `budget: ${disruptionsAllowed} ${names.length > 9 ? names.length : names.sort()} ${conditions?.map(said)}`,
      );
    }
    await user.call('DELETE', `${core}/pods/p?gracePeriodSeconds=0`);
    await user.call('DELETE', `${budgets}/guard`);
  }
  recording.check(new URL('./testdata/evictions.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);
