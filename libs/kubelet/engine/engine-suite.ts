// What every engine promises the kubelet, as tests: run against the hollow engine and against a real containerd.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { annotations, type ContainerConfig, type ContainerEngine, EngineError, labels, type SandboxConfig } from './engine.ts';

/** A call to a real engine, on a machine that is busy. */
const callsMs = 60_000;

export interface SuiteSubject {
  readonly engine: ContainerEngine;
  /** An image that is there, and a command that runs until it is told to end. */
  readonly image: string;
  readonly command: readonly string[];
  readonly logDirectory: string;
  readonly cleanUp: () => Promise<void>;
}

export function sandboxOf(uid: string, attempt: number, logDirectory: string): SandboxConfig {
  return {
    metadata: { name: 'suite', namespace: 'default', uid, attempt },
    hostname: 'suite',
    log_directory: logDirectory,
    dns_config: { servers: [], searches: [], options: [] },
    port_mappings: [],
    labels: { [labels.podUid]: uid, [labels.podName]: 'suite', [labels.podNamespace]: 'default' },
    annotations: { own: 'yes' },
    linux: {
      resources: { cpu_period: 100_000, cpu_quota: 0, cpu_shares: 2, memory_limit_in_bytes: 0 },
      cgroup_parent: '',
      sysctls: {},
      security_context: {
        namespace_options: { network: 'POD', pid: 'CONTAINER', ipc: 'POD' },
        supplemental_groups: [],
        privileged: false,
        seccomp: { profile_type: 'Unconfined' },
      },
    },
  };
}

function containerOf({ image, command }: SuiteSubject, uid: string): ContainerConfig {
  return {
    metadata: { name: 'main', attempt: 0 },
    image: { image },
    command,
    args: [],
    working_dir: '',
    envs: [],
    mounts: [],
    labels: { [labels.podUid]: uid, [labels.containerName]: 'main' },
    annotations: { [annotations.hash]: 'abc' },
    log_path: 'main.log',
    stdin: false,
    stdin_once: false,
    tty: false,
    linux: {
      resources: { cpu_period: 0, cpu_quota: 0, cpu_shares: 2, memory_limit_in_bytes: 0, oom_score_adj: 1000 },
      security_context: {},
    },
  };
}

/** `make` is called once; `skip`: why the engine cannot be had here. */
export function engineSuite(name: string, make: () => Promise<SuiteSubject>, skip?: string): void {
  const title = skip === undefined ? name : `${name} (skipped: ${skip})`;
  describe.skipIf(skip !== undefined)(title, () => {
    let made: SuiteSubject | undefined;
    beforeAll(async () => {
      made = await make();
    }, callsMs);
    afterAll(() => made?.cleanUp(), callsMs);
    const check = (text: string, act: (subject: SuiteSubject) => Promise<void>) =>
      test(text, () => (made === undefined ? Promise.reject(new Error('no engine')) : act(made)), callsMs);
    lives(check);
    manners(check);
  });
}

type Check = (text: string, act: (subject: SuiteSubject) => Promise<void>) => void;

function lives(check: Check): void {
  check('says what it is and that it can run pods', async ({ engine }) => {
    expect((await engine.version()).name).not.toBe('');
    expect(await engine.status()).toEqual({ runtimeReady: true, networkReady: true, problems: [] });
  });

  check('a pod from its first moment to its last', async (subject) => {
    const { engine } = subject;
    const sandbox = sandboxOf('uid-life', 3, subject.logDirectory);
    const sandboxId = await engine.runSandbox(sandbox, '');
    expect(await engine.listSandboxes('uid-life')).toMatchObject([
      { id: sandboxId, podUid: 'uid-life', podName: 'suite', attempt: 3, ready: true, annotations: { own: 'yes' } },
    ]);
    expect(await engine.sandboxIps(sandboxId)).toHaveLength(1);
    const id = await engine.createContainer(sandboxId, containerOf(subject, 'uid-life'), sandbox);
    expect(await engine.container(id)).toMatchObject({ id, name: 'main', state: 'created', startedAtMs: 0, finishedAtMs: 0 });
    await engine.startContainer(id);
    expect((await engine.container(id)).startedAtMs).toBeGreaterThan(0);
    expect(await engine.listContainers('uid-life')).toMatchObject([
      { id, sandboxId, podUid: 'uid-life', state: 'running', annotations: { [annotations.hash]: 'abc' } },
    ]);
    await engine.stopContainer(id, 1);
    await engine.stopContainer(id, 1);
    const ended = await engine.container(id);
    expect(ended.state).toBe('exited');
    expect(ended.finishedAtMs).toBeGreaterThanOrEqual(ended.startedAtMs);
    await engine.removeContainer(id);
    await engine.stopSandbox(sandboxId);
    await engine.stopSandbox(sandboxId);
    expect(await engine.listSandboxes('uid-life')).toMatchObject([{ id: sandboxId, ready: false }]);
    await engine.removeSandbox(sandboxId);
    expect([await engine.listSandboxes('uid-life'), await engine.listContainers('uid-life')]).toEqual([[], []]);
  });
}

function manners(check: Check): void {
  check('the lists of one pod hold nothing of another', async (subject) => {
    const { engine, logDirectory } = subject;
    const ids = new Map<string, string>();
    for (const uid of ['uid-a', 'uid-b']) {
      const sandbox = sandboxOf(uid, 0, logDirectory);
      const id = await engine.runSandbox(sandbox, '');
      ids.set(uid, id);
      await engine.createContainer(id, containerOf(subject, uid), sandbox);
    }
    for (const [uid, id] of ids) {
      expect((await engine.listSandboxes(uid)).map((each) => each.id)).toEqual([id]);
      expect((await engine.listContainers(uid)).map((each) => each.sandboxId)).toEqual([id]);
    }
    const ips = await Promise.all([...ids.values()].map((id) => engine.sandboxIps(id)));
    expect(new Set(ips.flat()).size).toBe(2);
    for (const id of ids.values()) await engine.removeSandbox(id);
    expect(await engine.listContainers('uid-a')).toEqual([]);
  });

  check('the end of a sandbox is the end of its containers', async (subject) => {
    const { engine, logDirectory } = subject;
    const sandbox = sandboxOf('uid-end', 0, logDirectory);
    const sandboxId = await engine.runSandbox(sandbox, '');
    const id = await engine.createContainer(sandboxId, containerOf(subject, 'uid-end'), sandbox);
    await engine.startContainer(id);
    await engine.stopSandbox(sandboxId);
    expect((await engine.container(id)).state).toBe('exited');
    await engine.removeSandbox(sandboxId);
  });

  check('what is not there is stopped and removed already, and looking at it says so', async ({ engine }) => {
    const nothing = 'f'.repeat(64);
    await engine.stopContainer(nothing, 0);
    await engine.removeContainer(nothing);
    await engine.stopSandbox(nothing);
    await engine.removeSandbox(nothing);
    const error = await engine.container(nothing).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(EngineError);
    expect((error as EngineError).code).toBe('NotFound');
  });
}
