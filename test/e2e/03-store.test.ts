// Acceptance 3: the store loses its leader, then its majority.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { e2eSkipReason, kubectl, kubectlJson, lab, startElected, tryCommand, until } from './lab.ts';

const namespace = 'e2e-store';
/** How long an ongoing stream of writes may stand still when the leader is killed. */
const gapMaxMs = 3_000;

async function leader(): Promise<string> {
  const text = await tryCommand('etcdctl', 'endpoint', 'status', '--cluster', '-w', 'json');
  const rows = JSON.parse(text.slice(text.indexOf('['))) as {
    Endpoint: string;
    Status: { header: { member_id: number }; leader: number };
  }[];
  const members = JSON.parse(await tryCommand('etcdctl', 'member', 'list', '-w', 'json')) as {
    members: { ID: number; name: string }[];
  };
  const id = rows[0]?.Status.leader;
  const name = members.members.find((member) => member.ID === id)?.name;
  if (name === undefined) throw new Error(`no leader in ${text}`);
  return name;
}

describe.skipIf(e2eSkipReason !== undefined)(`store (${e2eSkipReason ?? 'as root'})`, () => {
  beforeAll(() => kubectl('create', 'namespace', namespace));
  afterAll(async () => {
    for (const name of ['etcd-1', 'etcd-2', 'etcd-3']) await lab('start', name);
    await startElected();
    await until('writes work again', async () => (await kubectl('get', '--raw', '/readyz')) === 'ok');
    await kubectl('delete', 'namespace', namespace);
  });

  test('writes go on within 3 s after the leader is killed, and nothing acknowledged is lost', async () => {
    const acknowledged: string[] = [];
    let longestMs = 0;
    let lastMs = performance.now();
    let writing = true;
    const writer = (async () => {
      for (let i = 0; writing; i++) {
        const output = await tryCommand('kubectl', '-n', namespace, 'create', 'configmap', `w${i}`, '--request-timeout=5s');
        if (output.includes('created')) {
          acknowledged.push(`w${i}`);
          longestMs = Math.max(longestMs, performance.now() - lastMs);
          lastMs = performance.now();
        }
      }
    })();
    await until('some writes are through', async () => acknowledged.length >= 5);
    const victim = await leader();
    longestMs = 0;
    await lab('kill', victim);
    const before = acknowledged.length;
    await until('writes go on', async () => acknowledged.length >= before + 10);
    writing = false;
    await writer;
    await lab('start', victim);
    const { items } = await kubectlJson<{ items: { metadata: { name: string } }[] }>('-n', namespace, 'get', 'configmaps');
    const present = new Set(items.map((item) => item.metadata.name));
    expect(acknowledged.filter((name) => !present.has(name))).toEqual([]);
    expect(longestMs).toBeLessThan(gapMaxMs);
  });

  test('without a majority nothing is written and /readyz fails; one member more and both are back', async () => {
    await until('all members are healthy', async () => {
      const text = await tryCommand('etcdctl', 'endpoint', 'health', '--cluster');
      return (text.match(/is healthy/g) ?? []).length === 3 || text;
    });
    await lab('kill', 'etcd-1');
    await lab('kill', 'etcd-2');
    await until(
      '/readyz fails',
      async () => {
        const text = await tryCommand('kubectl', 'get', '--raw', '/readyz', '--request-timeout=5s');
        return text.includes('[-]etcd failed') || text;
      },
      30_000,
    );
    const write = await tryCommand('kubectl', '-n', namespace, 'create', 'configmap', 'never', '--request-timeout=3s');
    expect(write).not.toContain('created');
    await lab('start', 'etcd-1');
    await until('/readyz is ok', async () => (await kubectl('get', '--raw', '/readyz')) === 'ok', 30_000);
    await kubectl('-n', namespace, 'create', 'configmap', 'again');
    await sleep(0);
  });
});
