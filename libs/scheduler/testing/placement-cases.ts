// Clusters and a pod that is to be placed in each. What the original did with them is in testdata/placements.json, which
// `npm run record:placements` writes anew.
import type { TopologySpreadConstraint } from '@drydock/api/generated/types.ts';
import { node } from '../testing.ts';
import {
  a,
  apart,
  b,
  given,
  host,
  labelled,
  namespace,
  near,
  type PlacementCase,
  preferApart,
  preferNear,
  spread,
  term,
  zone,
  zones,
} from './placement-case.ts';
import { volumePlacementCases } from './volume-placement-cases.ts';

export const placementCases: Readonly<Record<string, PlacementCase>> = {
  'near a pod of its zone': given(
    zones('x', 'y', 'y'),
    [labelled('other', { labels: a, on: 'n1' })],
    labelled('p', { spec: near(term('a')) }),
  ),
  'near nothing that is there': given(zones('x', 'y'), [], labelled('p', { spec: near(term('a')) })),
  'near itself, where it is the first': given(zones('x'), [], labelled('p', { labels: a, spec: near(term('a')) })),
  'near itself, where another is elsewhere': given(
    [...zones('x'), node('n2')],
    [labelled('other', { labels: a, on: 'n2' })],
    labelled('p', { labels: a, spec: near(term('a')) }),
  ),
  'near, on a node without the label': given(
    [node('n1'), node('n2')],
    [labelled('other', { labels: a, on: 'n1' })],
    labelled('p', { labels: a, spec: near(term('a')) }),
  ),
  'near one that matches both terms': given(
    zones('x', 'y', 'z'),
    [
      labelled('one', { labels: a, on: 'n1' }),
      labelled('two', { labels: { app: 'a', tier: 'b' }, on: 'n2' }),
      labelled('three', { labels: { tier: 'b' }, on: 'n3' }),
    ],
    labelled('p', { spec: near(term('a'), { topologyKey: host, labelSelector: { matchLabels: { tier: 'b' } } }) }),
  ),
  'near one of another namespace by name': given(
    zones('x', 'y'),
    [labelled('other', { labels: a, on: 'n2', namespace: 'blue' })],
    labelled('p', { spec: near(term('a', zone, { namespaces: ['blue'] })) }),
    namespace('blue', { team: 'blue' }),
  ),
  'near one of another namespace by label': given(
    zones('x', 'y'),
    [labelled('other', { labels: a, on: 'n2', namespace: 'blue' })],
    labelled('p', { spec: near(term('a', zone, { namespaceSelector: { matchLabels: { team: 'blue' } } })) }),
    namespace('blue', { team: 'blue' }),
  ),
  'near one of a namespace that is not meant': given(
    zones('x', 'y'),
    [labelled('other', { labels: a, on: 'n2', namespace: 'blue' })],
    labelled('p', { spec: near(term('a', zone, { namespaceSelector: { matchLabels: { team: 'red' } } })) }),
    namespace('blue', { team: 'blue' }),
  ),
  'near one of any namespace': given(
    zones('x', 'y'),
    [labelled('other', { labels: a, on: 'n2', namespace: 'blue' })],
    labelled('p', { spec: near(term('a', zone, { namespaceSelector: {} })) }),
    namespace('blue', { team: 'blue' }),
  ),
  'near, without a selector': given(
    zones('x'),
    [labelled('other', { labels: a, on: 'n1' })],
    labelled('p', { labels: a, spec: near({ topologyKey: zone }) }),
  ),
  'apart from a pod of the zone': given(
    zones('x', 'x', 'y'),
    [labelled('other', { labels: a, on: 'n1' })],
    labelled('p', { spec: apart(term('a')) }),
  ),
  'apart from pods everywhere': given(
    zones('x', 'y'),
    [labelled('one', { labels: a, on: 'n1' }), labelled('two', { labels: a, on: 'n2' })],
    labelled('p', { spec: apart(term('a')) }),
  ),
  'apart, on nodes without the label': given(
    [node('n1')],
    [labelled('other', { labels: a, on: 'n1' })],
    labelled('p', { spec: apart(term('a')) }),
  ),
  'where placed pods keep it away': given(
    zones('x', 'y'),
    [labelled('one', { on: 'n1', spec: apart(term('a')) }), labelled('two', { on: 'n2', spec: apart(term('a', host)) })],
    labelled('p', { labels: a }),
  ),
  'where placed pods keep others away': given(
    zones('x'),
    [labelled('one', { on: 'n1', spec: apart(term('b')) })],
    labelled('p', { labels: a }),
  ),
  'where pods of another namespace keep it away': given(
    zones('x', 'y'),
    [
      labelled('one', {
        namespace: 'blue',
        on: 'n1',
        spec: apart(term('a', zone, { namespaceSelector: { matchLabels: { team: 'green' } } })),
      }),
    ],
    labelled('p', { labels: a, namespace: 'green' }),
    namespace('blue', { team: 'blue' }),
    namespace('green', { team: 'green' }),
  ),
  'apart here, kept away there, and near nothing': given(
    zones('x', 'y', 'z'),
    [labelled('one', { labels: a, on: 'n1' }), labelled('two', { labels: b, on: 'n2', spec: apart(term('p')) })],
    labelled('p', {
      labels: { app: 'p' },
      spec: {
        affinity: {
          ...near(term('b', host, { labelSelector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } })).affinity,
          ...apart(term('a', host)).affinity,
        },
      },
    }),
  ),
  'preferring company': given(
    zones('x', 'y'),
    [labelled('one', { labels: a, on: 'n2' })],
    labelled('p', { spec: preferNear(100, term('a')) }),
  ),
  'preferring solitude': given(
    zones('x', 'y'),
    [labelled('one', { labels: a, on: 'n1' })],
    labelled('p', { spec: preferApart(100, term('a')) }),
  ),
  'where placed pods prefer it': given(
    zones('x', 'y'),
    [
      labelled('one', { on: 'n1', spec: preferApart(5, term('a')) }),
      labelled('two', { on: 'n2', spec: preferNear(5, term('a')) }),
    ],
    labelled('p', { labels: a }),
  ),
  'where placed pods need it': given(
    zones('x', 'y'),
    [labelled('one', { on: 'n2', labels: a, spec: near(term('a')) })],
    labelled('p', { labels: a }),
  ),
  'a victim that it is apart from': given(
    zones('x'),
    [labelled('low', { labels: a, on: 'n1' })],
    labelled('p', { priority: 100, spec: apart(term('a')) }),
  ),
  'a victim that keeps it away': given(
    zones('x'),
    [labelled('low', { on: 'n1', spec: apart(term('a')) }), labelled('bystander', { on: 'n1' })],
    labelled('p', { labels: a, priority: 100 }),
  ),
  'a victim that it needs': given(
    zones('x'),
    [labelled('low', { labels: a, on: 'n1', cpu: '3' })],
    labelled('p', { priority: 100, cpu: '3', spec: near(term('a')) }),
  ),
  'a victim on another node does not count': given(
    zones('x', 'x'),
    [labelled('one', { labels: a, on: 'n1' }), labelled('two', { labels: a, on: 'n2' })],
    labelled('p', { priority: 100, spec: apart(term('a')) }),
  ),
  'the emptier zone': given(
    zones('x', 'x', 'y'),
    [labelled('one', { labels: a, on: 'n1' })],
    labelled('p', { labels: a, spec: spread() }),
  ),
  'no zone is left': given(
    [...zones('x', 'y'), node('n3')],
    [labelled('one', { labels: a, on: 'n1' })],
    labelled('p', {
      labels: a,
      spec: {
        ...spread(),
        nodeSelector: { [host]: 'n1' },
        topologySpreadConstraints: [
          { ...(spread({ nodeAffinityPolicy: 'Ignore' }).topologySpreadConstraints[0] as TopologySpreadConstraint) },
        ],
      },
    }),
  ),
  'a node without the label': given([node('n1')], [], labelled('p', { labels: a, spec: spread() })),
  'zones that the selector leaves out': given(
    zones('x', 'y'),
    [labelled('one', { labels: a, on: 'n1' })],
    labelled('p', { labels: a, spec: { ...spread(), nodeSelector: { [zone]: 'x' } } }),
  ),
  'a tainted zone counts': given(
    [
      node('n1', { labels: { [zone]: 'x' } }),
      node('n2', { labels: { [zone]: 'y' }, spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }),
    ],
    [labelled('one', { labels: a, on: 'n1' })],
    labelled('p', { labels: a, spec: spread() }),
  ),
  'a tainted zone does not count where taints are honoured': given(
    [
      node('n1', { labels: { [zone]: 'x' } }),
      node('n2', { labels: { [zone]: 'y' }, spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }),
    ],
    [labelled('one', { labels: a, on: 'n1' })],
    labelled('p', { labels: a, spec: spread({ nodeTaintsPolicy: 'Honor' }) }),
  ),
  'fewer zones than there are to be': given(
    zones('x', 'y'),
    [labelled('one', { labels: a, on: 'n1' }), labelled('two', { labels: a, on: 'n2' })],
    labelled('p', { labels: a, spec: spread({ minDomains: 3 }) }),
  ),
  'pods that do not match themselves': given(
    zones('x', 'y'),
    [labelled('one', { labels: a, on: 'n1' })],
    labelled('p', { labels: b, spec: { ...spread(), nodeSelector: { [host]: 'n1' } } }),
  ),
  'pods of the same revision': given(
    zones('x', 'y'),
    [
      labelled('one', { labels: { app: 'a', rev: '1' }, on: 'n2' }),
      labelled('two', { labels: { app: 'a', rev: '2' }, on: 'n1' }),
    ],
    labelled('p', { labels: { app: 'a', rev: '2' }, spec: spread({ matchLabelKeys: ['rev'] }) }),
  ),
  'pods of another namespace are not counted': given(
    zones('x', 'y'),
    [
      labelled('one', { labels: a, on: 'n1', namespace: 'blue' }),
      labelled('two', { labels: a, on: 'n1', namespace: 'blue' }),
      labelled('three', { labels: a, on: 'n2' }),
    ],
    labelled('p', { labels: a, spec: spread() }),
    namespace('blue', {}),
  ),
  'a soft constraint': given(
    zones('x', 'x', 'y'),
    [
      labelled('one', { labels: a, on: 'n3' }),
      labelled('two', { labels: a, on: 'n1' }),
      labelled('three', { labels: a, on: 'n1' }),
    ],
    labelled('p', { labels: a, spec: spread({ whenUnsatisfiable: 'ScheduleAnyway' }) }),
  ),
  'pods of a Service': given(
    zones('x', 'y'),
    [labelled('one', { labels: a, on: 'n1' }), labelled('two', { labels: a, on: 'n1' })],
    labelled('p', { labels: a }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's', namespace: 'default' },
      spec: { selector: a, ports: [{ port: 80 }] },
    },
  ),
  'a victim for the skew': given(
    zones('x', 'y'),
    [labelled('one', { labels: a, on: 'n1' }), labelled('full', { on: 'n2', cpu: '4', priority: 200 })],
    labelled('p', { labels: a, priority: 100, cpu: '1', spec: spread() }),
  ),
  ...volumePlacementCases,
};
