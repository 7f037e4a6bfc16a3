// Autoscalers that the original was asked to create and to change.
import { type Change, each } from './storage-kind.ts';

const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
export const autoscaler = { metadata: { name: 'h' }, spec: { scaleTargetRef: target, maxReplicas: 5 } };
const prefix = 'autoscaling.alpha.kubernetes.io';

type Case = readonly [title: string, change: Change];

const utilization = { type: 'Utilization', averageUtilization: 60 };
const average = { type: 'AverageValue', averageValue: '1500m' };
const value = { type: 'Value', value: '2048Ki' };
const described = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'front' };
const selector = { matchLabels: { queue: 'a' }, matchExpressions: [{ key: 'b', operator: 'In', values: ['x', 'y'] }] };
const sources = {
  resource: { name: 'cpu', target: utilization },
  containerResource: { name: 'memory', container: 'app', target: average },
  pods: { metric: { name: 'packets', selector }, target: average },
  object: { metric: { name: 'hits' }, describedObject: described, target: value },
  external: { metric: { name: 'queue_length', selector }, target: value },
};
type Source = keyof typeof sources;
const typeOf = (source: Source): string => source.charAt(0).toUpperCase() + source.slice(1);
const metric = (source: Source, change: object = {}) => ({ type: typeOf(source), [source]: { ...sources[source], ...change } });
/** One metric of each kind, in an order that is not that of their names. */
export const everyMetric = (Object.keys(sources) as Source[]).map((source) => metric(source));
const metrics = (title: string, ...list: readonly unknown[]): Case => [title, [['spec.metrics', list]]];
const targets = (source: Source, list: readonly object[]): Case[] =>
  list.map((each) => metrics(`${source}, ${JSON.stringify(each)}`, metric(source, { target: each })));

const targetRefs: Case[] = [
  ...each('spec.scaleTargetRef.kind', ['', 'a/b', 'x'.repeat(80), '..']),
  ...each('spec.scaleTargetRef.name', ['', 'a%b', 'Web']),
  ...each('spec.scaleTargetRef.apiVersion', [undefined, 'v1', 'a/b/c', '/', 'apps/', '/v1']),
  ['a controller of v1', [['spec.scaleTargetRef', { apiVersion: 'v1', kind: 'ReplicationController', name: 'web' }]]],
  ['a controller of no version', [['spec.scaleTargetRef', { kind: 'ReplicationController', name: 'web' }]]],
  ['a controller of a/b/c', [['spec.scaleTargetRef', { apiVersion: 'a/b/c', kind: 'ReplicationController', name: 'web' }]]],
];

const sourceCases: Case[] = [
  metrics('all kinds', ...everyMetric),
  metrics('no list'),
  metrics('no type', { resource: sources.resource }),
  metrics('an empty one', {}),
  metrics('an unknown type', { type: 'Foo', resource: sources.resource }),
  metrics('a type alone', { type: 'Resource' }, { type: 'ContainerResource' }, { type: 'Pods' }, { type: 'Object' }),
  metrics('external alone', { type: 'External' }),
  metrics('another source', { type: 'Pods', resource: sources.resource }),
  metrics('two sources', { type: 'Resource', resource: sources.resource, pods: sources.pods }),
  metrics('two sources, the first one wrong', {
    type: 'Resource',
    resource: sources.resource,
    pods: { metric: {}, target: {} },
  }),
  metrics('no name of a resource', metric('resource', { name: '' })),
  metrics('any name of a resource', metric('resource', { name: 'a b' })),
  ...targets('resource', [
    {},
    { type: 'Foo', averageUtilization: 5 },
    { type: 'Utilization' },
    { type: 'Utilization', averageUtilization: 0 },
    { type: 'Utilization', averageUtilization: -7 },
    { type: 'Utilization', averageUtilization: 5, averageValue: '1' },
    { type: 'Utilization', averageValue: '1' },
    { type: 'AverageValue', averageValue: '0' },
    { type: 'AverageValue', averageValue: '-1500m' },
    { type: 'AverageValue', averageValue: '1.5' },
    { type: 'Value', value: '3' },
    { type: 'Value', value: '0', averageValue: '1' },
  ]),
  metrics('no container', metric('containerResource', { container: '' })),
  metrics('a bad container', metric('containerResource', { container: 'A_b' })),
  metrics('no resource of a container', metric('containerResource', { name: '' })),
  metrics('an unknown resource of a container', metric('containerResource', { name: 'foo' })),
  metrics('a bad resource of a container', metric('containerResource', { name: 'a b' })),
  metrics('a device of a container', metric('containerResource', { name: 'example.com/gpu' })),
  ...targets('containerResource', [{}, { ...utilization, averageValue: '1' }, { type: 'Value', value: '1' }]),
  metrics('no name of pods', metric('pods', { metric: {} })),
  metrics('names of pods', ...['a/b', '..', 'a%b', 'A b'].map((name) => metric('pods', { metric: { name } }))),
  metrics('a bad selector', metric('pods', { metric: { name: 'a', selector: { matchLabels: { 'a b': 'c' } } } })),
  ...targets('pods', [{}, { type: 'Value', value: '1' }, { type: 'AverageValue', averageValue: '-1' }]),
  metrics('no object', metric('object', { describedObject: { kind: '', name: '' } })),
  metrics('object of the core', metric('object', { describedObject: { kind: 'Service', name: 's', apiVersion: 'v1' } })),
  metrics(
    'object of a bad version',
    metric('object', { describedObject: { kind: 'Service', name: 's', apiVersion: 'a/b/c' } }),
  ),
  ...targets('object', [{ type: 'Value' }, { type: 'Value', value: '1', averageValue: '2' }, utilization]),
  metrics('no name of external', metric('external', { metric: {} })),
  ...targets('external', [{ type: 'Value' }, { type: 'Value', value: '1', averageValue: '2' }, average]),
];

const rule = { type: 'Pods', value: 2, periodSeconds: 60 };
const behavior = (title: string, given: unknown): Case => [`behavior, ${title}`, [['spec.behavior', given]]];
const behaviors: Case[] = [
  behavior('empty', {}),
  behavior('up, empty', { scaleUp: {} }),
  behavior('down, empty', { scaleDown: {} }),
  behavior('both', { scaleUp: { policies: [rule] }, scaleDown: { selectPolicy: 'Disabled' } }),
  ...[-1, 0, 3600, 3601].map((seconds) =>
    behavior(`window ${seconds}`, {
      scaleUp: { stabilizationWindowSeconds: seconds },
      scaleDown: { stabilizationWindowSeconds: seconds },
    }),
  ),
  ...['', 'Foo', 'Min'].map((selectPolicy) => behavior(`select ${selectPolicy}`, { scaleUp: { selectPolicy } })),
  behavior('bad policies', {
    scaleDown: {
      policies: [
        { ...rule, type: 'Foo' },
        { ...rule, value: 0 },
        { ...rule, value: -1 },
        { ...rule, periodSeconds: 0 },
        { ...rule, periodSeconds: 1800 },
        { ...rule, periodSeconds: 1801 },
        {},
      ],
    },
  }),
  ...['0', '0.05', '50m', '1', '-0.1', 'x', ''].map((tolerance) =>
    behavior(`tolerance ${tolerance}`, { scaleUp: { tolerance }, scaleDown: { tolerance, policies: [rule] } }),
  ),
];

export const creates: readonly Case[] = [
  ['as it is', []],
  ...each('metadata.name', ['H_x', 'h-']),
  ...each('spec.minReplicas', [0, -1, 1, 5, 6]),
  ...each('spec.maxReplicas', [0, -1, undefined]),
  ['nothing', [['spec', {}]]],
  ['no spec', [['spec', undefined]]],
  ['none at all and a metric from outside', [['spec', { ...autoscaler.spec, minReplicas: 0, metrics: [metric('external')] }]]],
  ['a status', [['status', { currentReplicas: 3, desiredReplicas: 4 }]]],
  ...targetRefs,
  ...sourceCases,
  ...behaviors,
];

const alpha = (name: string, given: unknown): Change => [
  ['metadata.annotations', { mine: 'x', [`${prefix}/${name}`]: typeof given === 'string' ? given : JSON.stringify(given) }],
];
const old = {
  resource: { type: 'Resource', resource: { name: 'memory', targetAverageValue: '100Mi' } },
  pods: { type: 'Pods', pods: { metricName: 'packets', selector, targetAverageValue: '1k' } },
  object: { type: 'Object', object: { metricName: 'hits', target: described, targetValue: '2' } },
  external: { type: 'External', external: { metricName: 'q', metricSelector: selector, targetAverageValue: '7' } },
  container: { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'c', targetAverageUtilization: 5 } },
};

/** Of autoscaling/v1, whose annotations say what it has no fields for. */
export const olderCreates: readonly Case[] = [
  ['as it is', []],
  ...each('spec.targetCPUUtilizationPercentage', [50, 0, -5, 1000]),
  ...each('spec.minReplicas', [0, 6]),
  ['a status', [['status', { currentReplicas: 3, desiredReplicas: 4, currentCPUUtilizationPercentage: 9 }]]],
  ...Object.entries(old).map(([title, one]): Case => [`annotated, ${title}`, alpha('metrics', [one])]),
  ['annotated, all', alpha('metrics', Object.values(old))],
  ['annotated and a percentage', [...alpha('metrics', [old.resource, old.pods]), ['spec.targetCPUUtilizationPercentage', 50]]],
  ['annotated, nonsense', alpha('metrics', 'x{')],
  ['annotated, an object', alpha('metrics', {})],
  ['annotated, empty', alpha('metrics', [])],
  ['annotated, an unknown type', alpha('metrics', [{ type: 'Foo' }])],
  ['annotated, unknown fields', alpha('metrics', [{ ...old.resource, more: 1 }])],
  ['annotated, a wrong type', alpha('metrics', [{ type: 5 }])],
  ['annotated, a bad quantity', alpha('metrics', [{ type: 'Resource', resource: { name: 'cpu', targetAverageValue: 'x' } }])],
  ['annotated, behavior', alpha('behavior', { ScaleUp: { Policies: [{ Type: 'Pods', Value: 2, PeriodSeconds: 60 }] } })],
  ['annotated, behavior in small letters', alpha('behavior', { scaleDown: { stabilizationWindowSeconds: 7 } })],
  ['annotated, behavior wrong', alpha('behavior', { ScaleUp: { StabilizationWindowSeconds: -1 } })],
  ['annotated, behavior nonsense', alpha('behavior', '[')],
  ['annotated, conditions', alpha('conditions', [{ type: 'AbleToScale', status: 'True' }])],
  ['annotated, current metrics', alpha('current-metrics', [{ type: 'Resource', resource: { name: 'cpu' } }])],
];

/** Each is tried on a valid one with every metric and behavior. */
export const updates: readonly Case[] = [
  ['nothing', []],
  ['fewer', [['spec.maxReplicas', 2]]],
  ['another target', [['spec.scaleTargetRef.apiVersion', 'v1']]],
  ['none', [['spec.minReplicas', 0]]],
  [
    'no behavior, no metrics',
    [
      ['spec.behavior', undefined],
      ['spec.metrics', undefined],
    ],
  ],
  ['a status', [['status', { currentReplicas: 9, desiredReplicas: 9 }]]],
];

const current = { value: '1500m', averageValue: '250m', averageUtilization: 12 };
const now = '2026-01-02T03:04:05Z';
export const statuses: readonly (readonly [string, unknown])[] = [
  ['empty', {}],
  ['negative', { currentReplicas: -1, desiredReplicas: -2 }],
  ['counts', { currentReplicas: 2, desiredReplicas: 3, lastScaleTime: now, observedGeneration: 4 }],
  ['no metrics', { currentReplicas: 1, desiredReplicas: 1, currentMetrics: [] }],
  ['an empty metric', { currentReplicas: 1, desiredReplicas: 1, currentMetrics: [{ type: '' }] }],
  [
    'all metrics',
    {
      currentReplicas: 2,
      desiredReplicas: 3,
      currentMetrics: [
        { type: 'Resource', resource: { name: 'cpu', current } },
        {
          type: 'ContainerResource',
          containerResource: { name: 'memory', container: 'app', current: { averageValue: '100Mi' } },
        },
        { type: 'Pods', pods: { metric: { name: 'packets', selector }, current: { averageValue: '1100m' } } },
        { type: 'Object', object: { metric: { name: 'hits' }, describedObject: described, current: { value: '3k' } } },
        { type: 'External', external: { metric: { name: 'q' }, current: { averageValue: '2', value: '0' } } },
      ],
      conditions: [
        { type: 'AbleToScale', status: 'True', lastTransitionTime: now, reason: 'ReadyForNewScale', message: 'm' },
        { type: 'Foo', status: 'Bar' },
      ],
    },
  ],
];
