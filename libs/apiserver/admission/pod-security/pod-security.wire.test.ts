// PodSecurity (https://kubernetes.io/docs/concepts/security/pod-security-admission/): every answer recorded from the original.
// UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew (the names used must be free there).
import { readFileSync, writeFileSync } from 'node:fs';
import type { ObjectMeta, PodSpec } from '@drydock/api/generated/types.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { originalFrom } from '../../testing/original.ts';
import { podOf, podSecurityCases } from '../../testing/pod-security-cases.ts';
import { answerAt, parseRecord, type Recorded, renderRecord } from '../../testing/pod-security-record.ts';
import { type WireAnswer, type WireClient, WireServer } from '../../testing/wire.ts';
import { describeViolations, evaluate } from './evaluate.ts';
import type { Level } from './levels.ts';

const prefix = 'pod-security.kubernetes.io/';
const file = new URL('../../testdata/pod-security.txt', import.meta.url);
const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const update = process.env.UPDATE === '1';
const recorded: Recorded = update ? new Map() : parseRecord(readFileSync(file, 'utf8'));
const answers = new Map<string, Map<string, string>>();
/** Those at which some check changes, those before them, and the newest. */
const minors = [7, 8, 18, 19, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35];
const versions = [...minors.map((minor) => `v1.${minor}`), 'latest'];
const levels: readonly Level[] = ['baseline', 'restricted'];
const strategic = { type: 'application/strategic-merge-patch+json' };
const merge = { type: 'application/merge-patch+json' };
let server: WireServer | undefined;
let admin: WireClient;

beforeAll(async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  admin = (await server?.as('admin', 'system:masters')) ?? ((await original?.('admin', 'system:masters')) as WireClient);
});
afterAll(async () => {
  await server?.stop();
  if (update) writeFileSync(file, renderRecord(answers));
});

function labelled(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [prefix + name, value]));
}

async function makeNamespace(name: string, labels: Readonly<Record<string, string>>): Promise<WireAnswer> {
  const answer = await admin.call('POST', '/api/v1/namespaces', { body: { metadata: { name, labels: labelled(labels) } } });
  await admin.call('POST', `/api/v1/namespaces/${name}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  return answer;
}

function shown({ code, body, warnings }: WireAnswer): string {
  return [code, ...(code < 400 ? [] : [body.message]), ...warnings.map((warning) => `[${warning}]`)].join(' ');
}

function check(title: string, version: string, answer: string): void {
  const byVersion = answers.get(title) ?? new Map<string, string>();
  answers.set(title, byVersion.set(version, answer));
  if (!update) expect(answer, `${title}, ${version}`).toBe(answerAt(recorded, title, version, versions));
}

async function askOfPods(level: Level, version: string): Promise<void> {
  const namespace = `ps-${level}-${version.replace('.', '-')}`;
  await makeNamespace(namespace, { enforce: level, 'enforce-version': version });
  for (const [name, parts] of Object.entries(podSecurityCases)) {
    const answer = await admin.call('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, { body: podOf(parts) });
    check(`${level}: ${name}`, version, shown(answer).replace(`${level}:${version}`, level));
  }
}

if (update) {
  test('the original is asked about every version', { timeout: 600_000 }, async () => {
    for (const level of levels) for (const version of versions) await askOfPods(level, version);
  });
}

test.each(levels)('%s: pods are let in and refused', async (level) => {
  await askOfPods(level, 'latest');
});

const past = update ? [] : minors;
test.each(past)('what was forbidden in version 1.%i', (minor) => {
  for (const level of levels) {
    for (const [name, parts] of Object.entries(podSecurityCases)) {
      const expected = answerAt(recorded, `${level}: ${name}`, `v1.${minor}`, versions) ?? '';
      // Annotations of AppArmor become fields, and some pods are invalid, before they come to this check.
      if (expected.startsWith('422') || 'annotations' in parts) continue;
      const { spec, metadata } = podOf(parts) as { spec: PodSpec; metadata: ObjectMeta };
      const found = describeViolations(evaluate({ level, version: minor }, spec, metadata));
      const refusal = `403 pods "p" is forbidden: violates PodSecurity "${level}": ${found}`;
      expect(found === '' ? '201' : refusal, `${level}: ${name}`).toBe(expected);
    }
  }
});

const bare = { containers: [{ name: 'c', image: 'i' }] };
const template = { metadata: { labels: { app: 'a' } }, spec: bare };
const selector = { matchLabels: { app: 'a' } };
const job = { template: { ...template, spec: { ...bare, restartPolicy: 'Never' } } };

/** Everything that makes pods, bare ones. */
const makers: readonly (readonly [path: string, kind: string, spec: object])[] = [
  ['/api/v1', 'replicationcontrollers', { selector: selector.matchLabels, template }],
  ['/apis/apps/v1', 'deployments', { selector, template }],
  ['/apis/apps/v1', 'replicasets', { selector, template }],
  ['/apis/apps/v1', 'daemonsets', { selector, template }],
  ['/apis/apps/v1', 'statefulsets', { selector, template, serviceName: 's' }],
  ['/apis/batch/v1', 'jobs', job],
  ['/apis/batch/v1', 'cronjobs', { schedule: '0 0 * * *', jobTemplate: { spec: job } }],
];

test.each<[string, Record<string, string>]>([
  ['warned-of', { warn: 'restricted' }],
  ['warned-of-old', { warn: 'restricted', 'warn-version': 'v1.7' }],
  ['enforced', { enforce: 'baseline' }],
  ['both', { enforce: 'baseline', warn: 'restricted' }],
  ['both-the-same', { enforce: 'restricted', warn: 'restricted' }],
  ['audited', { audit: 'restricted' }],
])('makers of pods, and pods, in a namespace that is %s', async (name, labels) => {
  const namespace = `ps-${name}`;
  await makeNamespace(namespace, labels);
  for (const [path, kind, spec] of makers) {
    const body = { metadata: { name: 'm' }, spec };
    const made = await admin.call('POST', `${path}/namespaces/${namespace}/${kind}`, { body });
    check(`${name}: a new one of ${kind}`, 'latest', shown(made));
    const scaled = { metadata: { annotations: { a: 'b' } } };
    const changed = await admin.call('PATCH', `${path}/namespaces/${namespace}/${kind}/m`, { body: scaled, ...merge });
    check(`${name}: a change of ${kind}`, 'latest', shown(changed));
  }
  const template2 = { metadata: { name: 'm' }, template };
  const path = `/api/v1/namespaces/${namespace}`;
  check(`${name}: a template`, 'latest', shown(await admin.call('POST', `${path}/podtemplates`, { body: template2 })));
  const pod = { metadata: { name: 'm' }, spec: bare };
  check(`${name}: a pod`, 'latest', shown(await admin.call('POST', `${path}/pods`, { body: pod })));
  const worse = { metadata: { name: 'n' }, spec: { ...bare, hostNetwork: true } };
  check(`${name}: a pod on the host's network`, 'latest', shown(await admin.call('POST', `${path}/pods`, { body: worse })));
});

test('what was let in before is looked at again where that matters', async () => {
  const path = '/api/v1/namespaces/ps-later';
  await makeNamespace('ps-later', {});
  await admin.call('POST', `${path}/pods`, { body: { metadata: { name: 'p' }, spec: bare } });
  await admin.call('PATCH', path, { body: { metadata: { labels: labelled({ enforce: 'restricted' }) } }, ...merge });
  const ask = async (title: string, method: string, target: string, body: object, more: object = merge) =>
    check(`later: ${title}`, 'latest', shown(await admin.call(method, `${path}/pods/p${target}`, { body, ...more })));
  await ask('a label', 'PATCH', '', { metadata: { labels: { a: 'b' } } });
  await ask('its end of life', 'PATCH', '', { spec: { activeDeadlineSeconds: 100 } });
  await ask('another image', 'PATCH', '', { spec: { containers: [{ name: 'c', image: 'j' }] } }, strategic);
  await ask('its status', 'PATCH', '/status', { status: { phase: 'Running' } });
  const debug = { spec: { ephemeralContainers: [{ name: 'd', image: 'i' }] } };
  await ask('an ephemeral container', 'PATCH', '/ephemeralcontainers', debug);
  const binding = { metadata: { name: 'p' }, target: { kind: 'Node', name: 'n' } };
  await ask('a binding', 'POST', '/binding', binding, {});
});

test('labels of namespaces', async () => {
  const ask = async (title: string, answer: Promise<WireAnswer>) => check(`labels: ${title}`, 'latest', shown(await answer));
  await ask('an unknown level', makeNamespace('ps-none', { enforce: 'strict' }));
  await ask(
    'nothing that can be read',
    makeNamespace('ps-none', {
      enforce: '',
      'enforce-version': 'v2.0',
      audit: 'x',
      'audit-version': '1.25',
      warn: 'y',
      'warn-version': 'v1.025',
    }),
  );
  await ask('a version to come', makeNamespace('ps-future', { enforce: 'restricted', 'enforce-version': 'v1.99' }));
  const path = '/api/v1/namespaces/ps-relabelled';
  await makeNamespace('ps-relabelled', {});
  const pods: readonly [string, object][] = [
    ['bare-1', bare],
    ['bare-2', bare],
    ['host-1', { ...bare, hostNetwork: true }],
    ['bare-3', bare],
  ];
  for (const [name, spec] of pods) await admin.call('POST', `${path}/pods`, { body: { metadata: { name }, spec } });
  const relabel = (title: string, labels: Record<string, string>, query = '') =>
    ask(title, admin.call('PATCH', `${path}${query}`, { body: { metadata: { labels: labelled(labels) } }, ...merge }));
  await relabel('restricted, dry', { enforce: 'restricted' }, '?dryRun=All');
  await relabel('only warned of', { warn: 'restricted' });
  await relabel('baseline', { enforce: 'baseline' });
  await relabel('an older version', { 'enforce-version': 'v1.7' });
  await relabel('restricted of that version', { enforce: 'restricted' });
  await relabel('the same once more', { enforce: 'restricted' });
  await relabel('less', { enforce: 'baseline' });
  await relabel('privileged', { enforce: 'privileged' });
  await relabel('no level', { enforce: 'no' });
  await relabel('another label', { audit: 'baseline' });
});
