// Requests whose whole answer the original was asked for: deletions and evictions with options of every sort, dry runs, and
// writes that it warns of. Each starts from the objects of `before`, and changes nothing that another case needs.
import { quotaBefore, quotaCases } from './quota-cases.ts';
import { warningCases } from './warning-cases.ts';
import type { WireAnswer, WireClient } from './wire.ts';

export interface RequestCase {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly type?: string;
  /** Parts of the object, where it is answered, that are recorded with it. */
  readonly shows?: readonly string[];
}

const namespace = '/api/v1/namespaces/requests';
const batch = '/apis/batch/v1/namespaces/requests';
const container = { name: 'c', image: 'i' };
const podOf = (name: string, more: object = {}) => ({
  metadata: { name, labels: { app: name } },
  spec: { containers: [container], nodeName: 'n9', ...more },
});
const job = (name: string) => ({
  metadata: { name },
  spec: { suspend: true, template: { spec: { containers: [container], restartPolicy: 'Never' } } },
});

/** An object that is there before; its status is written where one is given. */
export interface Before {
  readonly path: string;
  readonly object: { readonly metadata: { readonly name: string }; readonly spec?: unknown };
  readonly status?: object;
}

/** Made once, in this order. */
export const before: readonly Before[] = [
  { path: '/api/v1/namespaces', object: { metadata: { name: 'requests' } } },
  { path: `${namespace}/serviceaccounts`, object: { metadata: { name: 'default' } } },
  { path: `${namespace}/configmaps`, object: { metadata: { name: 'a' } } },
  { path: `${namespace}/pods`, object: podOf('running'), status: { phase: 'Running' } },
  {
    path: `${namespace}/pods`,
    object: podOf('guarded'),
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  },
  { path: `${namespace}/pods`, object: podOf('twice'), status: { phase: 'Running' } },
  { path: `${batch}/jobs`, object: job('j') },
  ...['one', 'two'].map((name) => ({
    path: '/apis/policy/v1/namespaces/requests/poddisruptionbudgets',
    object: { metadata: { name }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'twice' } } } },
  })),
  {
    path: '/apis/policy/v1/namespaces/requests/poddisruptionbudgets',
    object: { metadata: { name: 'guard' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'guarded' } } } },
    status: { observedGeneration: 1, disruptionsAllowed: 0, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
  },
  ...quotaBefore,
];

const options: readonly object[] = [
  { propagationPolicy: 'Foreground' },
  { propagationPolicy: 'Never' },
  { orphanDependents: true, propagationPolicy: 'Orphan' },
  { orphanDependents: false },
  { gracePeriodSeconds: -5 },
  { gracePeriodSeconds: 'x' },
  { dryRun: ['Some'] },
  { dryRun: ['All', 'All'] },
  { preconditions: { uid: 'x' } },
  { preconditions: { resourceVersion: '1' } },
  { unknownField: 1 },
  { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' },
  { kind: 'ConfigMap', apiVersion: 'v1' },
];

const deletions: readonly RequestCase[] = ['configmaps/a', 'pods/running'].flatMap((target) => [
  // Where there is a body, the query's options do not count.
  ...options.map((body) => ({
    name: '',
    method: 'DELETE',
    path: `${namespace}/${target}`,
    body: { dryRun: ['All'], ...body },
  })),
  ...[
    'propagationPolicy=Never',
    'propagationPolicy=Orphan&orphanDependents=true',
    'gracePeriodSeconds=x',
    'orphanDependents=maybe',
  ].map((query) => ({ name: '', method: 'DELETE', path: `${namespace}/${target}?dryRun=All&${query}` })),
  { name: '', method: 'DELETE', path: `${namespace}/${target}?dryRun=Some` },
]);

const eviction = (name: string, more: object = {}) => ({
  kind: 'Eviction',
  apiVersion: 'policy/v1',
  metadata: { name, namespace: 'requests' },
  ...more,
});
const evictions: readonly RequestCase[] = [
  { name: 'asked dry in the path', path: 'running/eviction?dryRun=All', body: eviction('running') },
  {
    name: 'asked dry in the body',
    path: 'running/eviction',
    body: eviction('running', { deleteOptions: { dryRun: ['All'] } }),
  },
  {
    name: 'asked dry twice',
    path: 'running/eviction?dryRun=All',
    body: eviction('running', { deleteOptions: { dryRun: ['All'] } }),
  },
  { name: 'of another name', path: 'running/eviction?dryRun=All', body: eviction('guarded') },
  { name: 'without a name', path: 'running/eviction?dryRun=All', body: { kind: 'Eviction', apiVersion: 'policy/v1' } },
  { name: 'of what is not there', path: 'none/eviction?dryRun=All', body: eviction('none') },
  { name: 'that a budget forbids', path: 'guarded/eviction?dryRun=All', body: eviction('guarded') },
  { name: 'that a budget forbids, for good', path: 'guarded/eviction', body: eviction('guarded') },
  { name: 'of two budgets', path: 'twice/eviction?dryRun=All', body: eviction('twice') },
  {
    name: 'of a wrong kind of dry run',
    path: 'running/eviction',
    body: eviction('running', { deleteOptions: { dryRun: ['Some'] } }),
  },
  {
    name: 'with a policy that is none',
    path: 'running/eviction?dryRun=All',
    body: eviction('running', { deleteOptions: { propagationPolicy: 'Never' } }),
  },
  {
    name: 'of another uid',
    path: 'running/eviction?dryRun=All',
    body: eviction('running', { deleteOptions: { preconditions: { uid: 'x' } } }),
  },
].map(({ name, path, body }) => ({ name: `an eviction ${name}`, method: 'POST', path: `${namespace}/pods/${path}`, body }));

const jobs: readonly RequestCase[] = [
  {},
  { propagationPolicy: 'Background' },
  { propagationPolicy: 'Orphan' },
  { orphanDependents: true },
  { gracePeriodSeconds: 0 },
].map((body) => ({ name: '', method: 'DELETE', path: `${batch}/jobs/j`, body: { dryRun: ['All'], ...body } }));

const cron = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: {
    schedule: '0 0 * * *',
    jobTemplate: { spec: { template: { spec: { containers: [container], restartPolicy: 'Never' } } } },
    ...spec,
  },
});
const crons: readonly RequestCase[] = [
  cron('x'.repeat(53)),
  cron('x'.repeat(52)),
  cron('a.b'),
  ...['Mars/Base', '', 'Local', 'UTC', 'Etc/UTC', 'Europe/Berlin', 'europe/berlin', '../etc/passwd', 'Europe/ Berlin'].map(
    (timeZone) => cron('c', { timeZone }),
  ),
  ...[
    '* * * * 7',
    '@midnite',
    '@midnight',
    '@every 5m',
    '@every x',
    '@every 1h30m10s',
    '* * * *',
    '* * * * * *',
    '60 * * * *',
    '* 24 * * *',
    '* * 0 * *',
    '* * 32 * *',
    '* * * 13 *',
    '* * * 0 *',
    '*/0 * * * *',
    '*/5 * * * *',
    '5-1 * * * *',
    '1-5/2 * * * *',
    '1/2/3 * * * *',
    'a * * * *',
    '* * * jan-mar mon',
    '* * * janu *',
    '? * ? * ?',
    '1,2,3 * * * *',
    '1,,2 * * * *',
    '-1 * * * *',
    '1-2-3 * * * *',
    '5/15 * * * *',
    'TZ=UTC 0 0 * * *',
    'CRON_TZ=UTC 0 0 * * *',
    '0 0 * * sun',
    '0 0 * * 0-6',
    '@yearly',
    '@reboot',
    '61-70 * * * *',
    '1-70 * * * *',
    '*/61 * * * *',
    '*-5 * * * *',
    '99999999999999999999 * * * *',
  ].map((schedule) => cron('c', { schedule })),
].map((body) => ({ name: '', method: 'POST', path: `${batch}/cronjobs?dryRun=All`, body }));

export const requestCases: readonly RequestCase[] = [
  ...deletions,
  ...evictions,
  ...jobs,
  ...crons,
  ...warningCases,
  ...quotaCases,
].map((each) => ({
  ...each,
  name: each.name || `${each.method} ${each.path} ${JSON.stringify(each.body ?? '')}`,
}));

/** The answer without what differs from run to run. */
export interface Recorded {
  readonly code: number;
  /** The message of a refusal; of what succeeded, the kind. */
  readonly says: string;
  readonly causes?: unknown;
  readonly warnings?: readonly string[];
  readonly shown?: readonly unknown[];
}

export async function makeBefore(client: WireClient): Promise<void> {
  for (const { path, object, status } of before) {
    const made = await client.call('POST', path, { body: object });
    if (made.code !== 201 && made.code !== 409) throw new Error(`${path}: ${JSON.stringify(made.body)}`);
    if (status === undefined) continue;
    const written = await client.call('PATCH', `${path}/${object.metadata.name}/status`, {
      body: { status },
      type: 'application/merge-patch+json',
    });
    if (written.code !== 200) throw new Error(`${path}: ${JSON.stringify(written.body)}`);
  }
}

export async function play(client: WireClient, { method, path, body, type, shows }: RequestCase): Promise<Recorded> {
  const answer = await client.call(method, path, {
    ...(body === undefined ? {} : { body }),
    ...(type === undefined ? {} : { type }),
  });
  const shown = answer.code < 300 ? (shows ?? []).map((part) => at(answer.body, part)) : [];
  return { ...summary(answer), ...(shown.length === 0 ? {} : { shown }) };
}

/** Names of token volumes are chosen by chance. */
function at(object: unknown, path: string): unknown {
  const value = path.split('.').reduce((each: unknown, key) => (each as Record<string, unknown> | undefined)?.[key], object);
  return JSON.parse(JSON.stringify(value ?? null).replace(/kube-api-access-[a-z0-9]{5}/g, 'kube-api-access-NAME'));
}

/** Go walks maps in any order: complaints in brackets about several resources count as a set. */
function inOrder(text: string): string {
  const list = /^(.* forbidden: )\[(.*)\]$/.exec(text);
  if (list === null) return text;
  const parts = (list[2] ?? '').split(/, (?=minimum |maximum |\S+ max limit )/);
  return `${list[1]}[${parts.sort().join(', ')}]`;
}

function summary({ code, body, warnings }: WireAnswer): Recorded {
  const refused = code >= 300;
  const text = String(refused ? (body?.message ?? body) : `${body?.kind} ${body?.status?.status ?? body?.status ?? ''}`.trim());
  const says = text
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'UID')
    .replace(/does not match the ResourceVersion in record \(\d+\)/, 'does not match the ResourceVersion in record (N)');
  const causes = refused ? body?.details?.causes : undefined;
  return {
    code,
    says: refused ? inOrder(says) : says.replace('[object Object]', '').trim(),
    ...(causes === undefined ? {} : { causes }),
    ...(warnings.length === 0 ? {} : { warnings: [...warnings].sort() }),
  };
}
