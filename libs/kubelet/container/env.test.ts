import type { Container, Pod, Service } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { environment, type References, serviceVariables } from './env.ts';
import { expand } from './expand.ts';

const references: References = {
  configMap: (_, name) => (name === 'map' ? { data: { color: 'red', A: 'from-map' } } : undefined),
  secret: (_, name) => (name === 'secret' ? { data: { pass: Buffer.from('s3').toString('base64') } } : undefined),
};
const facts = { nodeName: 'n', hostIp: '1.1.1.1', podIps: ['2.2.2.2', 'fd00::2'], allocatable: { cpu: '2', memory: '1Gi' } };
const web: Service = {
  metadata: { name: 'my-web', namespace: 'd' },
  spec: { clusterIP: '10.96.0.7', ports: [{ name: 'http-alt', port: 80, protocol: 'TCP' }] },
};

function of(container: Partial<Container>, services: Service[] = []): Record<string, string> {
  const whole = { name: 'c', ...container };
  const pod: Pod = { metadata: { name: 'p', namespace: 'd', uid: 'u', labels: { x: 'y' } }, spec: { containers: [whole] } };
  return Object.fromEntries(environment({ pod, container: whole, services, references, facts }));
}

const cases: [string, Partial<Container>, Record<string, string>][] = [
  ['a value', { env: [{ name: 'A', value: '1' }] }, { A: '1' }],
  [
    'a reference to what comes before',
    {
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '$(A)$(C)$$(A)' },
      ],
    },
    { A: '1', B: '1$(C)$(A)' },
  ],
  [
    'a whole map, with a prefix',
    { envFrom: [{ prefix: 'P_', configMapRef: { name: 'map' } }] },
    { P_color: 'red', P_A: 'from-map' },
  ],
  [
    'env wins over envFrom',
    { envFrom: [{ configMapRef: { name: 'map' } }], env: [{ name: 'A', value: 'own' }] },
    { A: 'own', color: 'red' },
  ],
  ['a key of a secret', { env: [{ name: 'S', valueFrom: { secretKeyRef: { name: 'secret', key: 'pass' } } }] }, { S: 's3' }],
  [
    'an optional key that is missing',
    { env: [{ name: 'S', valueFrom: { configMapKeyRef: { name: 'map', key: 'no', optional: true } } }] },
    {},
  ],
  ['an optional map that is missing', { envFrom: [{ configMapRef: { name: 'no', optional: true } }] }, {}],
  ['fields', { env: [{ name: 'I', valueFrom: { fieldRef: { fieldPath: 'status.podIPs' } } }] }, { I: '2.2.2.2,fd00::2' }],
  ['one label', { env: [{ name: 'L', valueFrom: { fieldRef: { fieldPath: "metadata.labels['x']" } } }] }, { L: 'y' }],
  [
    "a limit that is the node's",
    { env: [{ name: 'C', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }] },
    { C: '2' },
  ],
  [
    'a request, rounded up to its divisor',
    {
      resources: { requests: { memory: '1500Ki' } },
      env: [{ name: 'M', valueFrom: { resourceFieldRef: { resource: 'requests.memory', divisor: '1Mi' } } }],
    },
    { M: '2' },
  ],
];

test.each(cases)('%s', (_, container, expected) => {
  expect(of(container)).toEqual(expected);
});

test.each<[string, Partial<Container>, string]>([
  [
    'a missing key',
    { env: [{ name: 'S', valueFrom: { secretKeyRef: { name: 'secret', key: 'no' } } }] },
    "couldn't find key no in Secret d/secret",
  ],
  ['a missing map', { envFrom: [{ configMapRef: { name: 'no' } }] }, 'configmap "no" not found'],
  ['a missing secret', { envFrom: [{ secretRef: { name: 'no' } }] }, 'secret "no" not found'],
])('%s is an error', (_, container, message) => {
  expect(() => of(container)).toThrow(message);
});

test('services of the namespace, and kubernetes always', () => {
  const master: Service = { ...web, metadata: { name: 'kubernetes', namespace: 'default' } };
  expect(Object.fromEntries(serviceVariables([web], 'd', true))).toEqual({
    MY_WEB_SERVICE_HOST: '10.96.0.7',
    MY_WEB_SERVICE_PORT: '80',
    MY_WEB_SERVICE_PORT_HTTP_ALT: '80',
    MY_WEB_PORT: 'tcp://10.96.0.7:80',
    MY_WEB_PORT_80_TCP: 'tcp://10.96.0.7:80',
    MY_WEB_PORT_80_TCP_PROTO: 'tcp',
    MY_WEB_PORT_80_TCP_PORT: '80',
    MY_WEB_PORT_80_TCP_ADDR: '10.96.0.7',
  });
  const own = { ...master, metadata: { name: 'kubernetes', namespace: 'd' }, spec: { ...web.spec, clusterIP: '10.96.0.8' } };
  for (const services of [
    [own, master],
    [master, own],
  ])
    expect(serviceVariables(services, 'd', true).get('KUBERNETES_SERVICE_HOST')).toBe('10.96.0.8');
  const names = (links: boolean, namespace: string) => [...serviceVariables([web, master], namespace, links).keys()];
  expect(names(false, 'd').every((name) => name.startsWith('KUBERNETES_'))).toBe(true);
  expect(names(true, 'other').every((name) => name.startsWith('KUBERNETES_'))).toBe(true);
});

test.each([
  ['$(A)', 'a'],
  ['$$(A)', '$(A)'],
  ['$(NO)-$A-$(', '$(NO)-$A-$('],
])('expand %s', (text, expected) => {
  expect(expand(text, (name) => (name === 'A' ? 'a' : undefined))).toBe(expected);
});
