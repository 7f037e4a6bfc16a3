// What pods say of their confinement is read as the original reads it: every answer recorded from it.
// UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew (the namespace used must be free there).
import { afterAll, expect, test } from 'vitest';
import { originalFrom, Recording } from './testing/original.ts';
import { type WireClient, WireServer } from './testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const namespace = 'confinement';
const appArmor = 'container.apparmor.security.beta.kubernetes.io/c';
let server: WireServer | undefined;

afterAll(() => server?.stop());

interface Parts {
  readonly pod?: object;
  readonly container?: object;
  readonly spec?: object;
  readonly annotations?: Readonly<Record<string, string>>;
}

const profiles = (field: string): Parts[] =>
  [
    { type: 'Bad' },
    {},
    { type: '' },
    { type: 'RuntimeDefault' },
    { type: 'Unconfined', localhostProfile: 'x' },
    { type: 'Localhost' },
    { type: 'Localhost', localhostProfile: '' },
    { type: 'Localhost', localhostProfile: 'x/y' },
    { type: 'Localhost', localhostProfile: '../x' },
    { type: 'Localhost', localhostProfile: '/x' },
    { type: 'Localhost', localhostProfile: ' x ' },
    { type: 'Localhost', localhostProfile: 'x'.repeat(4096) },
  ].flatMap((profile) => [{ pod: { [field]: profile } }, { container: { [field]: profile } }]);

const cases: readonly Parts[] = [
  ...profiles('appArmorProfile'),
  ...profiles('seccompProfile'),
  ...['runtime/default', 'unconfined', 'localhost/foo', 'localhost/', '', 'bad'].map((value) => ({
    annotations: { [appArmor]: value },
  })),
  { annotations: { [`${appArmor}d`]: 'unconfined' } },
  { annotations: { [appArmor]: 'runtime/default' }, pod: { appArmorProfile: { type: 'RuntimeDefault' } } },
  { annotations: { [appArmor]: 'unconfined' }, pod: { appArmorProfile: { type: 'RuntimeDefault' } } },
  { annotations: { [appArmor]: 'unconfined' }, container: { appArmorProfile: { type: 'RuntimeDefault' } } },
  {
    annotations: { [appArmor]: 'localhost/a' },
    container: { appArmorProfile: { type: 'Localhost', localhostProfile: 'b' } },
  },
  { annotations: { [appArmor]: 'unconfined' }, spec: { os: { name: 'windows' } } },
  { annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'bad' } },
  { annotations: { 'container.seccomp.security.alpha.kubernetes.io/c': 'runtime/default' } },
  { container: { procMount: 'Bad' } },
  { container: { procMount: 'Unmasked' } },
  { container: { procMount: 'Unmasked' }, spec: { hostUsers: false } },
  { container: { privileged: true, allowPrivilegeEscalation: false } },
  { container: { allowPrivilegeEscalation: false, capabilities: { add: ['SYS_ADMIN'] } } },
  { container: { allowPrivilegeEscalation: false, capabilities: { add: ['CAP_SYS_ADMIN'] } } },
  { container: { runAsUser: -1 } },
  { container: { runAsGroup: 2 ** 31 } },
  { spec: { hostUsers: false, hostNetwork: true } },
  { spec: { hostUsers: false, hostPID: true } },
  { spec: { hostUsers: false, hostIPC: true } },
  { spec: { hostPID: true, shareProcessNamespace: true } },
  { pod: { supplementalGroupsPolicy: 'Strict' } },
  { pod: { supplementalGroupsPolicy: 'Bad' } },
  { pod: { fsGroupChangePolicy: 'Bad' } },
  { pod: { seLinuxChangePolicy: 'Bad' } },
  { pod: { seLinuxChangePolicy: 'Recursive' } },
  { pod: { supplementalGroups: [-1, 5] } },
  { pod: { runAsUser: -1 } },
  { pod: { fsGroup: -1 } },
  { pod: { sysctls: [{ name: 'net.ipv4.a', value: '1' }] } },
  { pod: { sysctls: [{ name: 'net/ipv4/a', value: '1' }] } },
  { pod: { sysctls: [{ name: '', value: '1' }] } },
  { pod: { sysctls: [{ name: 'Bad Name', value: '1' }] } },
  {
    pod: {
      sysctls: [
        { name: 'net.ipv4.a', value: '1' },
        { name: 'net/ipv4/a', value: '1' },
      ],
    },
  },
  { pod: { sysctls: [{ name: 'kernel.shm_rmid_forced', value: '1' }] }, spec: { hostIPC: true } },
  { pod: { sysctls: [{ name: 'net.core.somaxconn', value: '1' }] }, spec: { hostNetwork: true } },
  { spec: { os: { name: 'plan9' } } },
  { spec: { os: { name: '' } } },
  { spec: { os: { name: 'linux' } } },
  { spec: { os: { name: 'linux' } }, pod: { windowsOptions: { runAsUserName: 'x' } } },
  { spec: { os: { name: 'windows' }, hostUsers: false, hostPID: true, hostIPC: true, shareProcessNamespace: true } },
  {
    spec: { os: { name: 'windows' } },
    pod: {
      appArmorProfile: { type: 'RuntimeDefault' },
      seLinuxOptions: { type: 'x' },
      seccompProfile: { type: 'RuntimeDefault' },
      fsGroup: 1,
      fsGroupChangePolicy: 'Always',
      sysctls: [{ name: 'a.b', value: '1' }],
      runAsUser: 1,
      runAsGroup: 1,
      supplementalGroups: [1],
      supplementalGroupsPolicy: 'Merge',
    },
    container: {
      appArmorProfile: { type: 'RuntimeDefault' },
      seLinuxOptions: { type: 'x' },
      seccompProfile: { type: 'RuntimeDefault' },
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
      privileged: false,
      allowPrivilegeEscalation: false,
      procMount: 'Default',
      runAsUser: 1,
      runAsGroup: 1,
    },
  },
];

/** With its keys in their order. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_key, each) =>
    each !== null && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

test('what pods say of their confinement', async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  const admin = (await server?.as('admin', 'system:masters')) ?? ((await original?.('admin', 'system:masters')) as WireClient);
  await admin.call('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
  await admin.call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  const recording = new Recording();
  for (const { pod, container, spec, annotations } of cases) {
    const body = {
      metadata: { name: 'p', annotations },
      spec: { ...spec, securityContext: pod, containers: [{ name: 'c', image: 'i', securityContext: container }] },
    };
    const title = JSON.stringify({ pod, container, spec, annotations }).replace(/x{4096}/g, 'x{4096}');
    const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
    const { code, body: made } = await recording.ask(title, admin, 'POST', path, { body });
    if (code !== 201) continue;
    const got = [made.spec.securityContext, made.spec.containers[0].securityContext, made.metadata.annotations];
    recording.note(
      got
        .map(sorted)
        .join(' ')
        .replace(/x{4096}/g, 'x{4096}'),
    );
  }
  recording.check(new URL('./testdata/confinement.txt', import.meta.url), process.env.UPDATE === '1');
  expect(cases.length).toBeGreaterThan(90);
});
