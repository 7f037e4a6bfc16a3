// Whatever an Ingress says, the configuration has the shape that the plan has: nothing that it says becomes a directive.
import type { Ingress } from '@drydock/api/generated/types.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { annotationTable } from '../annotations/table.ts';
import { planRouting } from '../plan.ts';
import { readSettings, settingsTable } from '../settings.ts';
import { cluster, ingress, prefix, service, slice } from '../testing/objects.ts';
import { type Parsed, parseConfig } from '../testing/parse-config.ts';
import { backendsText } from './backends-text.ts';
import { nginxTree } from './config.ts';
import { block, type Directive, expression, literal, pattern, render, simple } from './tree.ts';

const options = {
  httpPort: 80,
  httpsPort: 443,
  user: 'www-data',
  luaFolder: '/lua',
  modulesFolder: '/modules',
};

function asParsed(directives: readonly Directive[]): Parsed[] {
  return directives.map(({ name, args, block: inside }) => ({
    name,
    args: args.map(({ text }) => text),
    ...(inside === undefined ? {} : { block: asParsed(inside) }),
  }));
}

test('what is written is read again, whatever the arguments are', () => {
  const text = fc.stringMatching(/^[\x20-\x7e\u00e9\u4e2d]*$/);
  const args = fc.array(text.map((value) => pattern(value)));
  const tree = fc.letrec<{ one: Directive; many: Directive[] }>((tie) => ({
    one: fc.oneof(
      { maxDepth: 3 },
      args.map((list) => simple('set', ...list)),
      fc.tuple(args, tie('many')).map(([list, inside]) => block('location', list, inside)),
    ),
    many: fc.array(tie('one'), { maxLength: 4 }),
  })).many;
  fc.assert(
    fc.property(tree, (directives) => {
      expect(parseConfig(render(directives))).toEqual(asParsed(directives));
    }),
    { numRuns: 500 },
  );
});

test('the reader of the tests refuses what would end a directive early: it is a check, not a mirror', () => {
  expect(parseConfig('a "b;c"; d { e f; }')).toEqual([
    { name: 'a', args: ['b;c'] },
    { name: 'd', args: [], block: [{ name: 'e', args: ['f'] }] },
  ]);
  expect(parseConfig('a b; c;')).not.toEqual(parseConfig('a "b; c";'));
  for (const bad of ['a', 'a {', 'a; }', '"a"b;', 'a "b']) expect(() => parseConfig(bad)).toThrow();
});

test('a planted bug, an argument that is not quoted, is found', () => {
  const careless = (text: string) => `location ${text} {\n}\n`;
  const tree = [block('location', [pattern('/a { } evil on; location /b')], [])];
  expect(parseConfig(render(tree))).toEqual(asParsed(tree));
  expect(parseConfig(careless('/a { } evil on; location /b'))).not.toEqual(asParsed(tree));
});

test('a literal has no variable, and nothing has a control character', () => {
  expect(() => literal('$host')).toThrow('variable');
  expect(() => render([simple('set', expression('$a'), pattern('a\nb'))])).toThrow('control character');
});

test('no location stands twice, also where an Ingress without a host has /healthz', () => {
  const paths = ['Prefix /healthz web', 'Prefix / web'];
  const plan = planRouting(cluster([ingress({ paths }), ingress({ name: 'other', host: 'example.com', paths })]), {
    settings: readSettings(undefined).settings,
    annotationPrefix: prefix,
    defaultBackend: undefined,
    defaultCertificate: undefined,
  });
  const http = nginxTree(plan, readSettings(undefined).settings, options).at(-1)?.block ?? [];
  for (const { block: inside = [] } of http.filter(({ name }) => name === 'server')) {
    const names = inside.filter(({ name }) => name === 'location').map(({ args }) => args.map(({ text }) => text).join(' '));
    expect(names).toEqual([...new Set(names)]);
  }
});

const hostile = fc.constantFrom(
  '/; } http { lua_code_cache off; } #',
  '/"; load_module /tmp/x.so; "',
  "/' ; root / ;'",
  '/\n}\nserver { listen 81; }',
  ['/', '{http_host}'].join('$'),
  '/$request_uri',
  '/\\"; evil on; #',
  '/a\\',
  '/a(b',
  '/*/ {',
  '/{2}',
  '/\u0000x',
  'a b; c',
  '/\tx',
  '"',
  '\\',
  '$1',
  '/é',
  '127.0.0.1; allow all',
  'true; evil',
  'a.example.com; evil',
);
const anything = fc.oneof(
  hostile,
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constant('/foo'),
);

const ingresses = fc.array(
  fc.record({
    host: anything,
    path: anything,
    pathType: fc.constantFrom('Exact', 'Prefix', 'ImplementationSpecific', 'Nonsense'),
    service: fc.oneof(fc.constant('web'), anything),
    port: fc.oneof(fc.constant('http'), anything),
    annotations: fc.dictionary(fc.constantFrom(...Object.keys(annotationTable)), anything, { maxKeys: 6 }),
    tls: fc.array(fc.record({ hosts: fc.array(anything, { maxLength: 2 }), secretName: anything }), { maxLength: 1 }),
  }),
  { maxLength: 3 },
);
const config = fc.dictionary(fc.constantFrom(...Object.keys(settingsTable)), anything, { maxKeys: 4 });

/** Every directive that a configuration of ours has: what the writer names in so many words. */
const ours = new Set(
  [
    'load_module user daemon pid worker_processes worker_shutdown_timeout error_log events worker_connections multi_accept use http',
    'lua_package_path lua_shared_dict init_by_lua init_worker_by_lua header_filter_by_lua log_by_lua rewrite_by_lua content_by_lua',
    'balancer_by_lua_file client_body_temp_path proxy_temp_path fastcgi_temp_path uwsgi_temp_path scgi_temp_path log_format',
    'access_log uninitialized_variable_warn tcp_nopush tcp_nodelay reset_timedout_connection keepalive_timeout keepalive_requests',
    'client_header_buffer_size client_header_timeout large_client_header_buffers client_body_timeout http2_max_concurrent_streams',
    'types_hash_max_size server_names_hash_max_size server_names_hash_bucket_size map_hash_bucket_size variables_hash_max_size',
    'variables_hash_bucket_size proxy_headers_hash_max_size proxy_headers_hash_bucket_size underscores_in_headers',
    'ignore_invalid_headers server_tokens default_type limit_req_status limit_conn_status ssl_protocols ssl_session_cache',
    'ssl_session_timeout ssl_session_tickets gzip gzip_comp_level gzip_min_length gzip_proxied gzip_vary gzip_types add_header',
    'set_real_ip_from real_ip_header real_ip_recursive map limit_req_zone limit_conn_zone upstream server keepalive listen location',
    'set return stub_status client_max_body_size client_body_buffer_size server_name ssl_certificate ssl_certificate_key if satisfy',
    'deny allow auth_basic auth_basic_user_file limit_req limit_conn rewrite proxy_set_header grpc_set_header proxy_http_version',
    'proxy_request_buffering proxy_buffering proxy_buffer_size proxy_buffers proxy_busy_buffers_size proxy_max_temp_file_size',
    'proxy_cookie_domain proxy_cookie_path proxy_redirect proxy_pass grpc_pass',
    ...['proxy', 'grpc'].map((kind) =>
      [
        'connect_timeout',
        'send_timeout',
        'read_timeout',
        'next_upstream',
        'next_upstream_timeout',
        'next_upstream_tries',
        'ssl_server_name',
        'ssl_name',
      ]
        .map((name) => `${kind}_${name}`)
        .join(' '),
    ),
  ]
    .join(' ')
    .split(' '),
);

function foreign(parsed: readonly Parsed[]): string[] {
  return parsed.flatMap(({ name, block: inside, args }) =>
    // The cases of a map are values, not directives.
    name === 'map' ? [] : [...(ours.has(name) ? [] : [`${name} ${args.join(' ')}`]), ...foreign(inside ?? [])],
  );
}

test('hostile hosts, paths, names, annotations and options: the configuration is the tree, of our directives only', () => {
  fc.assert(
    fc.property(ingresses, config, fc.boolean(), (given, data, strict) => {
      const objects = given.map(
        ({ host, path, pathType, service: name, port, annotations, tls }, index): Ingress => ({
          metadata: {
            name: `i${index}`,
            namespace: 'default',
            annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`${prefix}/${key}`, value])),
          },
          spec: {
            tls,
            rules: [{ host, http: { paths: [{ path, pathType, backend: { service: { name, port: { name: port } } } }] } }],
          },
        }),
      );
      const { settings } = readSettings({ ...data, 'strict-validate-path-type': String(strict) });
      const plan = planRouting(cluster(objects, [service('web')], [slice('web', ['10.244.1.5'])]), {
        settings,
        annotationPrefix: prefix,
        defaultBackend: undefined,
        defaultCertificate: undefined,
      });
      const tree = nginxTree(plan, settings, options);
      const parsed = parseConfig(render(tree));
      expect(parsed).toEqual(asParsed(tree));
      expect(foreign(parsed)).toEqual([]);
      for (const line of backendsText(plan).trim().split('\n'))
        expect(line).toMatch(/^(?:backend\t[^\t]+|peer\t\S+\t\d+|canary(?:\t[^\t]*){9})?$/);
    }),
    { numRuns: 1_000 },
  );
});
