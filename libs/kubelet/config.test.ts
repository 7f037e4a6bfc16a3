import { parseFlags } from '@drydock/foundation/flags.ts';
import { expect, test } from 'vitest';
import { flags, readConfig } from './config.ts';

function read(args: string[], file?: object) {
  const { values, given } = parseFlags(flags, ['--kubeconfig=k', ...args], { style: 'pflag', ignored: {} });
  return readConfig(
    values,
    file === undefined ? undefined : { apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration', ...file },
    'Host',
    given,
  );
}

test("upstream's defaults", () => {
  expect(read([])).toMatchObject({
    nodeName: 'host',
    port: 10_250,
    healthzPort: 10_248,
    maxPods: 110,
    statusPeriodMs: 10_000,
    leaseSeconds: 40,
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '10%' },
    pressureTransitionMs: 300_000,
    logBytesMax: 10 * 1024 * 1024,
    logFilesMax: 5,
    apiRate: { perSecond: 50, burst: 100 },
    eventRate: { perSecond: 50, burst: 100 },
  });
});

test('requests are limited as flags, then the file say; 0 is the default', () => {
  const file = { kubeAPIQPS: 7, kubeAPIBurst: 8, eventRecordQPS: 0, eventBurst: 0 };
  expect(read([], file)).toMatchObject({ apiRate: { perSecond: 7, burst: 8 }, eventRate: { perSecond: 5, burst: 10 } });
  const args = ['--kube-api-qps=50', '--kube-api-burst=0', '--event-qps=3', '--event-burst=4'];
  expect(read(args, file)).toMatchObject({ apiRate: { perSecond: 50, burst: 100 }, eventRate: { perSecond: 3, burst: 4 } });
});

test('flags win over the file', () => {
  const file = { maxPods: 20, evictionHard: { 'memory.available': '1%' }, systemReserved: { cpu: '1', memory: '1Gi' } };
  expect(read([], file)).toMatchObject({ maxPods: 20, evictionHard: { 'memory.available': '1%' } });
  const flagged = read(['--max-pods=5', '--eviction-hard=nodefs.available<5%', '--system-reserved=cpu=2'], file);
  expect(flagged).toMatchObject({ maxPods: 5, reserved: { system: { cpu: '2', memory: '1Gi' } } });
  expect(flagged.evictionHard).toEqual({ 'nodefs.available': '5%' });
});

test('maps of flags add to those of the file, lists take their place', () => {
  const file = { kubeReserved: { cpu: '1' }, allowedUnsafeSysctls: ['a'], clusterDNS: ['10.0.0.1'] };
  expect(read(['--kube-reserved=memory=1Gi', '--allowed-unsafe-sysctls=b,c'], file)).toMatchObject({
    reserved: { kube: { cpu: '1', memory: '1Gi' } },
    allowedSysctls: ['b', 'c'],
    clusterDns: ['10.0.0.1'],
  });
});

test('who is let in is asked for by both', () => {
  expect(read([])).toMatchObject({
    anonymous: false,
    tokenWebhook: true,
    webhook: true,
    debuggingHandlers: true,
    serves: true,
  });
  const file = {
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false, cacheTTL: '5s' }, x509: { clientCAFile: 'f' } },
    authorization: { mode: 'AlwaysAllow', webhook: { cacheAuthorizedTTL: '7s' } },
    enableDebuggingHandlers: false,
    enableServer: false,
  };
  const answerTimes = { tokenMs: 5000, allowedMs: 7000, deniedMs: 30_000 };
  const open = { anonymous: true, tokenWebhook: false, webhook: false, debuggingHandlers: false, serves: false };
  expect(read([], file)).toMatchObject({ ...open, clientCaFile: 'f', answerTimes });
  const args = ['--anonymous-auth=false', '--authorization-mode=Webhook', '--authentication-token-webhook-cache-ttl=1m'];
  expect(read(args, file)).toMatchObject({ anonymous: false, webhook: true, tokenWebhook: false, clientCaFile: 'f' });
  expect(read(args, file).answerTimes).toEqual({ ...answerTimes, tokenMs: 60_000 });
});

test('what asks for safety and is served', () => {
  const file = {
    seccompDefault: true,
    protectKernelDefaults: true,
    failSwapOn: false,
    podPidsLimit: 100,
    tlsMinVersion: 'VersionTLS13',
  };
  expect(read([], file)).toMatchObject({
    seccompDefault: true,
    machine: { noSwap: false, noCgroupV1: true, kernelDefaults: true },
    podPidsLimit: 100,
    tls: { minVersion: 'TLSv1.3' },
  });
  const args = ['--seccomp-default=false', '--pod-max-pids=-1', '--fail-cgroupv1=false', '--enforce-node-allocatable=none'];
  expect(read(args, file)).toMatchObject({ seccompDefault: false, podPidsLimit: undefined, enforcePods: false });
  expect(read(args, file).machine.noCgroupV1).toBe(false);
});

test('thresholds beside the defaults, where the file asks for it', () => {
  const file = { evictionHard: { 'memory.available': '1%' }, mergeDefaultEvictionSettings: true };
  expect(read([], file).evictionHard).toEqual({ ...read([]).evictionHard, 'memory.available': '1%' });
});

const decoding = (message: string) => new RegExp(`^json: cannot unmarshal ${message.replace(/[.[\]]/g, '\\$&')}$`);

test.each<[string, string[], object | undefined, RegExp]>([
  ['another kind', [], { kind: 'Other' }, /^no kind "Other" is registered for version "kubelet.config.k8s.io\/v1beta1"/],
  ['another version', [], { apiVersion: 'v1' }, /^no kind "KubeletConfiguration" is registered for version "v1"/],
  ['no version', [], { apiVersion: undefined }, /^Object 'apiVersion' is missing/],
  [
    'a number as text',
    [],
    { maxPods: 'many' },
    decoding('string into Go struct field KubeletConfiguration.maxPods of type int32'),
  ],
  [
    'a part of one',
    [],
    { maxPods: 1.5 },
    decoding('number 1.5 into Go struct field KubeletConfiguration.maxPods of type int32'),
  ],
  [
    'too great a one',
    [],
    { maxPods: 2 ** 32 },
    decoding('number 4294967296 into Go struct field KubeletConfiguration.maxPods of type int32'),
  ],
  [
    'a text as number',
    [],
    { address: 3, port: 'x' },
    decoding('number into Go struct field KubeletConfiguration.address of type string'),
  ],
  [
    'a text as list',
    [],
    { clusterDNS: 'foo' },
    decoding('string into Go struct field KubeletConfiguration.clusterDNS of type []string'),
  ],
  [
    'a list of numbers',
    [],
    { clusterDNS: [3] },
    decoding('number into Go struct field KubeletConfiguration.clusterDNS of type string'),
  ],
  [
    'a number as map',
    [],
    { evictionHard: 3 },
    decoding('number into Go struct field KubeletConfiguration.evictionHard of type map[string]string'),
  ],
  [
    'a map of numbers',
    [],
    { evictionHard: { a: 3 } },
    decoding('number into Go struct field KubeletConfiguration.evictionHard of type string'),
  ],
  [
    'a text as switch',
    [],
    { seccompDefault: 'yes' },
    decoding('string into Go struct field KubeletConfiguration.seccompDefault of type bool'),
  ],
  [
    'one further in',
    [],
    { authentication: { anonymous: { enabled: 'x' } } },
    decoding('string into Go struct field KubeletAnonymousAuthentication.authentication.anonymous.enabled of type bool'),
  ],
  [
    'a mode',
    [],
    { authorization: { mode: 3 } },
    decoding('number into Go struct field KubeletAuthorization.authorization.mode of type v1beta1.KubeletAuthorizationMode'),
  ],
  [
    'a struct',
    [],
    { logging: 3 },
    decoding('number into Go struct field KubeletConfiguration.logging of type v1.LoggingConfiguration'),
  ],
  [
    'structs',
    [],
    { reservedMemory: 5 },
    decoding('number into Go struct field KubeletConfiguration.reservedMemory of type []v1beta1.MemoryReservation'),
  ],
  [
    'a taint of a list',
    [],
    { registerWithTaints: [{ key: 3 }] },
    decoding('number into Go struct field Taint.registerWithTaints.key of type string'),
  ],
  ['a duration', [], { nodeStatusUpdateFrequency: 'soon' }, /^time: invalid duration "soon"$/],
  ['an authorizer', [], { authorization: { mode: 'Foo' } }, /^unknown authorization mode Foo$/],
  ['a TLS version', [], { tlsMinVersion: 'Foo' }, /^unknown tls version "Foo"$/],
  ['a cipher suite', ['--tls-cipher-suites=Foo'], undefined, /^Cipher suite Foo not supported or doesn't exist$/],
  ['an endpoint', ['--container-runtime-endpoint=tcp://x'], undefined, /^containerRuntimeEndpoint: expected/],
  ['a signal', [], { evictionHard: { 'moon.available': '1' } }, /unknown eviction signal "moon.available"/],
  ['a threshold', ['--eviction-hard=memory.available<lots'], undefined, /^evictionHard.memory.available: expected/],
  ['a reserve', [], { kubeReserved: { memory: 'x' } }, /^kubeReserved.memory: expected a quantity/],
  ['a resource', [], { kubeReserved: { gpu: '1' } }, /^kubeReserved: cannot reserve "gpu"/],
  ['a rate', ['--kube-api-qps=-1'], undefined, /kubeAPIQPS \(--kube-api-qps\) -1 must not be a negative number/],
  ['a burst', [], { eventBurst: -2 }, /eventBurst \(--event-burst\) -2 must not be a negative number/],
  ['a port', [], { port: 70_000 }, /port \(--port\) 70000 must be between 1 and 65535, inclusive/],
  ['a log size', [], { containerLogMaxSize: 'big' }, /^containerLogMaxSize: expected/],
  ['too few logs', [], { containerLogMaxFiles: 1 }, /invalid configuration: containerLogMaxFiles must be greater than 1/],
  ['a taint', ['--register-with-taints=x'], undefined, /^--register-with-taints: expected/],
  [
    'a taint of the file',
    [],
    { registerWithTaints: [{ key: 'a', value: 'b', effect: 'C' }] },
    /invalid taint: \{a b C <nil>\}/,
  ],
  [
    'none and more',
    [],
    { enforceNodeAllocatable: ['none', 'pods'] },
    /may not contain additional enforcements when "none" is specified/,
  ],
  [
    'an enforcement',
    [],
    { enforceNodeAllocatable: ['x'] },
    /option "x" specified for enforceNodeAllocatable \(--enforce-node-allocatable\)\. Valid/,
  ],
  [
    'limits of the system',
    [],
    { enforceNodeAllocatable: ['pods', 'system-reserved'] },
    /"system-reserved" is not served here: only pods are limited/,
  ],
])('names what is wrong: %s', (_, args, file, message) => {
  expect(() => read(args, file)).toThrow(message);
});

test('all that is wrong is said at once', () => {
  const message =
    /error: \[invalid configuration: maxPods \(--max-pods\) -1 .*, invalid configuration: port .*\], path: &TypeMeta/;
  expect(() => read([], { maxPods: -1, port: -1 })).toThrow(message);
});

test('a field that nobody knows is named and left out; null is nothing', () => {
  const config = read([], {
    MaxPods: 3,
    maxPods: null,
    authentication: { nope: 1, x509: null },
    registerWithTaints: [{ key: 'k', effect: 'NoSchedule', z: 1 }],
  });
  expect(config.strictWarning).toBe(
    'strict decoding error: unknown field "MaxPods", unknown field "authentication.nope", unknown field "registerWithTaints[0].z"',
  );
  expect(config).toMatchObject({ maxPods: 110, taints: [{ key: 'k', effect: 'NoSchedule' }] });
  expect(read([], {}).strictWarning).toBeUndefined();
});
