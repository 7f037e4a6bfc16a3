import { expect, test } from 'vitest';
import { decodeObject, type FieldValidation } from './fields.ts';
import { findKind, type ResourceInfo } from './scheme.ts';

function info(kind: string, group = ''): ResourceInfo {
  const found = findKind(group, 'v1', kind);
  if (found === undefined) throw new Error(kind);
  return found;
}

const deployment = info('Deployment', 'apps');
const pod = info('Pod');
const cannot = (kind: string, problem: string): string => `${kind} in version "v1" cannot be handled as a ${kind}: ${problem}`;
const unmarshal = (kind: string, what: string, where: string, type: string): string =>
  cannot(kind, `json: cannot unmarshal ${what} into Go struct field ${where} of type ${type}`);
const quantity = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

// Answers of the original apiserver.
test.each<[ResourceInfo, string, string]>([
  [deployment, '{"spec":{"replicas":"a","foo":1}}', unmarshal('Deployment', 'string', 'DeploymentSpec.spec.replicas', 'int32')],
  [deployment, '{"metadata":{"labels":{"a":1}}}', unmarshal('Deployment', 'number', 'ObjectMeta.metadata.labels', 'string')],
  [deployment, '{"spec":{"replicas":1.5}}', unmarshal('Deployment', 'number 1.5', 'DeploymentSpec.spec.replicas', 'int32')],
  [
    deployment,
    '{"spec":{"selector":"x"}}',
    unmarshal('Deployment', 'string', 'DeploymentSpec.spec.selector', 'v1.LabelSelector'),
  ],
  [
    deployment,
    '{"spec":{"template":{"spec":{"containers":{"name":"x"}}}}}',
    unmarshal('Deployment', 'object', 'PodSpec.spec.template.spec.containers', '[]v1.Container'),
  ],
  [
    deployment,
    '{"spec":{"template":{"spec":{"containers":[{"name":"x","ports":[{"containerPort":"80"}]}]}}}}',
    unmarshal('Deployment', 'string', 'ContainerPort.spec.template.spec.containers.ports.containerPort', 'int32'),
  ],
  [
    deployment,
    '{"spec":{"template":{"spec":{"containers":["a"]}}}}',
    unmarshal('Deployment', 'string', 'PodSpec.spec.template.spec.containers', 'v1.Container'),
  ],
  [
    deployment,
    '{"metadata":{"creationTimestamp":"yesterday"}}',
    cannot('Deployment', 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"'),
  ],
  [
    deployment,
    '{"metadata":{"creationTimestamp":5}}',
    unmarshal('Deployment', 'number', 'ObjectMeta.metadata.creationTimestamp', 'string'),
  ],
  [
    info('Service'),
    '{"spec":{"ports":[{"targetPort":true}]}}',
    unmarshal('Service', 'bool', 'ServicePort.spec.ports.targetPort', 'int32'),
  ],
  [info('Secret'), '{"data":{"a":"%%%"}}', cannot('Secret', 'illegal base64 data at input byte 0')],
  [info('Secret'), '{"data":{"a":5}}', unmarshal('Secret', 'number', 'Secret.data', '[]uint8')],
  [pod, '{"spec":{"containers":[{"resources":{"limits":{"cpu":true}}}]}}', cannot('Pod', quantity)],
  [pod, '{"spec":{"containers":[{"resources":{"limits":{"cpu":"x"}}}]}}', cannot('Pod', quantity)],
  [pod, '{"spec":{"priority":3000000000}}', unmarshal('Pod', 'number 3000000000', 'PodSpec.spec.priority', 'int32')],
  [pod, '{"metadata":[]}', unmarshal('Pod', 'array', 'Pod.metadata', 'v1.ObjectMeta')],
  [
    info('Ingress', 'networking.k8s.io'),
    '{"metadata":{"labels":["a"]}}',
    unmarshal('Ingress', 'array', 'ObjectMeta.metadata.labels', 'map[string]string'),
  ],
  [
    pod,
    '{"apiVersion":"v1","kind":"Pod"',
    'the object provided is unrecognized (must be of type Pod): couldn\'t get version/kind; json parse error: unexpected end of JSON input ({"apiVersion":"v1","kind":"Pod ...)',
  ],
  [
    pod,
    '{"apiVersion":"v1","kind":"Pod","metadata":{}} x',
    'the object provided is unrecognized (must be of type Pod): couldn\'t get version/kind; json parse error: invalid character \'x\' after top-level value ({"apiVersion":"v1","kind":"Pod ...)',
  ],
  [
    pod,
    '[]\n',
    'the object provided is unrecognized (must be of type Pod): couldn\'t get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" } (5b5d0a)',
  ],
  [
    pod,
    '{"apiVersion":"v1","kind":"Nope"}',
    'Nope in version "v1" cannot be handled as a Pod: no kind "Nope" is registered for version "v1" in scheme "pkg/api/legacyscheme/scheme.go:30"',
  ],
  [
    pod,
    '{"apiVersion":"apps/v1","kind":"Deployment"}',
    'Deployment in version "v1" cannot be handled as a Pod: converting (v1.Deployment) to (core.Pod): unknown conversion',
  ],
])('%o refuses %s', (type, text, message) => {
  expect(() => decodeObject(type, text, 'Ignore')).toThrow(expect.objectContaining({ message, code: 400 }));
});

test('an int64 that a JavaScript number cannot hold is refused, not rounded', () => {
  const text = (seconds: string) => `{"spec":{"containers":[],"tolerations":[{"tolerationSeconds":${seconds}}]}}`;
  for (const seconds of ['9223372036854775807', '-9223372036854775808', '9007199254740993'])
    expect(() => decodeObject(pod, text(seconds), 'Ignore')).toThrow(
      cannot('Pod', 'this API server keeps integers exactly up to 9007199254740991 only'),
    );
  expect(() => decodeObject(pod, text('9007199254740991'), 'Ignore')).not.toThrow();
});

const manyProblems =
  '{"metadata":{"name":"x","foo":1},"spec":{"bar":2,"containers":[{"name":"a","foo":1,"foo":2,"env":[{"name":"a","name":"b"}]}],"containers":[]}}';
const configMapProblems = '{"metadata":{"name":"x"},"data":{"a":"b","a":"c"},"foo":1,"Data":{"x":"y"},"metaData":{}}';

test.each<[ResourceInfo, string, string[]]>([
  [
    info('ConfigMap'),
    configMapProblems,
    ['duplicate field "data.a"', 'unknown field "foo"', 'unknown field "Data"', 'unknown field "metaData"'],
  ],
  [
    pod,
    manyProblems,
    [
      'unknown field "metadata.foo"',
      'unknown field "spec.bar"',
      'unknown field "spec.containers[0].foo"',
      'duplicate field "spec.containers[0].env[0].name"',
      'duplicate field "spec.containers"',
    ],
  ],
  [pod, '{"metadata":{"annotations":{"a:b":"c:{}"}}}', []],
])('%o: strict decoding names each problem of %s', (type, text, problems) => {
  const decode = (mode: FieldValidation) => decodeObject(type, text, mode);
  expect(decode('Warn').warnings).toEqual(problems);
  expect(decode('Ignore').warnings).toEqual([]);
  if (problems.length === 0) return;
  const message = cannot(type.kind, `strict decoding error: ${problems.join(', ')}`);
  expect(() => decode('Strict')).toThrow(expect.objectContaining({ message }));
});

test('unknown fields, nulls and empty collections go; structures that upstream writes always are there', () => {
  const text =
    '{"metadata":{"name":"x","labels":{},"annotations":null},"spec":{"foo":1,"containers":[{"name":"a","env":[],"image":null}]}}';
  expect(decodeObject(pod, text, 'Ignore').object).toEqual({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'x' },
    spec: { containers: [{ name: 'a', resources: {} }] },
    status: {},
  });
});

test('of many unknown fields the first hundred are told', () => {
  const text = JSON.stringify(Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`x${at}`, 1])));
  const { warnings } = decodeObject(pod, text, 'Warn');
  expect([warnings.length, warnings[0], warnings.at(-1)]).toEqual([100, 'unknown field "x0"', 'unknown field "x99"']);
});
