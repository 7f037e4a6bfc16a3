// Every annotation that is served: its kind, what it is without the annotation, and what it does. One entry each; the reader, the
// documentation and the tests go through this table. Names, defaults and meanings are ingress-nginx's.
import {
  bool,
  hashBy,
  headerNames,
  hostNames,
  int,
  type Kind,
  methods,
  nextUpstream,
  objectName,
  oneOf,
  origins,
  plain,
  ranges,
  regex,
  replacing,
  rewriteTarget,
  size,
  token,
  url,
  urlPath,
  words,
} from './grammar.ts';

/** One annotation. */
export interface Entry<T> {
  readonly kind: Kind<T>;
  /** Without the annotation; undefined where the ConfigMap, or nothing, says it. */
  readonly absent: T | undefined;
  readonly effect: string;
  /** Other names of the same annotation. */
  readonly aliases: readonly string[];
  /** Keeps somebody out: where it cannot be understood, its paths answer 503 rather than everybody. */
  readonly protects: boolean;
}

function entry<T>(
  kind: Kind<T>,
  effect: string,
  more: { readonly absent?: NoInfer<T>; readonly aliases?: readonly string[]; readonly protects?: boolean } = {},
): Entry<T> {
  return { kind, effect, absent: more.absent, aliases: more.aliases ?? [], protects: more.protects ?? false };
}

const onOff = oneOf(['on', 'off']);
const secondsMax = 2_147_483;

export const annotationTable = {
  'rewrite-target': entry(rewriteTarget, 'the path that backends see; all paths of the host become regular expressions'),
  'use-regex': entry(bool, 'paths of the host are regular expressions, whatever their letters case', { absent: false }),
  'app-root': entry(urlPath, 'where GET / is redirected to (302)'),
  'ssl-redirect': entry(bool, 'HTTP is redirected to HTTPS (308) where the host has TLS'),
  'force-ssl-redirect': entry(bool, 'HTTP is redirected to HTTPS (308) also where the host has no TLS of its own'),
  'permanent-redirect': entry(url, 'every request is redirected there'),
  'permanent-redirect-code': entry(int(300, 308), 'the code of permanent-redirect', { absent: 301 }),
  'temporal-redirect': entry(url, 'every request is redirected there, for now'),
  'temporal-redirect-code': entry(int(300, 308), 'the code of temporal-redirect', { absent: 302 }),
  'backend-protocol': entry(oneOf(['HTTP', 'HTTPS', 'GRPC', 'GRPCS', 'AUTO_HTTP'], true), 'what backends speak', {
    absent: 'HTTP',
  }),
  'service-upstream': entry(bool, "requests go to the Service's cluster IP instead of to its endpoints"),
  'default-backend': entry(objectName, 'the Service that answers where the path’s own has no endpoints'),
  'server-alias': entry(hostNames, 'further names of the host'),
  'upstream-vhost': entry(plain, 'the Host that backends see'),
  'x-forwarded-prefix': entry(rewriteTarget, 'the header X-Forwarded-Prefix, with rewrite-target'),
  'connection-proxy-header': entry(oneOf(['keep-alive', 'close', 'upgrade'], true), 'the header Connection that backends see'),
  'upstream-hash-by': entry(hashBy, 'requests with the same text go to the same endpoint'),
  'load-balance': entry(oneOf(['round_robin']), 'how endpoints take turns'),
  'proxy-body-size': entry(size, 'larger bodies are refused (413); 0: none is'),
  'client-body-buffer-size': entry(size, 'more of a body is put into a file'),
  'proxy-connect-timeout': entry(int(0, secondsMax), 'seconds until a connection to an endpoint stands'),
  'proxy-send-timeout': entry(int(0, secondsMax), 'seconds between two writes to an endpoint'),
  'proxy-read-timeout': entry(int(0, secondsMax), 'seconds between two reads from an endpoint'),
  'proxy-next-upstream': entry(nextUpstream, 'when another endpoint is tried'),
  'proxy-next-upstream-timeout': entry(int(0, secondsMax), 'seconds for trying other endpoints; 0: no limit'),
  'proxy-next-upstream-tries': entry(int(0, 100), 'how many endpoints are tried; 0: no limit'),
  'proxy-request-buffering': entry(onOff, 'whether a body is read whole before an endpoint gets it'),
  'proxy-buffering': entry(onOff, 'whether answers are buffered'),
  'proxy-buffers-number': entry(int(1, 1024), 'how many buffers'),
  'proxy-buffer-size': entry(size, 'the size of one'),
  'proxy-max-temp-file-size': entry(size, 'how much of an answer may be put into a file'),
  'proxy-http-version': entry(oneOf(['1.0', '1.1']), 'the version of HTTP that backends are spoken to in'),
  'proxy-cookie-domain': entry(replacing, 'the domain of cookies that backends set'),
  'proxy-cookie-path': entry(replacing, 'the path of cookies that backends set'),
  'proxy-ssl-server-name': entry(onOff, 'whether backends are told a name in TLS (SNI)'),
  'proxy-ssl-name': entry(plain, 'that name'),
  affinity: entry(oneOf(['cookie']), 'a client stays with its endpoint, by a cookie'),
  'affinity-mode': entry(oneOf(['balanced', 'persistent']), 'whether clients move when endpoints are added', {
    absent: 'balanced',
  }),
  'affinity-canary-behavior': entry(oneOf(['sticky', 'legacy']), 'whether a client stays with the canary', {
    absent: 'sticky',
  }),
  'session-cookie-name': entry(token, 'the name of the cookie', { absent: 'INGRESSCOOKIE' }),
  'session-cookie-path': entry(urlPath, 'its Path'),
  'session-cookie-domain': entry(plain, 'its Domain'),
  'session-cookie-expires': entry(int(-secondsMax, secondsMax), 'seconds until its Expires'),
  'session-cookie-max-age': entry(int(-secondsMax, secondsMax), 'its Max-Age, in seconds'),
  'session-cookie-samesite': entry(oneOf(['None', 'Lax', 'Strict'], true), 'its SameSite'),
  'session-cookie-secure': entry(bool, 'Secure also over HTTP'),
  'session-cookie-change-on-failure': entry(bool, 'a new endpoint, and a new cookie, where the old one fails', {
    absent: false,
  }),
  canary: entry(bool, 'this Ingress is the alternative of another one with the same host and path', { absent: false }),
  'canary-by-header': entry(token, 'the header that decides: always, never'),
  'canary-by-header-value': entry(plain, 'the value of that header that leads to the canary'),
  'canary-by-header-pattern': entry(regex, 'the same as a regular expression'),
  'canary-by-cookie': entry(token, 'the cookie that decides: always, never'),
  'canary-weight': entry(int(0, 1_000_000), 'how many of canary-weight-total requests go to the canary', { absent: 0 }),
  'canary-weight-total': entry(int(1, 1_000_000), 'of how many', { absent: 100 }),
  'whitelist-source-range': entry(ranges, 'who may come (403 for others)', {
    aliases: ['allowlist-source-range'],
    protects: true,
  }),
  'denylist-source-range': entry(ranges, 'who may not come (403)', { protects: true }),
  'auth-type': entry(oneOf(['basic']), 'a log-in is asked for (401)', { protects: true }),
  'auth-secret': entry(objectName, 'the Secret with users and passwords, in the key auth', { protects: true }),
  'auth-secret-type': entry(oneOf(['auth-file', 'auth-map']), 'a file in the key auth, or a key per user', {
    absent: 'auth-file',
    protects: true,
  }),
  'auth-realm': entry(words, 'what browsers show', { absent: 'Authentication Required' }),
  satisfy: entry(oneOf(['all', 'any']), 'whether address and log-in are both asked for', { protects: true }),
  'limit-rps': entry(int(1, 1_000_000), 'requests a second of one address (503 beyond)', { protects: true }),
  'limit-rpm': entry(int(1, 1_000_000), 'requests a minute of one address (503 beyond)', { protects: true }),
  'limit-connections': entry(int(1, 1_000_000), 'connections of one address (503 beyond)', { protects: true }),
  'limit-burst-multiplier': entry(int(1, 1_000), 'how many times the limit may come at once', { absent: 5, protects: true }),
  'enable-cors': entry(bool, 'CORS: preflight requests are answered, answers carry its headers', { absent: false }),
  'cors-allow-origin': entry(origins, 'Access-Control-Allow-Origin', { absent: ['*'] }),
  'cors-allow-methods': entry(methods, 'Access-Control-Allow-Methods', { absent: 'GET, PUT, POST, DELETE, PATCH, OPTIONS' }),
  'cors-allow-headers': entry(headerNames, 'Access-Control-Allow-Headers', {
    absent: 'DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization',
  }),
  'cors-allow-credentials': entry(bool, 'Access-Control-Allow-Credentials', { absent: true }),
  'cors-expose-headers': entry(headerNames, 'Access-Control-Expose-Headers'),
  'cors-max-age': entry(int(0, secondsMax), 'Access-Control-Max-Age', { absent: 1_728_000 }),
  'enable-access-log': entry(bool, 'whether requests are logged', { absent: true }),
  'proxy-busy-buffers-size': entry(size, 'how much of an answer may be on its way to the client'),
} satisfies Record<string, Entry<unknown>>;

export type AnnotationName = keyof typeof annotationTable;
/** What each served annotation says, or would say by default. */
export type Annotations = {
  readonly [N in AnnotationName]: (typeof annotationTable)[N] extends Entry<infer T> ? T | undefined : never;
};
