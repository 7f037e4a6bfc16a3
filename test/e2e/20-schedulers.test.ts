// Several schedulers side by side: ours once more under another name, and one that a user writes in thirty lines.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChildProcess, spawn } from '@drydock/foundation/child-process.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { e2eSkipReason, echoImage, kubectl, kubectlJson, labEnvironment, repository, until } from './lab.ts';

const namespace = 'e2e-schedulers';
const folder = mkdtempSync(join(tmpdir(), 'drydock-schedulers-'));
const config = join(folder, 'second.yaml');
writeFileSync(
  config,
  `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
profiles:
- schedulerName: second-scheduler
`,
);
const started: ChildProcess[] = [];

interface Event {
  readonly reason: string;
  readonly source: { readonly component?: string };
  readonly reportingComponent?: string;
  readonly message: string;
}

/** A pod that asks for that scheduler; nothing of the lab looks at it. */
async function ask(name: string, schedulerName: string): Promise<void> {
  const overrides = JSON.stringify({ spec: { schedulerName, terminationGracePeriodSeconds: 0 } });
  await kubectl('-n', namespace, 'run', name, `--image=${echoImage}`, `--overrides=${overrides}`);
}

/** Who says that it has placed the pod, by `kubectl get events`. */
async function placedBy(name: string): Promise<string[]> {
  const { items } = await kubectlJson<{ items: Event[] }>(
    ...['-n', namespace, 'get', 'events', '--field-selector', `involvedObject.name=${name},reason=Scheduled`],
  );
  return items.map((event) => event.source.component ?? event.reportingComponent ?? '');
}

describe.skipIf(e2eSkipReason !== undefined)(`schedulers (${e2eSkipReason ?? 'as root'})`, () => {
  beforeAll(async () => {
    await kubectl('create', 'namespace', namespace);
    await until('pods may be made', async () => (await kubectl('-n', namespace, 'get', 'serviceaccount', 'default')) !== '');
  });
  afterAll(async () => {
    for (const child of started) child.kill('SIGTERM');
    rmSync(folder, { recursive: true });
    await kubectl('delete', 'namespace', namespace, '--wait=false');
  });

  test.each([
    ['second-scheduler', './drydock', ['run', 'kube-scheduler', `--config=${config}`, '--secure-port=0']],
    ['my-scheduler', 'node_modules/.bin/node', ['deploy/samples/my-scheduler.ts']],
  ])('%s places the pods that ask for it, and says so', async (scheduler, program, args) => {
    await ask(scheduler, scheduler);
    expect(await kubectl('-n', namespace, 'get', 'pod', scheduler, '-o', 'jsonpath={.spec.nodeName}')).toBe('');
    const env = await labEnvironment();
    const own = scheduler === 'second-scheduler' ? [`--kubeconfig=${env.KUBECONFIG}`] : [];
    started.push(spawn(program, [...args, ...own], { cwd: repository, env, stdio: 'ignore' }));
    await kubectl('-n', namespace, 'wait', '--for=condition=Ready', `pod/${scheduler}`, '--timeout=60s');
    await until('the event is there', async () => (await placedBy(scheduler)).length > 0);
    expect(await placedBy(scheduler)).toEqual([scheduler]);
  });
});
