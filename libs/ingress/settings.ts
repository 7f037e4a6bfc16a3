// Options of the ConfigMap: what holds for all hosts, and what holds where an Ingress has no annotation of that name. Names and
// defaults are ingress-nginx's.
import { bool, int, type Kind, nextUpstream, oneOf, plain, Refusal, ranges, size, token } from './annotations/grammar.ts';

interface Option<T> {
  readonly kind: Kind<T>;
  readonly absent: T;
}

function option<T>(kind: Kind<T>, absent: T): Option<T> {
  return { kind, absent };
}

const onOff = oneOf(['on', 'off']);
const secondsMax = 2_147_483;
const timeout = int(0, secondsMax);

/** Words separated by spaces, each of a list. */
function wordsOf(list: readonly string[]): Kind<string> {
  const says = `words of ${list.join(', ')}`;
  return {
    says,
    parse: (text) => {
      const given = text.trim().split(/\s+/);
      return given.every((word) => list.includes(word)) ? given.join(' ') : new Refusal(says);
    },
  };
}

const buffers: Kind<string> = {
  says: 'a number and a size such as 4 8k',
  parse: (text) =>
    /^\d{1,4} \d{1,7}[kmKM]?$/.test(text.trim()) ? text.trim() : new Refusal('a number and a size such as 4 8k'),
};

const paths: Kind<string[]> = {
  says: 'paths, separated by commas',
  parse: (text) => {
    const list = text
      .split(',')
      .map((path) => path.trim())
      .filter((path) => path !== '');
    return list.every((path) => /^\/[-._~a-zA-Z0-9/]*$/.test(path)) ? list : new Refusal('paths, separated by commas');
  },
};

export const settingsTable = {
  'proxy-body-size': option(size, '1m'),
  'client-body-buffer-size': option(size, '8k'),
  'client-body-timeout': option(timeout, 60),
  'client-header-buffer-size': option(size, '1k'),
  'client-header-timeout': option(timeout, 60),
  'large-client-header-buffers': option(buffers, '4 8k'),
  'proxy-connect-timeout': option(timeout, 5),
  'proxy-send-timeout': option(timeout, 60),
  'proxy-read-timeout': option(timeout, 60),
  'proxy-next-upstream': option(nextUpstream, 'error timeout'),
  'proxy-next-upstream-timeout': option(timeout, 0),
  'proxy-next-upstream-tries': option(int(0, 100), 3),
  'retry-non-idempotent': option(bool, false),
  'proxy-request-buffering': option(onOff, 'on'),
  'proxy-buffering': option(onOff, 'off'),
  'proxy-buffers-number': option(int(1, 1024), 4),
  'proxy-buffer-size': option(size, '4k'),
  'ssl-redirect': option(bool, true),
  'force-ssl-redirect': option(bool, false),
  'http-redirect-code': option(int(301, 308), 308),
  'no-tls-redirect-locations': option(paths, ['/.well-known/acme-challenge']),
  'service-upstream': option(bool, false),
  'whitelist-source-range': option<string[]>(ranges, []),
  'denylist-source-range': option<string[]>(ranges, []),
  'use-forwarded-headers': option(bool, false),
  'compute-full-forwarded-for': option(bool, false),
  'forwarded-for-header': option(token, 'X-Forwarded-For'),
  'proxy-real-ip-cidr': option<string[]>(ranges, ['0.0.0.0/0']),
  'use-proxy-protocol': option(bool, false),
  'use-http2': option(bool, true),
  'http2-max-concurrent-streams': option(int(1, 65_535), 128),
  'ssl-protocols': option(wordsOf(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']), 'TLSv1.2 TLSv1.3'),
  'ssl-session-timeout': option(plain, '10m'),
  hsts: option(bool, true),
  'hsts-max-age': option(int(0, 2_147_483_647), 31_536_000),
  'hsts-include-subdomains': option(bool, true),
  'hsts-preload': option(bool, false),
  'keep-alive': option(timeout, 75),
  'keep-alive-requests': option(int(1, 2_147_483_647), 1_000),
  'upstream-keepalive-connections': option(int(0, 65_535), 320),
  'upstream-keepalive-timeout': option(timeout, 60),
  'upstream-keepalive-requests': option(int(1, 2_147_483_647), 10_000),
  'worker-processes': option<string>(
    {
      says: 'auto or a number',
      parse: (text) => (/^(?:auto|[1-9]\d{0,2})$/.test(text) ? text : new Refusal('auto or a number')),
    },
    'auto',
  ),
  'max-worker-connections': option(int(64, 1_048_576), 16_384),
  'worker-shutdown-timeout': option<string>(
    { says: 'a time such as 240s', parse: (text) => (/^\d{1,6}[smh]$/.test(text) ? text : new Refusal('a time such as 240s')) },
    '240s',
  ),
  'enable-underscores-in-headers': option(bool, false),
  'ignore-invalid-headers': option(bool, true),
  'disable-access-log': option(bool, false),
  'error-log-level': option(oneOf(['debug', 'info', 'notice', 'warn', 'error', 'crit', 'alert', 'emerg']), 'notice'),
  'server-tokens': option(bool, false),
  'use-gzip': option(bool, false),
  'gzip-level': option(int(1, 9), 1),
  'gzip-min-length': option(int(0, 2_147_483_647), 256),
  'limit-req-status-code': option(int(400, 599), 503),
  'limit-conn-status-code': option(int(400, 599), 503),
  'strict-validate-path-type': option(bool, true),
} satisfies Record<string, Option<unknown>>;

type SettingName = keyof typeof settingsTable;
export type Settings = {
  readonly [N in SettingName]: (typeof settingsTable)[N] extends Option<infer T> ? T : never;
};

/** Options that change nothing here, because they are so anyway or concern what upstream's image has besides. */
const withoutEffect = new Set([
  ...['allow-backend-server-header', 'annotations-risk-level', 'annotation-value-word-blocklist', 'enable-real-ip'],
  ...['reuse-port', 'enable-multi-accept', 'access-log-path', 'error-log-path', 'server-name-hash-max-size'],
  ...['server-name-hash-bucket-size', 'map-hash-bucket-size', 'variables-hash-max-size', 'lua-shared-dicts', 'disable-ipv6'],
]);

/** The settings of a ConfigMap's data (undefined: none), and what is wrong with it. */
export function readSettings(data: Readonly<Record<string, string>> | undefined): {
  readonly settings: Settings;
  readonly problems: readonly string[];
} {
  const settings: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, { absent }] of Object.entries(settingsTable)) settings[name] = absent;
  for (const [name, text] of Object.entries(data ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (Object.hasOwn(settingsTable, name)) {
      if (text === '') continue;
      const value = settingsTable[name as SettingName].kind.parse(text);
      if (value instanceof Refusal) problems.push(`${name}: expected ${value.expected}; the default is used`);
      else settings[name] = value;
    } else if (name === 'allow-snippet-annotations') {
      if (text === 'true') problems.push('allow-snippet-annotations: snippets are not served');
    } else if (!withoutEffect.has(name)) problems.push(`${name}: this option is not served`);
  }
  return { settings: settings as unknown as Settings, problems };
}

/** What is to be said of a ConfigMap with services of bare TCP or UDP; undefined where it is empty. */
export function streamProblem(protocol: 'tcp' | 'udp', data: Readonly<Record<string, string>> = {}): string | undefined {
  const ports = Object.keys(data).sort();
  if (ports.length === 0) return undefined;
  const kind = protocol.toUpperCase();
  return `${kind} services are not proxied, use a Service of type NodePort or LoadBalancer: ports ${ports.join(', ')}`;
}
