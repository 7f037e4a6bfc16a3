import type { EndpointSlice, Service } from '@drydock/api/generated/types.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hostsMax } from './limits.ts';
import { firstMatch, locationId } from './paths.ts';
import { type Observed, type PlanOptions, planRouting } from './plan.ts';
import { readSettings } from './settings.ts';
import { cluster, type IngressText, ingress, path, prefix, secret, service, slice } from './testing/objects.ts';

const options: PlanOptions = {
  settings: readSettings(undefined).settings,
  annotationPrefix: prefix,
  defaultBackend: undefined,
  defaultCertificate: undefined,
};
const plan = (observed: Observed, more: Partial<PlanOptions> = {}) => planRouting(observed, { ...options, ...more });

/** Which Service answers a path of example.com; - where none does. */
function answers(paths: readonly string[], asked: string, more: IngressText = {}): string {
  const names = [...new Set(paths.map((text) => path(text).backend.service?.name ?? ''))];
  const planned = plan(
    cluster(
      [ingress({ host: 'example.com', paths, ...more })],
      names.map((name) => service(name)),
    ),
  );
  expect(planned.problems).toEqual([]);
  const server = planned.servers.find(({ host }) => host === 'example.com');
  return firstMatch(server?.locations ?? [], asked)?.backend?.service ?? '-';
}

// The table of the Kubernetes documentation (concepts/services-networking/ingress, "Examples").
test.each([
  ['Prefix /', '/any/path', true],
  ['Exact /foo', '/foo', true],
  ['Exact /foo', '/bar', false],
  ['Exact /foo', '/foo/', false],
  ['Exact /foo/', '/foo', false],
  ['Prefix /foo', '/foo', true],
  ['Prefix /foo', '/foo/', true],
  ['Prefix /foo/', '/foo', true],
  ['Prefix /foo/', '/foo/', true],
  ['Prefix /aaa/bb', '/aaa/bbb', false],
  ['Prefix /aaa/bbb', '/aaa/bbb', true],
  ['Prefix /aaa/bbb/', '/aaa/bbb', true],
  ['Prefix /aaa/bbb', '/aaa/bbb/', true],
  ['Prefix /aaa/bbb', '/aaa/bbb/ccc', true],
  ['Prefix /aaa/bbb', '/aaa/bbbxyz', false],
  ['Prefix /foo', '/FOO', false],
  ['ImplementationSpecific /foo', '/foobar', true],
])('%s and a request for %s: %s', (rule, asked, served) => {
  expect(answers([`${rule} web`], asked)).toBe(served ? 'web' : '-');
});

test.each([
  [['Prefix / a', 'Prefix /aaa b'], '/aaa/ccc', 'b'],
  [['Prefix / a', 'Prefix /aaa b'], '/ccc', 'a'],
  [['Prefix / a', 'Prefix /aaa b', 'Prefix /aaa/bbb c'], '/aaa/bbb', 'c'],
  [['Exact /foo a', 'Prefix /foo b'], '/foo', 'a'],
  [['Exact /foo a', 'Prefix /foo b'], '/foo/', 'b'],
  [['Prefix /foo b', 'Exact /foo a'], '/foo', 'a'],
  [['ImplementationSpecific /foo c', 'Prefix /foo b'], '/foo', 'b'],
  [['ImplementationSpecific /foo c', 'Prefix /foo b'], '/foobar', 'c'],
  [['ImplementationSpecific /foo/bar c', 'Prefix /foo b'], '/foo/bar', 'c'],
])('of %j a request for %s goes to %s', (paths, asked, to) => {
  expect(answers(paths, asked)).toBe(to);
});

test.each([
  ['/something/new', 'web'],
  ['/SOMETHING', 'web'],
  ['/somethingelse', '-'],
  ['/other', 'b'],
  ['/otherwise', '-'],
])('where the host has regular expressions, %s goes to %s', (asked, to) => {
  const annotations = { 'use-regex': 'true', 'rewrite-target': '/$2' };
  expect(answers(['ImplementationSpecific /something(/|$)(.*) web', 'Prefix /other b'], asked, { annotations })).toBe(to);
});

test('whatever the paths, the longest match wins, then Exact, then Prefix', () => {
  const element = fc.constantFrom('a', 'b', 'ab');
  const paths = fc.array(element, { maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
  const rules = fc.uniqueArray(fc.tuple(fc.constantFrom('Exact', 'Prefix'), paths), {
    minLength: 1,
    maxLength: 6,
    selector: ([type, at]) => `${type} ${at}`,
  });
  fc.assert(
    fc.property(rules, paths, fc.boolean(), (given, asked, asRegex) => {
      const elements = (text: string) => text.split('/').filter((part) => part !== '');
      const matching = given
        .map(([type, at], index) => ({ type, at, name: `s${index}` }))
        .filter(({ type, at }) =>
          type === 'Exact' ? at === asked : elements(at).every((part, index) => elements(asked)[index] === part),
        )
        .sort((a, b) => b.at.length - a.at.length || (a.type < b.type ? -1 : 1));
      const got = answers(
        given.map(([type, at], index) => `${type} ${at} s${index}`),
        asked,
        asRegex ? { annotations: { 'use-regex': 'true' } } : {},
      );
      expect(got).toBe(matching[0]?.name ?? '-');
    }),
    { numRuns: 300 },
  );
});

test('the older of two Ingresses has a path that both want, and the younger one is told', () => {
  const both = [
    ingress({ name: 'young', age: 9, host: 'example.com', paths: ['Prefix /foo young'] }),
    ingress({ name: 'old', age: 1, host: 'example.com', paths: ['Prefix /foo old'] }),
  ];
  const planned = plan(cluster(both, [service('young'), service('old')]));
  const server = planned.servers.find(({ host }) => host === 'example.com');
  expect(firstMatch(server?.locations ?? [], '/foo/x')?.backend?.service).toBe('old');
  expect(planned.problems.map(({ ingress: of, reason, message }) => [of.name, reason, message])).toEqual([
    ['young', 'PathConflict', 'host "example.com" and path "/foo" is already defined in ingress default/old'],
  ]);
});

test('hosts: names, wildcards, rules without one, and the default backend of an Ingress without rules', () => {
  const planned = plan(
    cluster(
      [
        ingress({ name: 'a', host: 'a.example.com', paths: ['Prefix / a'] }),
        ingress({ name: 'b', host: '*.example.com', paths: ['Prefix / b'] }),
        ingress({ name: 'c', paths: ['Prefix /c c'] }),
        ingress({ name: 'd', spec: { defaultBackend: { service: { name: 'd', port: { name: 'http' } } } } }),
      ],
      ['a', 'b', 'c', 'd'].map((name) => service(name)),
    ),
  );
  expect(planned.problems).toEqual([]);
  expect(
    planned.servers.map(({ host, locations }) => [host, locations.map(({ path, backend }) => [path, backend?.name])]),
  ).toEqual([
    ['*.example.com', [['/', 'default-b-80']]],
    [
      '_',
      [
        ['/c/', 'default-c-80'],
        ['/c', 'default-c-80'],
        ['/', 'default-d-http'],
      ],
    ],
    ['a.example.com', [['/', 'default-a-80']]],
  ]);
});

test('the default backend of an Ingress with rules answers what its hosts have no path for, and nothing else', () => {
  const spec = { defaultBackend: { service: { name: 'rest', port: { number: 80 } } } };
  const one = ingress({ host: 'example.com', paths: ['Prefix /foo web'] });
  const planned = plan(cluster([{ ...one, spec: { ...one.spec, ...spec } }], [service('web'), service('rest')]));
  const rest = (name: string) => planned.servers.find(({ host }) => host === name)?.locations.at(-1)?.backend?.service;
  expect([rest('example.com'), rest('_')]).toEqual(['rest', undefined]);
});

test('--default-backend-service answers what nobody else does', () => {
  const planned = plan(
    cluster([ingress({ host: 'example.com', paths: ['Prefix /foo web'] })], [service('web'), service('404')]),
    {
      defaultBackend: 'default/404',
    },
  );
  expect(planned.servers.map(({ host, locations }) => [host, locations.at(-1)?.backend?.name])).toEqual([
    ['_', 'upstream-default-backend'],
    ['example.com', 'upstream-default-backend'],
  ]);
  expect(planned.backends.map(({ name, endpoints }) => [name, endpoints.length])).toEqual([
    ['default-web-80', 1],
    ['upstream-default-backend', 1],
  ]);
});

test('a Service that answers what nobody else does may also be an Ingress’s own', () => {
  const planned = plan(cluster([ingress({ host: 'example.com', paths: ['Prefix /foo 404'] })], [service('404')]), {
    defaultBackend: 'default/404',
  });
  expect(planned.backends.map(({ name, endpoints }) => [name, endpoints.length])).toEqual([
    ['default-404-80', 1],
    ['upstream-default-backend', 1],
  ]);
});

test('two namespaces whose names and Services read the same side by side keep their own endpoints', () => {
  const inNamespace = <T extends Service | EndpointSlice>(namespace: string, object: T): T => ({
    ...object,
    metadata: { ...object.metadata, namespace },
  });
  const owners: [string, string, string][] = [
    ['team-a', 'web', '10.244.1.1'],
    ['team', 'a-web', '10.244.2.2'],
    ['upstream', 'default', '10.244.3.3'],
  ];
  const port = (namespace: string) => (namespace === 'upstream' ? { name: 'backend' } : { number: 80 });
  const named = { ports: [{ name: 'backend', port: 80, targetPort: 8080 }] };
  const ingresses = owners.map(([namespace, name], index) => ({
    ...ingress({ namespace, age: index }),
    spec: {
      rules: [
        {
          host: namespace,
          http: { paths: [{ ...path(`Prefix / ${name}`), backend: { service: { name, port: port(namespace) } } }] },
        },
      ],
    },
  }));
  const services = owners.map(([namespace, name]) =>
    inNamespace(namespace, service(name, namespace === 'upstream' ? named : undefined)),
  );
  const slices = owners.map(([namespace, name, address]) => {
    const one = inNamespace(namespace, slice(name, [address]));
    return namespace === 'upstream' ? { ...one, ports: [{ name: 'backend', port: 8080, protocol: 'TCP' }] } : one;
  });
  const planned = plan(cluster(ingresses, [...services, service('404')], [...slices, slice('404', ['10.244.4.4'])]), {
    defaultBackend: 'default/404',
  });
  const addressOf = (host: string) => {
    const wanted = planned.servers.find((server) => server.host === host)?.locations[0]?.backend?.name;
    return planned.backends.find(({ name }) => name === wanted)?.endpoints.map(({ address }) => address);
  };
  expect(owners.map(([namespace]) => addressOf(namespace))).toEqual(owners.map(([, , address]) => [address]));
});

test('backends: ports by number, by name and by target; who is ready; addresses that are none', () => {
  const ends = slice('web', ['10.244.1.9', '10.244.1.5', '999.1.1.1', 'evil; }']);
  const slices = [
    { ...ends, endpoints: [...(ends.endpoints ?? []), { addresses: ['10.244.9.9'], conditions: { ready: false } }] },
    { ...slice('web', ['fd00:0::5']), addressType: 'IPv6' },
    { ...slice('web', ['example.com']), addressType: 'FQDN' },
  ];
  const backends = (port: { name?: string; number?: number }) =>
    plan(
      cluster([ingress({ spec: { defaultBackend: { service: { name: 'web', port } } } })], [service('web')], slices),
    ).backends.map(({ name, endpoints }) => [name, endpoints.map(({ address, port: at }) => `${address}:${at}`).join(' ')]);
  const all = '10.244.1.5:8080 10.244.1.9:8080 [fd00::5]:8080';
  expect(backends({ number: 80 })).toEqual([['default-web-80', all]]);
  expect(backends({ name: 'http' })).toEqual([['default-web-http', all]]);
  expect(backends({ number: 8080 })).toEqual([['default-web-8080', all]]);
});

test.each([
  ['a missing Service', [], 'Service "default/web" does not exist'],
  ['a missing port', [service('web', { ports: [{ port: 81 }] })], 'Service "default/web" has no port 80'],
  [
    'ExternalName',
    [service('web', { type: 'ExternalName' })],
    'Service "default/web" of type ExternalName is not served: names are not resolved for each request',
  ],
])('%s is told in an event, and its path answers 503', (_name, services, message) => {
  const planned = plan(cluster([ingress({ host: 'example.com', paths: ['Prefix / web'] })], services));
  expect(planned.problems.map((problem) => problem.message)).toEqual([message]);
  expect(planned.backends.map(({ endpoints }) => endpoints)).toEqual([[]]);
});

test('a resource backend that nobody resolves answers 503 and says so; a hook may resolve it', () => {
  const resource = { apiGroup: 'k8s.example.com', kind: 'StorageBucket', name: 'icon-assets' };
  const one = ingress({
    spec: { rules: [{ http: { paths: [{ path: '/icons', pathType: 'ImplementationSpecific', backend: { resource } }] } }] },
  });
  const [location] = plan(cluster([one])).servers[0]?.locations ?? [];
  expect(location).toMatchObject({ path: '/icons', closed: expect.any(String) });
  expect(plan(cluster([one])).problems[0]?.message).toBe(
    'resource backend k8s.example.com/StorageBucket "icon-assets" cannot be resolved: its paths answer 503',
  );
  const resolved = plan(cluster([one]), { resolveResource: () => ({ name: 'web', port: { number: 80 } }) });
  expect(resolved.problems).toEqual([]);
  expect(resolved.servers[0]?.locations[0]?.backend?.name).toBe('default-web-80');
});

test('canaries take requests of the path of another Ingress, and are none of their own', () => {
  const planned = plan(
    cluster(
      [
        ingress({ host: 'example.com', paths: ['Prefix / web'] }),
        ingress({
          name: 'canary',
          host: 'example.com',
          paths: ['Prefix / next'],
          annotations: { canary: 'true', 'canary-weight': '30', 'canary-by-header': 'X-Canary' },
        }),
        ingress({ name: 'lost', host: 'example.com', paths: ['Prefix /lost next'], annotations: { canary: 'true' } }),
      ],
      [service('web'), service('next')],
    ),
  );
  expect(planned.canaries).toEqual([
    {
      location: locationId('example.com', { match: 'prefix', path: '/' }),
      backend: 'default-next-80',
      header: 'X-Canary',
      headerValue: '',
      headerPattern: '',
      cookie: '',
      weight: 30,
      total: 100,
      sticky: true,
    },
  ]);
  expect(planned.servers.find(({ host }) => host === 'example.com')?.locations.map(({ backend }) => backend?.service)).toEqual([
    'web',
  ]);
  expect(planned.problems.map(({ ingress: of, message }) => [of.name, message])).toEqual([
    ['lost', 'no Ingress without canary has host "example.com" and path "/lost"'],
  ]);
});

test('basic authentication: who can log in; where nobody can, nobody comes in', () => {
  const users = secret('users', { auth: 'jane:$apr1$abc$def\n# a comment\njoe:{SHA}xyz=\n' });
  const withAuth = (annotations: Record<string, string>) =>
    plan(
      cluster(
        [ingress({ host: 'example.com', paths: ['Prefix / web'], annotations: { 'auth-type': 'basic', ...annotations } })],
        undefined,
        undefined,
        [users, secret('bad', { auth: 'no hash here' }), secret('map', { jane: '$apr1$abc$def' })],
      ),
    );
  const open = withAuth({ 'auth-secret': 'users' });
  expect([...open.passwordFiles]).toEqual([['default_users_auth-file', 'jane:$apr1$abc$def\njoe:{SHA}xyz=\n']]);
  expect(open.servers.at(-1)?.locations[0]).toMatchObject({ passwords: 'default_users_auth-file', closed: undefined });
  const map = withAuth({ 'auth-secret': 'map', 'auth-secret-type': 'auth-map' });
  expect([...map.passwordFiles.values()]).toEqual(['jane:$apr1$abc$def\n']);
  const closed = [{}, { 'auth-secret': 'nobody' }, { 'auth-secret': 'bad' }, { 'auth-secret': 'kube-system/users' }];
  for (const annotations of closed) {
    const planned = withAuth(annotations);
    expect(planned.servers.at(-1)?.locations[0]?.closed).toEqual(expect.any(String));
    expect(planned.problems[0]?.message).toContain('its paths answer 503');
  }
});

test.each([
  ['whitelist-source-range', 'nonsense'],
  ['auth-type', 'digest'],
  ['auth-url', 'http://auth.example.com'],
  ['auth-tls-secret', 'default/ca'],
])('an Ingress whose %s keeps somebody out, in a way that is not served, is closed', (name, value) => {
  const planned = plan(cluster([ingress({ host: 'example.com', paths: ['Prefix / web'], annotations: { [name]: value } })]));
  expect(planned.servers.at(-1)?.locations[0]?.closed).toContain(`${prefix}/${name}`);
  expect(planned.problems[0]?.reason).toBe('AnnotationParsingFailed');
});

test('snippets are not served, and their author is told', () => {
  const planned = plan(
    cluster([
      ingress({ host: 'example.com', paths: ['Prefix / web'], annotations: { 'configuration-snippet': 'return 200;' } }),
    ]),
  );
  expect(planned.problems.map(({ message }) => message)).toEqual([
    `Error parsing annotations: annotation ${prefix}/configuration-snippet: snippets are not served: they would be anybody's configuration`,
  ]);
  expect(planned.servers.at(-1)?.locations[0]?.closed).toBeUndefined();
});

test('what the data plane has refused is left out, and says so', () => {
  const one = ingress({ host: 'example.com', paths: ['Prefix / web'] });
  const planned = plan(cluster([one]), { refused: new Map([['default/web', 'unknown directive']]) });
  expect(planned.servers.map(({ host }) => host)).toEqual(['_']);
  expect(planned.problems[0]).toMatchObject({ reason: 'Rejected', message: expect.stringContaining('unknown directive') });
});

test('more hosts and names than nginx can carry: those that came first are served, the others told', () => {
  const rules = Array.from({ length: hostsMax }, (_, i) => ({ host: `h${i}.example.com` }));
  const many = { ...ingress({ name: 'many' }), spec: { rules } };
  const planned = plan(
    cluster([
      ingress({ name: 'late', host: 'late.org', paths: ['Prefix / web'], age: 1 }),
      many,
      ingress({ name: 'rest', age: 2 }),
    ]),
  );
  expect(planned.servers).toHaveLength(hostsMax);
  expect(planned.problems.map(({ ingress: { name }, reason, message }) => [name, reason, message])).toEqual([
    ['many', 'HostNotServed', `host "h${hostsMax - 1}.example.com" is one of more than ${hostsMax}`],
    ['late', 'HostNotServed', `host "late.org" is one of more than ${hostsMax}`],
  ]);
});

test('a Secret is read once, however many paths and plans ask for it', () => {
  const users = secret('users', {});
  let reads = 0;
  const counted = {
    ...users,
    get data() {
      reads++;
      return { auth: Buffer.from('joe:hash').toString('base64') };
    },
  };
  const annotations = { 'auth-type': 'basic', 'auth-secret': 'users' };
  const paths = Array.from({ length: 50 }, (_, i) => `Prefix /${i} web`);
  const observed = cluster([ingress({ host: 'a.org', paths, annotations })], undefined, undefined, [counted]);
  expect([...plan(observed).passwordFiles.values(), ...plan(observed).passwordFiles.values()]).toEqual([
    'joe:hash\n',
    'joe:hash\n',
  ]);
  expect(reads).toBe(1);
});
