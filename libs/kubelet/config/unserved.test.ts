// No field that asks for safety is passed over: every field of the original is served, refused or warned of.

import { parseFlags } from '@drydock/foundation/flags.ts';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../config.ts';
import { structs } from './fields.ts';
import { flags } from './flags.ts';
import { refusedFlags, unservedFieldNames } from './unserved.ts';

function read(fields: object) {
  const { values, given } = parseFlags(flags, ['--kubeconfig=k'], { style: 'pflag' });
  const file = { apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration', ...fields };
  return readConfig(values, file, 'host', given);
}

/** Fields that `readConfig` acts on; each has a value that is not its default. */
const served: Readonly<Record<string, unknown>> = {
  enableServer: false,
  staticPodPath: '/m',
  staticPodURL: 'http://m',
  staticPodURLHeader: { a: ['b'] },
  fileCheckFrequency: '1s',
  httpCheckFrequency: '1s',
  podLogsDir: '/logs',
  address: '10.0.0.1',
  port: 1,
  tlsCertFile: 'c',
  tlsPrivateKeyFile: 'k',
  tlsCipherSuites: ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
  tlsCurvePreferences: [29],
  tlsMinVersion: 'VersionTLS13',
  authentication: { anonymous: { enabled: true } },
  authorization: { mode: 'AlwaysAllow' },
  eventRecordQPS: 1,
  eventBurst: 1,
  enableDebuggingHandlers: false,
  healthzPort: 1,
  healthzBindAddress: '10.0.0.1',
  clusterDomain: 'd',
  clusterDNS: ['10.0.0.1'],
  nodeStatusUpdateFrequency: '1s',
  nodeLeaseDurationSeconds: 1,
  cgroupRoot: '/c',
  maxPods: 1,
  podPidsLimit: 1,
  resolvConf: '/r',
  kubeAPIQPS: 1,
  kubeAPIBurst: 1,
  evictionHard: { 'memory.available': '1%' },
  evictionPressureTransitionPeriod: '1s',
  podsPerCore: 1,
  protectKernelDefaults: true,
  featureGates: { AllAlpha: true },
  failSwapOn: false,
  containerLogMaxSize: '1Mi',
  containerLogMaxFiles: 2,
  systemReserved: { cpu: '1' },
  kubeReserved: { cpu: '1' },
  enforceNodeAllocatable: ['none'],
  allowedUnsafeSysctls: ['a'],
  seccompDefault: true,
  registerWithTaints: [{ key: 'a', effect: 'NoSchedule' }],
  containerRuntimeEndpoint: 'hollow://',
  failCgroupV1: false,
};

test('each field is served, refused or warned of', () => {
  const known = Object.keys(structs.KubeletConfiguration).filter((field) => field !== 'kind' && field !== 'apiVersion');
  // Its effect is on another: evictionHard.
  const spoken = [...Object.keys(served), ...unservedFieldNames, 'mergeDefaultEvictionSettings'];
  expect(spoken.toSorted()).toEqual(known.toSorted());
});

test.each(Object.entries(served))('%s is served: it changes what the kubelet does', (field, value) => {
  const before = read({});
  const after = read({ [field]: value });
  expect(after.withoutEffect).toEqual([]);
  expect(after).not.toEqual(before);
});

describe('what asks for safety and is not there is refused', () => {
  test.each<[string, unknown, unknown]>([
    ['rotateCertificates', true, false],
    ['serverTLSBootstrap', true, false],
    ['cgroupDriver', 'systemd', 'cgroupfs'],
    ['cpuManagerPolicy', 'static', 'none'],
    ['memoryManagerPolicy', 'Static', 'None'],
    ['topologyManagerPolicy', 'restricted', 'none'],
    ['reservedSystemCPUs', '0', ''],
    ['reservedMemory', [{ numaNode: 0, limits: { memory: '1Gi' } }], []],
    ['qosReserved', { memory: '50%' }, {}],
    ['memoryReservationPolicy', 'TieredReservation', 'None'],
    ['imagePullCredentialsVerificationPolicy', 'AlwaysVerify', 'NeverVerify'],
    ['preloadedImagesVerificationAllowlist', ['a'], []],
    ['imageServiceEndpoint', 'unix:///other', ''],
    ['registerNode', false, true],
    ['runOnce', true, false],
  ])('%s: %j', (field, asks, anyway) => {
    expect(() => read({ [field]: asks })).toThrow(new RegExp(`^${field} is not served here: `));
    expect(read({ [field]: anyway }).withoutEffect).toEqual([]);
  });
});

test.each<[string, unknown, unknown]>([
  ['readOnlyPort', 10_255, 0],
  ['imageGCHighThresholdPercent', 85, 100],
  ['memorySwap', { swapBehavior: 'LimitedSwap' }, { swapBehavior: 'NoSwap' }],
  ['cpuCFSQuota', false, true],
  ['enableSystemLogHandler', true, false],
])('%s: %j is warned of', (field, asks, anyway) => {
  expect(read({ [field]: asks }).withoutEffect).toEqual([field]);
  expect(read({ [field]: anyway }).withoutEffect).toEqual([]);
});

test.each(Object.entries(refusedFlags))('--%s is refused, with its name', (name, { takes }) => {
  const asks: Readonly<Record<string, string>> = { 'register-node': 'false' };
  const text = asks[name] ?? (takes === 'bool' ? 'true' : 'x');
  const parse = (args: string[]) => parseFlags(flags, args, { style: 'pflag', refused: refusedFlags });
  expect(() => parse([`--${name}=${text}`])).toThrow(new RegExp(`^--${name} is not served here: `));
});
