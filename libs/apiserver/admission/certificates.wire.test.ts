// Certificate requests: who may approve and sign, and what nobody may say of themselves. Every answer recorded from the original:
// UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew (the names used must be free there).
import { afterAll, expect, test, vi } from 'vitest';
import { originalFrom, Recording } from '../testing/original.ts';
import { type WireClient, WireServer } from '../testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';
const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const merge = { type: 'application/merge-patch+json' };
/** PKCS#10 of O=some:group, CN=someone. */
const ordinary =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIaU1JR0pBZ0VBTUNjeEV6QVJCZ05WQkFvTUNuTnZiV1U2WjNKdmRYQXhFRE' +
  'FPQmdOVkJBTU1CM052YldWdgpibVV3V1RBVEJnY3Foa2pPUFFJQkJnZ3Foa2pPUFFNQkJ3TkNBQVRjd3ZRUmk2RHEzZDJwdWFITkhzQzVzeEs2' +
  'ClRlMXFLQkpOYW5ZYkNScTJ3dFNSdmdaVHdrTUFIQWcxWmtMSmtLNDY3QzhTRkJKSW1rbUh4eVB6V0FkUW9BQXcKQ2dZSUtvWkl6ajBFQXdJRF' +
  'NBQXdSUUloQUpHNlJSZXdKZ3RKSzkzOXhxemZYOGJPK0s4WUdycGNTeTdMbnVvaQpnZlNnQWlBWUd1REQ3aFRBQzhqQk5pRmdFbm0wSGlrRFJM' +
  'U25EQXh0V3dzdkRSd2RoQT09Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=';
/** PKCS#10 of O=system:masters, CN=someone. */
const masters =
  'LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIbk1JR05BZ0VBTUNzeEZ6QVZCZ05WQkFvTURuTjVjM1JsYlRwdFlYTjBaWE' +
  'p6TVJBd0RnWURWUVFEREFkegpiMjFsYjI1bE1Ga3dFd1lIS29aSXpqMENBUVlJS29aSXpqMERBUWNEUWdBRVI5eGRVRmNPQ2xFRlRwUnRZVU45' +
  'CkJYNjJoWlAxelY4a09naVFTenhtUDQ4QU9RRDJ3VlhLTzhyTDk3ZXBXczFrNmdoSFcxeWtzMFg0VFNvQXprUDMKSzZBQU1Bb0dDQ3FHU000OU' +
  'JBTUNBMGtBTUVZQ0lRQ01OelFlZlBweDdJU0NWS00xM1lTR0ZnSEJYMzZ3UFBpNgpsVUxKOVBFdG1nSWhBTjlHb2JZeGYvblg5cHJEb1RVYksv' +
  'Rm9xNENHVXo0YU1CQW9QbzU2SUNNbQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K';
let server: WireServer | undefined;

afterAll(() => server?.stop());

const as = async (name: string, ...groups: string[]): Promise<WireClient> =>
  (await server?.as(name, ...groups)) ?? ((await original?.(name, ...groups)) as WireClient);

async function grant(admin: WireClient, name: string, signerVerbs: string[]): Promise<void> {
  const all = ['create', 'get', 'update', 'patch'];
  const resources = ['', '/approval', '/status'].map((sub) => `certificatesigningrequests${sub}`);
  const rules: object[] = [{ apiGroups: ['certificates.k8s.io'], resources, verbs: all }];
  if (signerVerbs.length > 0)
    rules.push({ apiGroups: ['certificates.k8s.io'], resources: ['signers'], resourceNames: ['a.b/*'], verbs: signerVerbs });
  await admin.call('POST', `${rbac}/clusterroles`, { body: { metadata: { name }, rules } });
  const body = {
    metadata: { name },
    roleRef: { apiGroup, kind: 'ClusterRole', name },
    subjects: [{ apiGroup, kind: 'User', name }],
  };
  await admin.call('POST', `${rbac}/clusterrolebindings`, { body });
}

const condition = (type: string) => ({ status: { conditions: [{ type, status: 'True', reason: 'R', message: 'm' }] } });

test('who approves, who signs, and who asks', async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  const admin = await as('admin', 'system:masters');
  await grant(admin, 'csr-writer', []);
  await grant(admin, 'csr-approver', ['approve']);
  await grant(admin, 'csr-signer', ['sign']);
  const [writer, approver, signer] = [await as('csr-writer'), await as('csr-approver'), await as('csr-signer')];
  for (const each of [writer, approver, signer])
    await vi.waitFor(async () => expect((await each.call('GET', `${requests}/none`)).code).toBe(404), 10_000);
  const recording = new Recording();
  const ask = (title: string, who: WireClient, method: string, path: string, body: object) =>
    recording.ask(title, who, method, `${requests}${path}`, { body, ...(method === 'PATCH' ? merge : {}) });
  const spec = { request: ordinary, signerName: 'a.b/c', usages: ['digital signature', 'client auth'] };
  const spoofed = { ...spec, username: 'system:admin', uid: 'u', groups: ['system:masters'], extra: { a: ['b'] } };
  const made = await ask('as somebody else', writer, 'POST', '', { metadata: { name: 'csr-a' }, spec: spoofed });
  expect(made.body.spec).toMatchObject({ username: 'csr-writer' });
  expect(made.body.spec.groups).not.toContain('system:masters');
  expect([made.body.spec.uid, made.body.spec.extra?.a]).toEqual([undefined, undefined]);
  await ask('approved without a right to the signer', writer, 'PATCH', '/csr-a/approval', condition('Approved'));
  await ask('denied without a right to the signer', writer, 'PATCH', '/csr-a/approval', condition('Denied'));
  await ask('approved by who may only sign', signer, 'PATCH', '/csr-a/approval', condition('Approved'));
  await ask('a condition through the main resource', writer, 'PATCH', '/csr-a', condition('Approved'));
  const through = await ask('the specification through the main resource', writer, 'PATCH', '/csr-a', {
    spec: { ...spoofed, signerName: 'd.e/f' },
  });
  expect([through.body.spec.signerName, through.body.spec.username, through.body.status]).toEqual(['a.b/c', 'csr-writer', {}]);
  await ask('approved through the status', approver, 'PATCH', '/csr-a/status', condition('Approved'));
  const approved = await ask('approved', approver, 'PATCH', '/csr-a/approval', {
    ...condition('Approved'),
    spec: { signerName: 'd.e/f' },
  });
  expect([approved.body.spec.signerName, approved.body.status.conditions[0].type]).toEqual(['a.b/c', 'Approved']);
  await ask('and denied', approver, 'PATCH', '/csr-a/approval', {
    status: { conditions: [...condition('Approved').status.conditions, ...condition('Denied').status.conditions] },
  });
  await ask('no more approved', approver, 'PATCH', '/csr-a/approval', { status: { conditions: [] } });
  const certificate = Buffer.from('no certificate').toString('base64');
  await ask('signed by who may only approve', approver, 'PATCH', '/csr-a/status', { status: { certificate } });
  await ask('failed by who may only approve', approver, 'PATCH', '/csr-a/status', condition('Failed'));
  await ask('signed with what is none', signer, 'PATCH', '/csr-a/status', { status: { certificate } });
  const client = { ...spec, signerName: 'kubernetes.io/kube-apiserver-client' };
  await ask('a client of the cluster', writer, 'POST', '?dryRun=All', { metadata: { name: 'csr-b' }, spec: client });
  await ask('a master of the cluster', writer, 'POST', '?dryRun=All', {
    metadata: { name: 'csr-b' },
    spec: { ...client, request: masters },
  });
  await ask('a master of something else', writer, 'POST', '?dryRun=All', {
    metadata: { name: 'csr-b' },
    spec: { ...spec, request: masters },
  });
  recording.check(new URL('../testdata/certificates.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);
