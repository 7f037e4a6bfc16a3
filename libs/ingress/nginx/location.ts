// One location of the plan as nginx's `location` block.
import type { Location } from '../model.ts';
import { locationId } from '../paths.ts';
import type { Settings } from '../settings.ts';
import { files, type NginxOptions } from './options.ts';
import { type Argument, block, type Directive, expression, literal, pattern, simple } from './tree.ts';

/** Name of the one upstream; Lua decides which endpoint it is. */
export const upstreamName = 'upstream_balancer';

/** Variables that ingress.lua reads; each has a value, if an empty one, everywhere. */
export const declaredVariables = [
  ...['proxy_upstream_name', 'proxy_alternative_upstream_name', 'fallback_upstream_name', 'location_id', 'upstream_hash_by'],
  ...['affinity_cookie', 'affinity_path', 'affinity_domain', 'affinity_expires', 'affinity_max_age', 'affinity_samesite'],
  ...['affinity_secure', 'affinity_change'],
  ...['cors_origins', 'cors_methods', 'cors_headers', 'cors_expose', 'cors_credentials', 'cors_max_age'],
] as const;
type Variable = (typeof declaredVariables)[number];

function set(name: Variable, value: string | number | Argument): Directive {
  return simple('set', expression(`$${name}`), typeof value === 'object' ? value : literal(value));
}

const special = /[.*+?^${}()|[\]\\]/g;

/** What nginx compares a path with. */
function matcherArgs({ match, path }: Location): Argument[] {
  switch (match) {
    case 'exact':
      return [literal('='), pattern(path)];
    case 'prefix':
      return [pattern(path)];
    case 'elements':
      return [literal('~'), pattern(path === '/' ? '^/' : `^${path.replace(special, '\\$&')}(?=/|$)`)];
    case 'regex':
      return [literal('~*'), pattern(`^(?:${path})`)];
  }
}

/** A location of a host. */
export function locationBlock(host: string, location: Location, settings: Settings, options: NginxOptions): Directive {
  const { closed, backend, values } = location;
  const inside: Directive[] = [
    set('location_id', location.ingress === undefined ? '' : locationId(host, location)),
    ...(values['enable-access-log'] === false ? [simple('access_log', 'off')] : []),
  ];
  const redirect = redirectOf(location);
  if (closed !== undefined) inside.push(simple('return', 503));
  else if (redirect !== undefined) inside.push(...redirect);
  else if (backend === undefined) inside.push(...toHttps(location, settings, options), simple('return', 404));
  else {
    inside.push(
      set('proxy_upstream_name', backend.name),
      set('fallback_upstream_name', location.fallback ?? ''),
      ...toHttps(location, settings, options),
      ...appRoot(location),
      ...access(location, settings),
      ...limits(location),
      ...affinity(location),
      ...cors(location),
      ...rewriting(location),
      ...proxying(location, settings),
    );
  }
  return block('location', matcherArgs(location), inside);
}

function redirectOf({ values }: Location): Directive[] | undefined {
  const temporal = values['temporal-redirect'];
  if (temporal !== undefined) return [simple('return', values['temporal-redirect-code'] ?? 302, temporal)];
  const permanent = values['permanent-redirect'];
  if (permanent !== undefined) return [simple('return', values['permanent-redirect-code'] ?? 301, permanent)];
  return undefined;
}

function toHttps({ toHttps: wanted }: Location, settings: Settings, { httpsPort }: NginxOptions): Directive[] {
  if (!wanted) return [];
  const port = httpsPort === 443 ? '' : `:${httpsPort}`;
  return [
    block(
      'if',
      [expression('($pass_access_scheme'), '=', literal('http)')],
      [simple('return', settings['http-redirect-code'], expression(`https://$redirect_host${port}$request_uri`))],
    ),
  ];
}

function appRoot({ values, rulePath }: Location): Directive[] {
  const root = values['app-root'];
  if (root === undefined || rulePath !== '/') return [];
  return [
    block(
      'if',
      [expression('($uri'), '=', literal('/)')],
      [simple('return', 302, expression(`$pass_access_scheme://$best_http_host${root}`))],
    ),
  ];
}

function access({ values, passwords }: Location, settings: Settings): Directive[] {
  const allowed = values['whitelist-source-range'] ?? settings['whitelist-source-range'];
  const denied = values['denylist-source-range'] ?? settings['denylist-source-range'];
  return [
    ...(values.satisfy === undefined ? [] : [simple('satisfy', values.satisfy)]),
    ...denied.map((range) => simple('deny', range)),
    ...allowed.map((range) => simple('allow', range)),
    ...(allowed.length > 0 ? [simple('deny', 'all')] : []),
    ...(passwords === undefined
      ? []
      : [simple('auth_basic', values['auth-realm'] ?? ''), simple('auth_basic_user_file', `${files.passwords}/${passwords}`)]),
  ];
}

/** Names of the zones of an Ingress's limits. */
export function limitZone({ ingress }: Location, kind: 'conn' | 'rps' | 'rpm'): string {
  return `${ingress?.namespace}_${ingress?.name}_${kind}`;
}

function limits(location: Location): Directive[] {
  const { values } = location;
  const burst = values['limit-burst-multiplier'] ?? 5;
  const rate = (kind: 'rps' | 'rpm', limit: number | undefined) =>
    limit === undefined ? [] : [simple('limit_req', `zone=${limitZone(location, kind)}`, `burst=${limit * burst}`, 'nodelay')];
  const connections = values['limit-connections'];
  return [
    ...(connections === undefined ? [] : [simple('limit_conn', limitZone(location, 'conn'), connections)]),
    ...rate('rps', values['limit-rps']),
    ...rate('rpm', values['limit-rpm']),
  ];
}

function affinity({ values, match, rulePath }: Location): Directive[] {
  const hashBy = values['upstream-hash-by'];
  if (values.affinity !== 'cookie') return hashBy === undefined ? [] : [set('upstream_hash_by', expression(hashBy))];
  const literalPath = match === 'regex' || /[^-._~a-zA-Z0-9/]/.test(rulePath) ? '/' : rulePath;
  return [
    set('affinity_cookie', values['session-cookie-name'] ?? ''),
    set('affinity_path', values['session-cookie-path'] ?? literalPath),
    set('affinity_domain', values['session-cookie-domain'] ?? ''),
    set('affinity_expires', values['session-cookie-expires'] ?? ''),
    set('affinity_max_age', values['session-cookie-max-age'] ?? ''),
    set('affinity_samesite', values['session-cookie-samesite'] ?? ''),
    set('affinity_secure', values['session-cookie-secure'] === true ? '1' : ''),
    set('affinity_change', values['session-cookie-change-on-failure'] === true ? '1' : ''),
  ];
}

function cors({ values }: Location): Directive[] {
  if (values['enable-cors'] !== true) return [];
  return [
    set('cors_origins', (values['cors-allow-origin'] ?? []).join(',')),
    set('cors_methods', values['cors-allow-methods'] ?? ''),
    set('cors_headers', values['cors-allow-headers'] ?? ''),
    set('cors_expose', values['cors-expose-headers'] ?? ''),
    set('cors_credentials', values['cors-allow-credentials'] === false ? '' : '1'),
    set('cors_max_age', values['cors-max-age'] ?? ''),
  ];
}

function rewriting({ values, match, path, rulePath }: Location): Directive[] {
  const target = values['rewrite-target'];
  if (target === undefined || target === rulePath) return [];
  const what = match === 'regex' ? `(?i)^(?:${path})` : `^${path === '/' ? '/' : `${path.replace(special, '\\$&')}(?=/|$)`}`;
  return [simple('rewrite', pattern(what), expression(target), 'break')];
}

function proxying(location: Location, settings: Settings): Directive[] {
  const { values } = location;
  const protocol = values['backend-protocol'] ?? 'HTTP';
  const grpc = protocol === 'GRPC' || protocol === 'GRPCS';
  const header = grpc ? 'grpc_set_header' : 'proxy_set_header';
  const pick = <N extends keyof typeof values & keyof Settings>(name: N) => values[name] ?? settings[name];
  const bufferSize = pick('proxy-buffer-size');
  const next = pick('proxy-next-upstream');
  const retried = settings['retry-non-idempotent'] && next !== 'off' ? `${next} non_idempotent` : next;
  const kind = grpc ? 'grpc' : 'proxy';
  return [
    simple('client_max_body_size', pick('proxy-body-size')),
    simple('client_body_buffer_size', pick('client-body-buffer-size')),
    simple(header, 'Host', values['upstream-vhost'] ?? expression('$best_http_host')),
    ...forwarding(header, settings),
    ...(values['x-forwarded-prefix'] === undefined
      ? []
      : [simple(header, 'X-Forwarded-Prefix', expression(values['x-forwarded-prefix']))]),
    ...(location.passwords === undefined ? [] : [simple(header, 'Authorization', '')]),
    ...(grpc
      ? []
      : [
          simple(header, 'Upgrade', expression('$http_upgrade')),
          simple(header, 'Connection', values['connection-proxy-header'] ?? expression('$connection_upgrade')),
          simple('proxy_http_version', values['proxy-http-version'] ?? '1.1'),
          simple('proxy_request_buffering', pick('proxy-request-buffering')),
          simple('proxy_buffering', pick('proxy-buffering')),
          simple('proxy_buffer_size', bufferSize),
          simple('proxy_buffers', pick('proxy-buffers-number'), bufferSize),
          ...(values['proxy-busy-buffers-size'] === undefined
            ? []
            : [simple('proxy_busy_buffers_size', values['proxy-busy-buffers-size'])]),
          simple('proxy_max_temp_file_size', values['proxy-max-temp-file-size'] ?? '1024m'),
          simple('proxy_cookie_domain', ...replacement(values['proxy-cookie-domain'])),
          simple('proxy_cookie_path', ...replacement(values['proxy-cookie-path'])),
          simple('proxy_redirect', 'off'),
        ]),
    simple(`${kind}_connect_timeout`, `${pick('proxy-connect-timeout')}s`),
    simple(`${kind}_send_timeout`, `${pick('proxy-send-timeout')}s`),
    simple(`${kind}_read_timeout`, `${pick('proxy-read-timeout')}s`),
    simple(`${kind}_next_upstream`, ...retried.split(' ')),
    simple(`${kind}_next_upstream_timeout`, pick('proxy-next-upstream-timeout')),
    simple(`${kind}_next_upstream_tries`, pick('proxy-next-upstream-tries')),
    ...(values['proxy-ssl-server-name'] === undefined
      ? []
      : [simple(`${kind}_ssl_server_name`, values['proxy-ssl-server-name'])]),
    ...(values['proxy-ssl-name'] === undefined ? [] : [simple(`${kind}_ssl_name`, values['proxy-ssl-name'])]),
    grpc
      ? simple('grpc_pass', `${protocol.toLowerCase()}://${upstreamName}`)
      : simple(
          'proxy_pass',
          protocol === 'AUTO_HTTP' ? expression(`$scheme://${upstreamName}`) : `${protocol.toLowerCase()}://${upstreamName}`,
        ),
  ];
}

function replacement(value: string | undefined): string[] {
  return (value ?? 'off').split(' ');
}

function forwarding(header: string, settings: Settings): Directive[] {
  const full = settings['use-forwarded-headers'] && settings['compute-full-forwarded-for'];
  const own: readonly (readonly [string, string])[] = [
    ['X-Request-ID', '$req_id'],
    ['X-Real-IP', '$remote_addr'],
    ['X-Forwarded-For', full ? '$full_x_forwarded_for' : '$remote_addr'],
    ['X-Forwarded-Host', '$best_http_host'],
    ['X-Forwarded-Port', '$pass_port'],
    ['X-Forwarded-Proto', '$pass_access_scheme'],
    ['X-Forwarded-Scheme', '$pass_access_scheme'],
    ['X-Scheme', '$pass_access_scheme'],
    ['X-Original-Forwarded-For', `$http_${settings['forwarded-for-header'].toLowerCase().replaceAll('-', '_')}`],
    ['X-Original-Forwarded-Host', '$http_x_forwarded_host'],
    // RFC 7239; ingress-nginx passes on whatever the client claims.
    ['Forwarded', 'for=$remote_addr;host=$host;proto=$pass_access_scheme'],
  ];
  // What a client sends as Proxy would become HTTP_PROXY of CGI programs.
  return [...own.map(([name, value]) => simple(header, name, expression(value))), simple(header, 'Proxy', '')];
}
