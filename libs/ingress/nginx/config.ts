// The routing plan as a configuration of nginx.
import type { RoutingPlan, Server } from '../model.ts';
import { anyHost } from '../parsed.ts';
import type { Settings } from '../settings.ts';
import { declaredVariables, limitZone, locationBlock, upstreamName } from './location.ts';
import { certificateName, files, generationPlace, type NginxOptions } from './options.ts';
import { block, type Directive, expression, literal, pattern, render, simple } from './tree.ts';

/** The whole file, with `generationPlace` where its generation belongs. */
export function nginxConfig(plan: RoutingPlan, settings: Settings, options: NginxOptions): string {
  return render(nginxTree(plan, settings, options));
}

export function nginxTree(plan: RoutingPlan, settings: Settings, options: NginxOptions): Directive[] {
  return [
    ...['ndk_http_module.so', 'ngx_http_lua_module.so'].map((name) =>
      simple('load_module', `${options.modulesFolder}/${name}`),
    ),
    ...(options.user === undefined ? [] : [simple('user', options.user)]),
    simple('daemon', 'off'),
    simple('pid', files.pid),
    simple('worker_processes', settings['worker-processes']),
    simple('worker_shutdown_timeout', settings['worker-shutdown-timeout']),
    simple('error_log', 'stderr', settings['error-log-level']),
    block(
      'events',
      [],
      [simple('worker_connections', settings['max-worker-connections']), simple('multi_accept', 'on'), simple('use', 'epoll')],
    ),
    block(
      'http',
      [],
      [
        ...lua(options),
        ...general(settings),
        ...realAddress(settings),
        ...maps(settings, options),
        ...zones(plan),
        upstream(settings, options),
        control(),
        ...plan.servers.map((server) => serverBlock(server, plan, settings, options)),
      ],
    ),
  ];
}

function lua({ luaFolder }: NginxOptions): Directive[] {
  return [
    simple('lua_package_path', `${luaFolder}/?.lua;;`),
    simple('lua_shared_dict', 'backends', '8m'),
    simple('lua_shared_dict', 'metrics', '4m'),
    simple('init_by_lua', `ingress = require "ingress" ingress.load("${files.backends}")`),
    simple('init_worker_by_lua', 'ingress.init_worker()'),
    simple('header_filter_by_lua', 'ingress.header_filter()'),
    simple('log_by_lua', 'ingress.log()'),
  ];
}

function general(settings: Settings): Directive[] {
  const on = (value: boolean) => (value ? 'on' : 'off');
  const log =
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" ' +
    '$request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr ' +
    '$upstream_response_length $upstream_response_time $upstream_status $req_id';
  return [
    ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) =>
      simple(`${name}_temp_path`, `${files.temporary}/${name}`),
    ),
    simple('log_format', 'upstreaminfo', expression(log)),
    settings['disable-access-log'] ? simple('access_log', 'off') : simple('access_log', '/dev/stdout', 'upstreaminfo'),
    simple('uninitialized_variable_warn', 'off'),
    simple('tcp_nopush', 'on'),
    simple('tcp_nodelay', 'on'),
    simple('reset_timedout_connection', 'on'),
    simple('keepalive_timeout', `${settings['keep-alive']}s`),
    simple('keepalive_requests', settings['keep-alive-requests']),
    simple('client_header_buffer_size', settings['client-header-buffer-size']),
    simple('client_header_timeout', `${settings['client-header-timeout']}s`),
    simple('large_client_header_buffers', ...settings['large-client-header-buffers'].split(' ')),
    simple('client_body_timeout', `${settings['client-body-timeout']}s`),
    simple('http2_max_concurrent_streams', settings['http2-max-concurrent-streams']),
    simple('types_hash_max_size', 2048),
    simple('server_names_hash_max_size', 65_536),
    simple('server_names_hash_bucket_size', 512),
    simple('map_hash_bucket_size', 128),
    simple('variables_hash_max_size', 4096),
    simple('variables_hash_bucket_size', 256),
    simple('proxy_headers_hash_max_size', 1024),
    simple('proxy_headers_hash_bucket_size', 128),
    simple('underscores_in_headers', on(settings['enable-underscores-in-headers'])),
    simple('ignore_invalid_headers', on(settings['ignore-invalid-headers'])),
    simple('server_tokens', on(settings['server-tokens'])),
    simple('default_type', 'text/html'),
    simple('limit_req_status', settings['limit-req-status-code']),
    simple('limit_conn_status', settings['limit-conn-status-code']),
    simple('ssl_protocols', ...settings['ssl-protocols'].split(' ')),
    simple('ssl_session_cache', 'shared:SSL:2m'),
    simple('ssl_session_timeout', settings['ssl-session-timeout']),
    simple('ssl_session_tickets', 'off'),
    ...(settings['use-gzip']
      ? [
          simple('gzip', 'on'),
          simple('gzip_comp_level', settings['gzip-level']),
          simple('gzip_min_length', settings['gzip-min-length']),
          simple('gzip_proxied', 'any'),
          simple('gzip_vary', 'on'),
          simple('gzip_types', 'application/json', 'application/javascript', 'image/svg+xml', 'text/css', 'text/plain'),
        ]
      : []),
    ...(settings.hsts ? [simple('add_header', 'Strict-Transport-Security', expression('$hsts'), 'always')] : []),
  ];
}

function realAddress(settings: Settings): Directive[] {
  if (!settings['use-forwarded-headers'] && !settings['use-proxy-protocol']) return [];
  return [
    ...settings['proxy-real-ip-cidr'].map((range) => simple('set_real_ip_from', range)),
    simple('real_ip_header', settings['use-proxy-protocol'] ? 'proxy_protocol' : settings['forwarded-for-header']),
    simple('real_ip_recursive', 'on'),
  ];
}

function map(from: string, to: string, cases: readonly (readonly [string, string])[]): Directive {
  const entries = cases.map(([when, then]) => ({ name: when, args: [expression(then)] }));
  return block('map', [expression(`$${from}`), expression(`$${to}`)], entries);
}

function maps(settings: Settings, { httpsPort }: NginxOptions): Directive[] {
  const trusted = settings['use-forwarded-headers'];
  const given = (header: string, to: string, own: string): Directive[] => [
    map(
      header,
      to,
      trusted
        ? [
            ['default', `$${header}`],
            ['', own],
          ]
        : [['default', own]],
    ),
  ];
  const { 'hsts-max-age': age, 'hsts-include-subdomains': all, 'hsts-preload': preload } = settings;
  const policy = `max-age=${age}${all ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`;
  return [
    map('http_upgrade', 'connection_upgrade', [
      ['default', 'upgrade'],
      ['', ''],
    ]),
    map('http_x_request_id', 'req_id', [
      ['default', '$http_x_request_id'],
      ['', '$request_id'],
    ]),
    ...given('http_x_forwarded_proto', 'pass_access_scheme', '$scheme'),
    ...given('http_x_forwarded_port', 'pass_server_port', '$server_port'),
    ...given('http_x_forwarded_host', 'best_http_host', '$http_host'),
    // The port that people see, where HTTPS is served at another one.
    map('pass_server_port', 'pass_port', [
      [String(httpsPort), '443'],
      ['default', '$pass_server_port'],
    ]),
    map('best_http_host', 'redirect_host', [
      ['~^(?<bare_host>[^:]+)', '$bare_host'],
      ['default', '$host'],
    ]),
    map('http_x_forwarded_for', 'full_x_forwarded_for', [
      ['', '$realip_remote_addr'],
      ['default', '$http_x_forwarded_for, $realip_remote_addr'],
    ]),
    map('https', 'hsts', [
      ['on', policy],
      ['default', ''],
    ]),
  ];
}

/** One zone a limit of an Ingress. */
function zones({ servers }: RoutingPlan): Directive[] {
  const found = new Map<string, Directive>();
  for (const location of servers.flatMap((server) => server.locations)) {
    const { 'limit-rps': rps, 'limit-rpm': rpm, 'limit-connections': connections } = location.values;
    const key = expression('$binary_remote_addr');
    const add = (kind: 'rps' | 'rpm', limit: number | undefined, unit: string) => {
      const name = limitZone(location, kind);
      if (limit !== undefined) found.set(name, simple('limit_req_zone', key, `zone=${name}:1m`, `rate=${limit}${unit}`));
    };
    add('rps', rps, 'r/s');
    add('rpm', rpm, 'r/m');
    const name = limitZone(location, 'conn');
    if (connections !== undefined) found.set(name, simple('limit_conn_zone', key, `zone=${name}:1m`));
  }
  return [...found.values()];
}

function upstream(settings: Settings, { luaFolder }: NginxOptions): Directive {
  const kept = settings['upstream-keepalive-connections'];
  return block(
    'upstream',
    [upstreamName],
    [
      // Never reached: the address is a form that nginx asks for.
      simple('server', '0.0.0.1'),
      simple('balancer_by_lua_file', `${luaFolder}/balance.lua`),
      ...(kept === 0
        ? []
        : [
            simple('keepalive', kept),
            simple('keepalive_timeout', `${settings['upstream-keepalive-timeout']}s`),
            simple('keepalive_requests', settings['upstream-keepalive-requests']),
          ]),
    ],
  );
}

/** What the controller speaks with, over a socket in a folder that is root's. */
function control(): Directive {
  return block(
    'server',
    [],
    [
      simple('listen', `unix:${files.control}`),
      simple('access_log', 'off'),
      ...declaredVariables.map((name) => simple('set', expression(`$${name}`), '')),
      block('location', [literal('='), pattern('/generation')], [simple('return', 200, generationPlace)]),
      block('location', [literal('='), pattern('/status')], [simple('stub_status')]),
      block('location', [literal('='), pattern('/metrics')], [simple('content_by_lua', 'ingress.metrics()')]),
      block(
        'location',
        [literal('='), pattern('/backends')],
        [
          simple('client_max_body_size', '64m'),
          simple('client_body_buffer_size', '1m'),
          simple('content_by_lua', 'ingress.update()'),
        ],
      ),
      block('location', [literal('='), pattern('/drain')], [simple('content_by_lua', 'ingress.drain()')]),
      block('location', [pattern('/')], [simple('return', 404)]),
    ],
  );
}

function serverBlock(server: Server, plan: RoutingPlan, settings: Settings, options: NginxOptions): Directive {
  const { host, certificate, locations } = server;
  const any = host === anyHost;
  // Somebody's own path of that name is theirs.
  const healthz = any && !locations.some(({ match, path }) => match === 'exact' && path === '/healthz');
  const proxied = settings['use-proxy-protocol'] ? ['proxy_protocol'] : [];
  const first = any ? ['default_server', 'reuseport'] : [];
  const file = `${files.tls}/${certificateName(certificate ?? plan.defaultCertificate)}`;
  return block(
    'server',
    [],
    [
      simple('server_name', ...[host, ...server.aliases].map(serverName)),
      simple('listen', options.httpPort, ...first, ...proxied),
      simple('listen', options.httpsPort, 'ssl', ...(settings['use-http2'] ? ['http2'] : []), ...first, ...proxied),
      simple('ssl_certificate', `${file}.crt`),
      simple('ssl_certificate_key', `${file}.key`),
      simple('rewrite_by_lua', 'ingress.route()'),
      ...(healthz
        ? [block('location', [literal('='), pattern('/healthz')], [simple('access_log', 'off'), simple('return', 200)])]
        : []),
      ...locations.map((location) => locationBlock(host, location, settings, options)),
    ],
  );
}

/** Of nginx's own wildcards one stands for any number of labels; the API's stands for one. */
function serverName(host: string) {
  return host.startsWith('*.') ? pattern(`~^[^.]+\\.${host.slice(2).replaceAll('.', '\\.')}$`) : literal(host);
}
