// What an engine is told of a container's confinement, on the wire, by the field numbers of CRI v1.
import type { Container, Pod, PodSecurityContext, SecurityContext } from '@drydock/api/generated/types.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CriEngine } from '../engine/cri-engine.ts';
import { type FakeCri, fakeCri, fieldAt } from '../engine/testing/fake-cri.ts';
import { containerConfig } from './container-config.ts';
import { linuxResources } from './resources.ts';
import { sandboxConfig } from './sandbox-config.ts';

const clock = new SystemClock();
const settings = {
  clusterDomain: '',
  clusterDns: [],
  hostDns: { servers: [], searches: [], options: [] },
  podLogsDir: '/logs',
  cgroupParent: '',
};
const root = '/var/lib/kubelet/seccomp';
let cri: FakeCri;
let engine: CriEngine;

beforeAll(async () => {
  cri = await fakeCri({});
  engine = new CriEngine(cri.endpoint, () => clock.wallMs());
});
afterAll(() => {
  engine.close();
  cri.stop();
});

interface Told {
  /** RunPodSandboxRequest.config.linux.security_context */
  sandbox(...path: number[]): string | number | undefined;
  /** CreateContainerRequest.config.linux.security_context */
  container(...path: number[]): string | number | undefined;
}

const textOf = (found: Buffer | number | undefined) => (Buffer.isBuffer(found) ? found.toString() : found);

async function told(own: SecurityContext, whole: PodSecurityContext = {}, isDefault = false, annotations = {}): Promise<Told> {
  const container: Container = { name: 'c', image: 'i', securityContext: own };
  const pod: Pod = {
    metadata: { name: 'p', namespace: 'n', uid: 'u', annotations },
    spec: { containers: [container], securityContext: whole },
  };
  const sandbox = sandboxConfig(pod, 0, settings);
  const image = { id: 'i', tags: [], digests: [], sizeBytes: 0, uid: 0, username: '' };
  const resources = linuxResources(pod, container, 1);
  const more = { attempt: 0, env: new Map(), mounts: [], hash: '', terminationMessageFile: '', seccomp: { root, isDefault } };
  const config = containerConfig({ pod, container, image, resources, ...more });
  await engine.runSandbox(sandbox, '');
  await engine.createContainer('s', config, sandbox);
  return {
    sandbox: (...path) => textOf(fieldAt(cri.request('RunPodSandbox'), [1, 8, 2, ...path])),
    container: (...path) => textOf(fieldAt(cri.request('CreateContainer'), [2, 15, 2, ...path])),
  };
}

const [runtimeDefault, unconfined, localhost] = [0, 1, 2];
const profile = 1;
const reference = 2;

describe('seccomp', () => {
  const field = 15;
  test.each<[string, SecurityContext, PodSecurityContext, boolean, number | undefined, string | undefined]>([
    ['nothing asked for', {}, {}, false, unconfined, undefined],
    ['nothing asked for, with seccompDefault', {}, {}, true, runtimeDefault, undefined],
    ['none, with seccompDefault', { seccompProfile: { type: 'Unconfined' } }, {}, true, unconfined, undefined],
    ['of the pod', {}, { seccompProfile: { type: 'RuntimeDefault' } }, false, runtimeDefault, undefined],
    [
      'of the container first',
      { seccompProfile: { type: 'Unconfined' } },
      { seccompProfile: { type: 'RuntimeDefault' } },
      false,
      unconfined,
      undefined,
    ],
    [
      'of the node',
      { seccompProfile: { type: 'Localhost', localhostProfile: 'a/b.json' } },
      {},
      false,
      localhost,
      `${root}/a/b.json`,
    ],
    ['privileged', { privileged: true }, {}, true, unconfined, undefined],
  ])('%s', async (_, own, whole, isDefault, type, path) => {
    const { container, sandbox } = await told(own, whole, isDefault);
    // 0 is the default and is not sent.
    expect(container(field, profile) ?? runtimeDefault).toBe(type);
    expect(container(field, reference) || undefined).toBe(path);
    expect(sandbox(9, profile) ?? runtimeDefault).toBe(runtimeDefault);
  });

  test.each([
    ['../secret.json', /^localhostProfile "..\/secret.json" is outside of \/var\/lib\/kubelet\/seccomp$/],
    ['a/../../b', /is outside of/],
    ['.', /is outside of/],
    ['', /^localhostProfile must be set if seccompProfile type is Localhost\.$/],
  ])('a profile that is no profile: %j', async (localhostProfile, message) => {
    await expect(told({ seccompProfile: { type: 'Localhost', localhostProfile } })).rejects.toThrow(message);
  });
});

describe('AppArmor', () => {
  const field = 16;
  const old = 9;
  test.each<[string, SecurityContext, PodSecurityContext, object, number, string | undefined, string]>([
    ['of the pod', {}, { appArmorProfile: { type: 'RuntimeDefault' } }, {}, runtimeDefault, undefined, 'runtime/default'],
    [
      'of the container',
      { appArmorProfile: { type: 'Localhost', localhostProfile: 'p' } },
      {},
      {},
      localhost,
      'p',
      'localhost/p',
    ],
    [
      'none',
      { appArmorProfile: { type: 'Unconfined' } },
      { appArmorProfile: { type: 'RuntimeDefault' } },
      {},
      unconfined,
      undefined,
      'unconfined',
    ],
    [
      'by annotation',
      {},
      {},
      { 'container.apparmor.security.beta.kubernetes.io/c': 'localhost/q' },
      localhost,
      'q',
      'localhost/q',
    ],
  ])('%s', async (_, own, whole, annotations, type, name, text) => {
    const { container } = await told(own, whole, false, annotations);
    expect(container(field)).toBeDefined();
    expect(container(field, profile) ?? runtimeDefault).toBe(type);
    expect(container(field, reference) || undefined).toBe(name);
    expect(container(old)).toBe(text);
  });

  test('nothing asked for: nothing is said', async () => {
    const { container } = await told({});
    expect(container(field)).toBeUndefined();
  });

  test('a profile without a name', async () => {
    const appArmorProfile = { type: 'Localhost' };
    await expect(told({ appArmorProfile })).rejects.toThrow('missing localhost apparmor profile name');
  });
});

test('SELinux: of the container, else of the pod; the sandbox has the pod’s', async () => {
  const whole = { seLinuxOptions: { level: 's0:c1,c2', type: 't', user: 'u', role: 'r' } };
  const inherited = await told({}, whole);
  for (const told of [(n: number) => inherited.sandbox(2, n), (n: number) => inherited.container(4, n)])
    expect([1, 2, 3, 4].map(told)).toEqual(['u', 'r', 't', 's0:c1,c2']);
  const own = await told({ seLinuxOptions: { level: 's0:c3' } }, whole);
  expect(own.container(4, 4)).toBe('s0:c3');
  expect(own.sandbox(2, 4)).toBe('s0:c1,c2');
  expect((await told({})).container(4)).toBeUndefined();
});

test('supplementary groups: Strict is said to sandbox and container', async () => {
  const strict = await told({}, { supplementalGroupsPolicy: 'Strict', supplementalGroups: [5] });
  expect([strict.sandbox(11), strict.container(17)]).toEqual([1, 1]);
  const merge = await told({}, { supplementalGroupsPolicy: 'Merge' });
  expect([merge.sandbox(11) ?? 0, merge.container(17) ?? 0]).toEqual([0, 0]);
});

test('an engine says whether it can leave out the groups of images', async () => {
  const status = async (answer: number[]) => {
    const able = await fakeCri({ Status: Buffer.from(answer) });
    const client = new CriEngine(able.endpoint, () => clock.wallMs());
    try {
      return (await client.status()).supplementalGroupsPolicy;
    } finally {
      client.close();
      able.stop();
    }
  };
  // StatusResponse.features.supplemental_groups_policy
  expect(await status([0x22, 2, 0x08, 1])).toBe(true);
  expect(await status([])).toBe(false);
});
