// The command line: upstream's flags that have an effect here (for the others see unserved.ts), and the fields that they set.
import { featureGatesFlag } from '@drydock/foundation/feature-gates.ts';
import { flag, type Values } from '@drydock/foundation/flags.ts';
import { ConfigError } from './config-error.ts';
import type { Fields } from './decode.ts';

const minute = 60_000;

export const flags = {
  config: flag('string', '', 'file with a KubeletConfiguration'),
  kubeconfig: flag('string', '', 'how to connect to the API server'),
  'hostname-override': flag('string', '', 'name of the node instead of the hostname'),
  'node-ip': flag('string', '', 'address of the node'),
  'root-dir': flag('string', '/var/lib/kubelet', 'folder of the pods and volumes'),
  'cert-dir': flag('string', '/var/lib/kubelet/pki', 'folder of certificates'),
  'container-runtime-endpoint': flag('string', '', 'unix:///path/to/socket, or hollow://'),
  'pod-manifest-path': flag('string', '', 'folder (or file) of manifests of pods that run without the API server'),
  'file-check-frequency': flag('duration', 20_000, 'how often it is looked into; changes are mostly seen at once'),
  'manifest-url': flag('string', '', 'URL of manifests of pods that run without the API server'),
  'manifest-url-header': flag('strings', [], 'headers to ask it with: name:value'),
  'http-check-frequency': flag('duration', 20_000, 'how often it is asked'),
  address: flag('string', '0.0.0.0', 'address to serve on'),
  port: flag('int', 10_250, 'port of the HTTPS API'),
  'node-agent-port': flag('int', 10_251, 'port of the gRPC NodeAgent; 0 is off'),
  'healthz-bind-address': flag('string', '127.0.0.1', 'address of the health check'),
  'healthz-port': flag('int', 10_248, 'port of the health check; 0 is off'),
  'enable-server': flag('bool', true, 'whether logs, exec and the like are served at all'),
  'enable-debugging-handlers': flag('bool', true, 'whether logs, exec, attach and port-forward are served'),
  'tls-cert-file': flag('string', '', 'certificate of the servers'),
  'tls-private-key-file': flag('string', '', 'key of the certificate of the servers'),
  'tls-cipher-suites': flag('strings', [], 'cipher suites of the servers, by their names in Go'),
  'tls-min-version': flag('string', '', 'oldest TLS version that is served: VersionTLS10 to VersionTLS13'),
  'anonymous-auth': flag('bool', false, 'whether who does not say who they are is system:anonymous, or turned away'),
  'authentication-token-webhook': flag('bool', true, 'whether the API server is asked whose a bearer token is'),
  'authentication-token-webhook-cache-ttl': flag('duration', 2 * minute, 'how long its answers are good'),
  'authorization-mode': flag('string', 'Webhook', 'AlwaysAllow, or Webhook: the API server is asked'),
  'authorization-webhook-cache-authorized-ttl': flag('duration', 5 * minute, 'how long a yes of it is good'),
  'authorization-webhook-cache-unauthorized-ttl': flag('duration', minute / 2, 'how long a no of it is good'),
  'client-ca-file': flag('string', '', 'authority of the client certificates'),
  'cgroup-root': flag('string', '/', 'cgroup below which those of the pods are made'),
  'cluster-dns': flag('strings', [], 'DNS servers of the cluster'),
  'cluster-domain': flag('string', '', 'domain of the cluster'),
  'resolv-conf': flag('string', '/etc/resolv.conf', 'what pods with the DNS of their node are given'),
  'container-log-max-size': flag('string', '10Mi', 'a log is begun anew from this size on'),
  'container-log-max-files': flag('int', 5, 'files that are kept of the log of one container'),
  'node-labels': flag('map', {}, 'labels of the node when it registers'),
  'register-with-taints': flag('strings', [], 'taints of the node when it registers: key=value:effect'),
  'eviction-hard': flag('string', '', 'when the node is short: memory.available<100Mi,nodefs.available<10%'),
  'eviction-pressure-transition-period': flag('duration', 5 * minute, 'how long it is then short at least'),
  'system-reserved': flag('map', {}, 'what the system keeps from pods: cpu=200m,memory=500Mi'),
  'kube-reserved': flag('map', {}, 'what Kubernetes itself keeps from pods'),
  'enforce-node-allocatable': flag('strings', ['pods'], 'pods: all pods together get no more than allocatable; or none'),
  'allowed-unsafe-sysctls': flag('strings', [], 'unsafe sysctls that pods may set; a final * stands for anything'),
  'seccomp-default': flag('bool', false, 'containers without a seccomp profile get RuntimeDefault instead of none'),
  'protect-kernel-defaults': flag('bool', false, 'no start where the kernel is tuned otherwise than upstream has it'),
  'fail-swap-on': flag('bool', true, 'no start where the machine swaps'),
  'fail-cgroupv1': flag('bool', true, 'no start on cgroup v1'),
  'pod-max-pids': flag('int', -1, 'processes that one pod may have; -1: no limit'),
  'kube-api-qps': flag('int', 50, 'requests to the API server a second, at most; not of events and of the node lease'),
  'kube-api-burst': flag('int', 100, 'requests to the API server at once, at most'),
  'event-qps': flag('int', 50, 'events written a second, at most'),
  'event-burst': flag('int', 100, 'events written at once, at most'),
  'max-pods': flag('int', 110, 'pods that may run here'),
  'pods-per-core': flag('int', 0, 'pods that may run here for each processor; 0: only --max-pods limits them'),
  'node-status-update-frequency': flag('duration', 10_000, 'how often the status of the node is computed'),
  'feature-gates': featureGatesFlag,
  v: flag('int', 0, 'log verbosity', 'v'),
};

export type FlagValues = Values<typeof flags>;
type FlagName = keyof typeof flags;

/** Those that set a field as it is. */
const fieldOf: Partial<Record<FlagName, string>> = {
  'container-runtime-endpoint': 'containerRuntimeEndpoint',
  'pod-manifest-path': 'staticPodPath',
  'file-check-frequency': 'fileCheckFrequency',
  'manifest-url': 'staticPodURL',
  'http-check-frequency': 'httpCheckFrequency',
  address: 'address',
  port: 'port',
  'healthz-bind-address': 'healthzBindAddress',
  'healthz-port': 'healthzPort',
  'enable-server': 'enableServer',
  'enable-debugging-handlers': 'enableDebuggingHandlers',
  'tls-cert-file': 'tlsCertFile',
  'tls-private-key-file': 'tlsPrivateKeyFile',
  'tls-cipher-suites': 'tlsCipherSuites',
  'tls-min-version': 'tlsMinVersion',
  'anonymous-auth': 'authentication.anonymous.enabled',
  'authentication-token-webhook': 'authentication.webhook.enabled',
  'authentication-token-webhook-cache-ttl': 'authentication.webhook.cacheTTL',
  'authorization-mode': 'authorization.mode',
  'authorization-webhook-cache-authorized-ttl': 'authorization.webhook.cacheAuthorizedTTL',
  'authorization-webhook-cache-unauthorized-ttl': 'authorization.webhook.cacheUnauthorizedTTL',
  'client-ca-file': 'authentication.x509.clientCAFile',
  'cgroup-root': 'cgroupRoot',
  'cluster-dns': 'clusterDNS',
  'cluster-domain': 'clusterDomain',
  'resolv-conf': 'resolvConf',
  'container-log-max-size': 'containerLogMaxSize',
  'container-log-max-files': 'containerLogMaxFiles',
  'eviction-pressure-transition-period': 'evictionPressureTransitionPeriod',
  'enforce-node-allocatable': 'enforceNodeAllocatable',
  'allowed-unsafe-sysctls': 'allowedUnsafeSysctls',
  'seccomp-default': 'seccompDefault',
  'protect-kernel-defaults': 'protectKernelDefaults',
  'fail-swap-on': 'failSwapOn',
  'fail-cgroupv1': 'failCgroupV1',
  'pod-max-pids': 'podPidsLimit',
  'kube-api-qps': 'kubeAPIQPS',
  'kube-api-burst': 'kubeAPIBurst',
  'event-qps': 'eventRecordQPS',
  'event-burst': 'eventBurst',
  'max-pods': 'maxPods',
  'pods-per-core': 'podsPerCore',
  'node-status-update-frequency': 'nodeStatusUpdateFrequency',
};

/** Of maps the flag adds to what the file has. */
const mapOf: Partial<Record<FlagName, string>> = { 'system-reserved': 'systemReserved', 'kube-reserved': 'kubeReserved' };

/** The fields under the flags that were given: flags win over the file, as upstream has it. */
export function withFlags(fields: Fields, values: FlagValues, given: ReadonlySet<string>): Fields {
  let result = fields;
  for (const [name, path] of Object.entries(fieldOf)) if (given.has(name)) result = set(result, path, textOf(name, values));
  for (const [name, path] of Object.entries(mapOf))
    if (given.has(name))
      result = set(result, path, { ...(fields[path] as object | undefined), ...(values[name as FlagName] as object) });
  if (given.has('manifest-url-header')) result = set(result, 'staticPodURLHeader', headersOf(values['manifest-url-header']));
  return result;
}

/** Throws ConfigError. */
function headersOf(texts: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (const text of texts) {
    const colon = text.indexOf(':');
    if (colon < 1) throw new ConfigError(`--manifest-url-header: expected name:value, got ${JSON.stringify(text)}`);
    const name = text.slice(0, colon).trim();
    headers[name] = [...(headers[name] ?? []), text.slice(colon + 1).trim()];
  }
  return headers;
}

/** A duration as a file has it. */
function textOf(name: string, values: FlagValues): unknown {
  const value = values[name as FlagName];
  return flags[name as FlagName].type === 'duration' ? `${value as number}ms` : value;
}

function set(fields: Fields, path: string, value: unknown): Fields {
  const [first = '', ...rest] = path.split('.');
  const inner = (fields[first] ?? {}) as Fields;
  return { ...fields, [first]: rest.length === 0 ? value : set(inner, rest.join('.'), value) };
}
