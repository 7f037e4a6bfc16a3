// Flags and KubeProxyConfiguration: the texts are those that kube-proxy 1.36.2 answers the same input with.
import { parseFlags } from '@drydock/foundation/flags.ts';
import { describe, expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { fields } from './config-file.ts';
import { conntrackWrites } from './conntrack-settings.ts';
import { flags, ignoredFlags } from './flags.ts';
import { localMatch } from './local-traffic.ts';

const head = { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration' };
const connection = { clientConnection: { kubeconfig: '/k' } };
const parse = (...args: string[]) => parseFlags(flags, args, { style: 'pflag', ignored: ignoredFlags }).values;
const ofFlags = (...args: string[]) => readConfig(parse('--kubeconfig=/k', ...args), undefined, 'Host');
const ofFile = (more: object, ...args: string[]) => readConfig(parse(...args), { ...head, ...connection, ...more }, 'Host');

test('a file that says nothing means what flags that say nothing do', () => {
  const { warnings, ...fromFile } = ofFile({});
  expect(fromFile).toEqual({ ...ofFlags(), warnings: undefined });
  expect(warnings).toEqual([]);
  expect(ofFile({ conntrack: null, nodePortAddresses: null, mode: '', healthzBindAddress: '' })).toEqual(ofFile({}));
});

test.each([
  [{ kind: 'X', apiVersion: 'v1' }, 'failed complete: failed to decode: no kind "X" is registered for version "v1"'],
  [
    { mode: 3 },
    'failed complete: failed to decode: json: cannot unmarshal number into Go struct field KubeProxyConfiguration.mode of type',
  ],
  [{ conntrack: 4 }, 'json: cannot unmarshal number into Go struct field KubeProxyConfiguration.conntrack of type'],
  [
    { nodePortAddresses: 'x' },
    'json: cannot unmarshal string into Go struct field KubeProxyConfiguration.nodePortAddresses of type []string',
  ],
  [{ nftables: { minSyncPeriod: 'foo' } }, 'failed complete: failed to decode: time: invalid duration "foo"'],
  [
    { bindAddressHardFail: 'yes' },
    'json: cannot unmarshal string into Go struct field KubeProxyConfiguration.bindAddressHardFail of type bool',
  ],
  [
    { conntrack: { min: -1 } },
    'failed validate: KubeProxyConfiguration.KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.Min: Invalid value: -1: must be greater than or equal to 0',
  ],
  [
    { mode: 'userspace' },
    'failed validate: KubeProxyConfiguration.Mode.ProxyMode: Invalid value: "userspace": must be iptables, ipvs, nftables or blank',
  ],
  [
    { detectLocalMode: 'InterfaceNamePrefix' },
    'failed validate: KubeProxyConfiguration.DetectLocalConfiguration.InterfacePrefix: Invalid value: "": must not be empty',
  ],
  [{ nftables: { masqueradeBit: 40 }, oomScoreAdj: 3000 }, 'failed validate: [KubeProxyConfiguration.'],
  [
    { nftables: { syncPeriod: '1s', minSyncPeriod: '5s' } },
    'must be greater than or equal to KubeProxyConfiguration.MinSyncPeriod',
  ],
  [{ mode: 'iptables' }, 'proxy mode "iptables" is not served here'],
  [{ clientConnection: {} }, 'kubeconfig: Required value'],
])('file %j: %s', (more, message) => {
  expect(() => ofFile(more)).toThrow(message);
});

test.each([
  [
    '--detect-local-mode=foo',
    'DetectLocalMode: Unsupported value: "foo": supported values: "ClusterCIDR", "NodeCIDR", "BridgeInterface", "InterfaceNamePrefix", ""',
  ],
  ['--detect-local-mode=BridgeInterface', 'DetectLocalConfiguration.InterfaceName: Invalid value: "": must not be empty'],
  ['--pod-bridge-interface=a" drop #', ''],
  [
    '--oom-score-adj=5000',
    'KubeProxyLinuxConfiguration.OOMScoreAdj: Invalid value: 5000: must be within the range [-1000, 1000]',
  ],
  ['--cluster-cidr=foo', 'DetectLocalConfiguration.ClusterCIDRs[0]: Invalid value: "foo": must be a valid CIDR block'],
  ['--nodeport-addresses=foo', 'NodePortAddresses[0]: Invalid value: "foo": must be a valid CIDR'],
  ['--healthz-bind-address=x', 'HealthzBindAddress: Invalid value: "x"'],
  ['--bind-address=foo', 'BindAddress: Invalid value: "foo"'],
])('flag %s: %s', (flag, message) => {
  if (message === '')
    expect(() => ofFlags(flag, '--detect-local-mode=BridgeInterface')).toThrow('must be the name of an interface');
  else expect(() => ofFlags(flag)).toThrow(`failed validate: KubeProxyConfiguration.${message}`);
});

test('fields that are not known are warned of, as upstream falls back to lenient decoding', () => {
  expect(ofFile({ foo: 'bar', conntrack: { x: 3 } }).warnings).toEqual([
    'strict decoding error: unknown field "foo", unknown field "conntrack.x"',
  ]);
});

test('every field is served, belongs to another mode, or is warned of where it is set', () => {
  const otherModes = /^(iptables|ipvs|winkernel)\.|^portRange$|^kind$|^apiVersion$|^logging\.options$/;
  const samples = { string: 'x', bool: true, int32: 7, float32: 7, '[]string': ['x'], 'map[string]bool': {}, duration: '7s' };
  const ignored = Object.entries(fields).filter(([path, field]) => field.ignoredUnless !== undefined && !otherModes.test(path));
  expect(ignored.length).toBeGreaterThan(5);
  for (const [path, { type }] of ignored) {
    const [section = '', name] = path.split('.');
    const value = samples[type];
    const warned = ofFile(
      name === undefined ? { [section]: value } : { [section]: { ...{ kubeconfig: '/k' }, [name]: value } },
    );
    expect(warned.warnings.join('; ')).toContain(`${path} has no effect here`);
  }
});

describe('what is set is what is used', () => {
  test('of a file', () => {
    const config = ofFile({
      bindAddress: '10.0.0.7',
      hostnameOverride: 'FromFile',
      nftables: { masqueradeAll: true, masqueradeBit: 3, minSyncPeriod: '2s', syncPeriod: '7s' },
      healthzBindAddress: '1.2.3.4',
      conntrack: { tcpBeLiberal: true, udpTimeout: '30s', maxPerCore: 0 },
      featureGates: { AllAlpha: false },
    });
    expect(config).toMatchObject({
      nodeIP: '10.0.0.7',
      nodeName: 'fromfile',
      masqueradeAll: true,
      masqueradeBit: 3,
      minSyncPeriodMs: 2000,
      syncPeriodMs: 7000,
      healthzBindAddress: '1.2.3.4:10256',
      conntrack: { tcpBeLiberal: true, udpMs: 30_000, maxPerCore: 0 },
    });
    expect([...config.featureGates]).toEqual([['AllAlpha', false]]);
    expect(ofFile({ hostnameOverride: 'FromFile' }, '--hostname-override=Flag').nodeName).toBe('flag');
  });

  test('of flags', () => {
    const config = ofFlags('--iptables-sync-period=7s', '--iptables-min-sync-period=0s', '--cluster-cidr=fd00::/8,10.0.0.0/8');
    expect(config).toMatchObject({ syncPeriodMs: 7000, minSyncPeriodMs: 0, local: { clusterCIDR: '10.0.0.0/8' } });
  });
});

test.each([
  ['ClusterCIDR', 'ip saddr 10.0.0.0/8', 'ip saddr != 10.0.0.0/8'],
  ['NodeCIDR', 'ip saddr 10.1.0.0/24', 'ip saddr != 10.1.0.0/24'],
  ['BridgeInterface', 'iifname "cni0"', 'iifname != "cni0"'],
  ['InterfaceNamePrefix', 'iifname "veth*"', 'iifname != "veth*"'],
] as const)('local traffic by %s', (mode, is, isNot) => {
  const settings = { mode, clusterCIDR: '10.0.0.0/8', bridgeInterface: 'cni0', interfaceNamePrefix: 'veth' };
  expect(localMatch(settings, '10.1.0.0/24')).toEqual({ is, isNot });
  expect(localMatch({ ...settings, mode: 'NodeCIDR' }, undefined)).toBeUndefined();
});

test('limits of connection tracking are raised, never lowered; times are written where they differ', () => {
  const { conntrack } = ofFlags('--conntrack-udp-timeout=30s', '--conntrack-tcp-be-liberal');
  const has = { nf_conntrack_max: 500_000, nf_conntrack_tcp_timeout_established: 86_400, nf_conntrack_udp_timeout: 10 };
  const writes = conntrackWrites(conntrack, 2, (name) => has[name as keyof typeof has]);
  expect(Object.fromEntries(writes)).toEqual({
    nf_conntrack_tcp_be_liberal: 1,
    nf_conntrack_tcp_timeout_close_wait: 3600,
    nf_conntrack_udp_timeout: 30,
  });
  expect(conntrackWrites({ ...conntrack, maxPerCore: 100_000 }, 8, () => 1).get('nf_conntrack_max')).toBe(800_000);
  expect(conntrackWrites({ ...conntrack, maxPerCore: 0 }, 8, () => 1).has('nf_conntrack_max')).toBe(false);
});
