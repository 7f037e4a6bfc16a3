// KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1) as a file has it, checked field by field. As upstream does: a value of
// the wrong type is refused, a field that nobody knows is warned of. Pure.
import { parseDuration } from '@drydock/foundation/duration.ts';

type GoType = 'string' | 'bool' | 'int32' | 'float32' | '[]string' | 'map[string]bool' | 'duration';

interface Field {
  readonly type: GoType;
  /** A value of its own has no effect here, and is warned of; this one asks for nothing. */
  readonly ignoredUnless?: string;
}

const [text, bool, int, duration]: Field[] = [{ type: 'string' }, { type: 'bool' }, { type: 'int32' }, { type: 'duration' }];
const ignored = (type: GoType, ignoredUnless: string): Field => ({ type, ignoredUnless });

/** Every field of the kind by its path. Those of other proxy modes have no effect in upstream's nftables mode either. */
export const fields: Readonly<Record<string, Field>> = {
  apiVersion: text as Field,
  kind: text as Field,
  bindAddress: text as Field,
  bindAddressHardFail: bool as Field,
  'clientConnection.acceptContentTypes': ignored('string', ''),
  'clientConnection.burst': int as Field,
  'clientConnection.contentType': ignored('string', 'application/vnd.kubernetes.protobuf'),
  'clientConnection.kubeconfig': text as Field,
  'clientConnection.qps': { type: 'float32' },
  clusterCIDR: text as Field,
  configSyncPeriod: ignored('duration', '15m0s'),
  'conntrack.maxPerCore': int as Field,
  'conntrack.min': int as Field,
  'conntrack.tcpBeLiberal': bool as Field,
  'conntrack.tcpCloseWaitTimeout': duration as Field,
  'conntrack.tcpEstablishedTimeout': duration as Field,
  'conntrack.udpStreamTimeout': duration as Field,
  'conntrack.udpTimeout': duration as Field,
  'detectLocal.bridgeInterface': text as Field,
  'detectLocal.interfaceNamePrefix': text as Field,
  detectLocalMode: text as Field,
  enableProfiling: ignored('bool', 'false'),
  featureGates: { type: 'map[string]bool' },
  healthzBindAddress: text as Field,
  hostnameOverride: text as Field,
  'iptables.localhostNodePorts': bool as Field,
  'iptables.masqueradeAll': bool as Field,
  'iptables.masqueradeBit': int as Field,
  'iptables.minSyncPeriod': duration as Field,
  'iptables.syncPeriod': duration as Field,
  'ipvs.excludeCIDRs': { type: '[]string' },
  'ipvs.minSyncPeriod': duration as Field,
  'ipvs.scheduler': text as Field,
  'ipvs.strictARP': bool as Field,
  'ipvs.syncPeriod': duration as Field,
  'ipvs.tcpFinTimeout': duration as Field,
  'ipvs.tcpTimeout': duration as Field,
  'ipvs.udpTimeout': duration as Field,
  'logging.flushFrequency': ignored('string', '5s'),
  'logging.format': ignored('string', 'text'),
  'logging.options': ignored('string', ''),
  'logging.verbosity': ignored('int32', '0'),
  'logging.vmodule': ignored('string', ''),
  metricsBindAddress: text as Field,
  mode: text as Field,
  'nftables.masqueradeAll': bool as Field,
  'nftables.masqueradeBit': int as Field,
  'nftables.minSyncPeriod': duration as Field,
  'nftables.syncPeriod': duration as Field,
  nodePortAddresses: { type: '[]string' },
  oomScoreAdj: int as Field,
  portRange: text as Field,
  showHiddenMetricsForVersion: ignored('string', ''),
  windowsRunAsService: ignored('bool', 'false'),
  'winkernel.enableDSR': bool as Field,
  'winkernel.forwardHealthCheckVip': bool as Field,
  'winkernel.networkName': text as Field,
  'winkernel.rootHnsEndpointName': text as Field,
  'winkernel.sourceVip': text as Field,
};

const sections = new Set(Object.keys(fields).flatMap((path) => (path.includes('.') ? [path.split('.')[0] ?? ''] : [])));

/** What cannot be decoded; the message is upstream's. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

export interface ConfigFile {
  /** The fields that were given, by path; durations in milliseconds. null counts as not given. */
  readonly values: ReadonlyMap<string, unknown>;
  /** One per field that is not known, or has no effect. */
  readonly warnings: readonly string[];
}

/** Throws DecodeError. */
export function readConfigFile(file: unknown): ConfigFile {
  if (!isMap(file)) throw new DecodeError(`expected a mapping, got ${goKind(file)}`);
  const { kind, apiVersion } = file;
  if (kind !== 'KubeProxyConfiguration' || apiVersion !== 'kubeproxy.config.k8s.io/v1alpha1')
    throw new DecodeError(
      `no kind ${JSON.stringify(kind ?? '')} is registered for version ${JSON.stringify(apiVersion ?? '')}`,
    );
  const values = new Map<string, unknown>();
  const unknown: string[] = [];
  const warnings: string[] = [];
  const take = (path: string, value: unknown): void => {
    const field = Object.hasOwn(fields, path) ? fields[path] : undefined;
    if (field === undefined) unknown.push(path);
    else if (value !== null && value !== undefined) {
      values.set(path, path === 'logging.options' ? value : decoded(path, field.type, value));
      if (field.ignoredUnless !== undefined && String(value) !== field.ignoredUnless && path !== 'logging.options')
        warnings.push(`${path} has no effect here`);
    }
  };
  for (const [name, value] of Object.entries(file)) {
    if (!sections.has(name)) take(name, value);
    else if (isMap(value)) for (const [inner, each] of Object.entries(value)) take(`${name}.${inner}`, each);
    else if (value !== null && value !== undefined) throw wrongType(name, value, `v1alpha1.${name}`);
  }
  if (unknown.length > 0)
    warnings.unshift(`strict decoding error: ${unknown.map((path) => `unknown field ${JSON.stringify(path)}`).join(', ')}`);
  return { values, warnings };
}

function decoded(path: string, type: GoType, value: unknown): unknown {
  switch (type) {
    case 'string':
      if (typeof value === 'string') return value;
      break;
    case 'bool':
      if (typeof value === 'boolean') return value;
      break;
    case 'int32':
      if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31) return value;
      break;
    case 'float32':
      if (typeof value === 'number') return value;
      break;
    case '[]string':
      if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
      break;
    case 'map[string]bool':
      if (isMap(value) && Object.values(value).every((each) => typeof each === 'boolean')) return value;
      break;
    case 'duration': {
      if (typeof value !== 'string') break;
      const ms = parseDuration(value.replace(/^-/, ''));
      if (ms === undefined) throw new DecodeError(`time: invalid duration ${JSON.stringify(value)}`);
      return value.startsWith('-') ? -ms : ms;
    }
  }
  throw wrongType(path, value, type === 'duration' ? 'string' : type);
}

function wrongType(path: string, value: unknown, type: string): DecodeError {
  return new DecodeError(
    `json: cannot unmarshal ${goKind(value)} into Go struct field KubeProxyConfiguration.${path} of type ${type}`,
  );
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : value === null ? 'null' : typeof value;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
