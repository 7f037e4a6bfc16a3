// The flags of the controller: ingress-nginx's names and defaults, and a few of ours.
import { type FlagSet, flag, type RefusedFlag } from '@drydock/foundation/flags.ts';

const seconds = 1_000;

export const flags = {
  kubeconfig: flag(
    'string',
    '',
    'Path to a kubeconfig file containing authorization and API server information. In a pod its account is taken without one.',
  ),
  'ingress-class': flag('string', 'nginx', 'Name of the ingress class this controller satisfies, in the older annotation.'),
  'controller-class': flag('string', 'k8s.io/ingress-nginx', 'Ingress Class Controller value this Ingress satisfies.'),
  'ingress-class-by-name': flag('bool', false, 'Whether a class of the name --ingress-class is ours whatever its controller.'),
  'watch-ingress-without-class': flag('bool', false, 'Whether Ingresses without a class are ours too.'),
  'watch-namespace': flag('string', '', 'Namespace the controller watches. All namespaces if it is empty.'),
  'annotations-prefix': flag('string', 'nginx.ingress.kubernetes.io', 'Prefix of the annotations of an Ingress.'),
  configmap: flag('string', '', 'Name of the ConfigMap with the settings for all hosts, NAMESPACE/NAME.'),
  'tcp-services-configmap': flag(
    'string',
    '',
    'ConfigMap with TCP services, NAMESPACE/NAME. What it has is not served, and told in an event.',
  ),
  'udp-services-configmap': flag(
    'string',
    '',
    'ConfigMap with UDP services, NAMESPACE/NAME. What it has is not served, and told in an event.',
  ),
  'default-backend-service': flag('string', '', 'Service that answers what nobody else does, NAMESPACE/NAME. 404 without one.'),
  'default-ssl-certificate': flag('string', '', 'Secret with the certificate of hosts that have none, NAMESPACE/NAME.'),
  'disable-catch-all': flag('bool', false, 'Whether Ingresses with a default backend and no rules are left out.'),
  'publish-service': flag('string', '', 'Service whose addresses are published in the status of Ingresses, NAMESPACE/NAME.'),
  'publish-status-address': flag('strings', [], 'Addresses that are published instead.'),
  'report-node-internal-ip-address': flag(
    'bool',
    false,
    "Whether a node's internal address is published, not its external one.",
  ),
  'update-status': flag('bool', true, 'Whether the status of Ingresses is written.'),
  'update-status-on-shutdown': flag('bool', true, 'Whether a single address is withdrawn at the end.'),
  'status-update-interval': flag('int', 60, 'Seconds after which statuses are looked at again.'),
  'election-id': flag('string', 'ingress-controller-leader', 'Name of the Lease of who writes statuses.'),
  'election-ttl': flag('duration', 30 * seconds, 'How long an election is valid.'),
  'disable-leader-election': flag('bool', false, 'Whether every replica writes statuses.'),
  'disable-sync-events': flag('bool', false, 'Whether the events "Sync" are left out.'),
  'http-port': flag('int', 80, 'Port of HTTP.'),
  'https-port': flag('int', 443, 'Port of HTTPS.'),
  'healthz-port': flag('int', 10254, 'Port of /healthz and /metrics.'),
  'healthz-host': flag('string', '', 'Address of /healthz and /metrics. All if it is empty.'),
  'validating-webhook': flag(
    'string',
    '',
    'Address and port where the API server asks about Ingresses. Nowhere if it is empty.',
  ),
  'validating-webhook-certificate': flag('string', '', 'File of the certificate of that port.'),
  'validating-webhook-key': flag('string', '', 'File of its key.'),
  'sync-rate-limit': flag('float', 0.3, 'Most reloads a second. Endpoints change without one.'),
  'shutdown-grace-period': flag('int', 0, 'Seconds between the signal to end and the end of nginx.'),
  'state-folder': flag('string', '', "Where nginx's files are. A folder of its own if it is empty."),
  'nginx-binary': flag('string', 'nginx', 'The nginx to run.'),
  'nginx-modules': flag('string', '/usr/lib/nginx/modules', "Folder of nginx's modules."),
  places: flag(
    'string',
    '',
    'JSON file with the places to listen in: [{"name", "address", "prefix": [COMMAND...]}]; without one, here.',
  ),
  v: flag('int', 0, 'Number for the log level verbosity.', 'v'),
} satisfies FlagSet;

const notServed = (because: string, takes: 'value' | 'bool' = 'value', unless?: (text: string) => boolean): RefusedFlag => ({
  takes,
  because,
  ...(unless === undefined ? {} : { unless }),
});
const off = (text: string) => text === 'false';

/** Flags of ingress-nginx that ask for what is not served. */
export const refusedFlags: Readonly<Record<string, RefusedFlag>> = {
  'apiserver-host': notServed('the server is the one of --kubeconfig'),
  'certificate-authority': notServed('the server is the one of --kubeconfig'),
  'enable-ssl-passthrough': notServed('TLS ends here', 'bool', off),
  'watch-namespace-selector': notServed('namespaces are not selected: use --watch-namespace'),
  'enable-topology-aware-routing': notServed('endpoints are not told apart by zone', 'bool', off),
};

/** Flags of ingress-nginx without effect here. */
export const ignoredFlags: Readonly<Record<string, 'value' | 'bool'>> = Object.fromEntries([
  ...[
    ...[
      'default-server-port',
      'status-port',
      'stream-port',
      'ssl-passthrough-proxy-port',
      'profiler-port',
      'internal-logger-address',
    ],
    ...[
      'health-check-path',
      'health-check-timeout',
      'dynamic-configuration-retries',
      'sync-period',
      'post-shutdown-grace-period',
    ],
    ...['time-buckets', 'length-buckets', 'size-buckets', 'exclude-socket-metrics', 'monitor-max-batch-size', 'bucket-factor'],
    ...['max-buckets', 'maxmind-edition-ids', 'maxmind-retries-timeout', 'maxmind-retries-count', 'maxmind-license-key'],
    ...['maxmind-mirror'],
  ].map((name) => [name, 'value'] as const),
  ...[
    ...[
      'enable-metrics',
      'metrics-per-host',
      'metrics-per-undefined-host',
      'report-status-classes',
      'profiling',
      'deep-inspect',
    ],
    ...['enable-annotation-validation', 'disable-full-test', 'disable-svc-external-name', 'enable-ssl-chain-completion'],
  ].map((name) => [name, 'bool'] as const),
]);
