import { parseFlags } from '@drydock/foundation/flags.ts';
import { expect, test } from 'vitest';
import { flags, readConfig } from './config.ts';

function read(args: string[], file?: object) {
  const { values, given } = parseFlags(flags, ['--kubeconfig=k', ...args], { style: 'pflag', ignored: {} });
  return readConfig(values, file === undefined ? undefined : { kind: 'KubeletConfiguration', ...file }, 'Host', given);
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

test.each<[string, string[], object | undefined, RegExp]>([
  ['another kind', [], { kind: 'Other' }, /^kind: expected KubeletConfiguration/],
  ['a number as text', [], { maxPods: 'many' }, /^maxPods: expected a number/],
  ['a duration', [], { nodeStatusUpdateFrequency: 'soon' }, /^nodeStatusUpdateFrequency: expected a duration/],
  ['an endpoint', ['--container-runtime-endpoint=tcp://x'], undefined, /^containerRuntimeEndpoint: expected/],
  ['a signal', [], { evictionHard: { 'moon.available': '1' } }, /unknown eviction signal "moon.available"/],
  ['a threshold', ['--eviction-hard=memory.available<lots'], undefined, /^evictionHard.memory.available: expected/],
  ['a reserve', [], { kubeReserved: { memory: 'x' } }, /^kubeReserved.memory: expected a quantity/],
  ['a resource', [], { kubeReserved: { gpu: '1' } }, /^kubeReserved: cannot reserve "gpu"/],
  ['a rate', ['--kube-api-qps=-1'], undefined, /kubeAPIQPS \(--kube-api-qps\) -1 must not be a negative number/],
  ['a burst', [], { eventBurst: -2 }, /eventBurst \(--event-burst\) -2 must not be a negative number/],
  ['a log size', [], { containerLogMaxSize: 'big' }, /^containerLogMaxSize: expected/],
  ['too few logs', [], { containerLogMaxFiles: 1 }, /^containerLogMaxFiles: expected a number greater than 1/],
  ['a taint', ['--register-with-taints=x'], undefined, /^--register-with-taints: expected/],
])('names what is wrong: %s', (_, args, file, message) => {
  expect(() => read(args, file)).toThrow(message);
});
