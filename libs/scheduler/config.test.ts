import { expect, test } from 'vitest';
import { defaultSchedulerConfig, parseSchedulerConfig } from './config.ts';
import { defaultProfileConfig, scoreWeights } from './profile.ts';

const file = (body: string) => `apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n${body}`;

test('an empty file is the defaults', () => {
  expect(parseSchedulerConfig(file(''))).toEqual(defaultSchedulerConfig);
});

test('every field that has an effect arrives', () => {
  const text = file(`
parallelism: 3
percentageOfNodesToScore: 30
podInitialBackoffSeconds: 2
podMaxBackoffSeconds: 20
enableProfiling: true
leaderElection: { leaderElect: false, leaseDuration: 4s, renewDeadline: 3s, retryPeriod: 500ms, resourceName: mine, resourceNamespace: here }
clientConnection: { kubeconfig: /k, qps: 7.5, burst: 9 }
profiles: [{ schedulerName: own, percentageOfNodesToScore: 60 }]
`);
  expect(parseSchedulerConfig(text)).toEqual({
    profiles: [{ ...defaultProfileConfig, schedulerName: 'own', percentageOfNodesToScore: 60 }],
    podInitialBackoffMs: 2_000,
    podMaxBackoffMs: 20_000,
    parallelism: 3,
    leaderElection: {
      leaderElect: false,
      leaseDurationMs: 4_000,
      renewDeadlineMs: 3_000,
      retryPeriodMs: 500,
      resourceName: 'mine',
      resourceNamespace: 'here',
    },
    clientConnection: { kubeconfig: '/k', qps: 7.5, burst: 9 },
    withoutEffect: ['enableProfiling'],
  });
});

const profiles = (text: string) => parseSchedulerConfig(file(`profiles:\n${text}`)).profiles;

test('plugins are turned off and on, at one point or at all, and weigh what is said', () => {
  const [first, second] = profiles(`
- schedulerName: one
  plugins:
    multiPoint: { disabled: [{ name: InterPodAffinity }], enabled: [{ name: ImageLocality, weight: 7 }] }
    score: { disabled: [{ name: NodeAffinity }], enabled: [{ name: PodTopologySpread, weight: 9 }] }
    preScore: { disabled: [{ name: NodeAffinity }] }
    postFilter: { disabled: [{ name: '*' }] }
- schedulerName: two
`);
  const { InterPodAffinity: _, NodeAffinity: __, ...weights } = scoreWeights;
  expect(Object.fromEntries(first?.scores ?? [])).toEqual({ ...weights, ImageLocality: 7, PodTopologySpread: 9 });
  expect(first?.filters).toEqual(defaultProfileConfig.filters.filter((name) => name !== 'InterPodAffinity'));
  expect(first).toMatchObject({ schedulerName: 'one', gates: true, preempts: false });
  expect(second).toEqual({ ...defaultProfileConfig, schedulerName: 'two' });
});

test('arguments of plugins arrive', () => {
  const [profile] = profiles(`
- pluginConfig:
  - name: InterPodAffinity
    args: { apiVersion: kubescheduler.config.k8s.io/v1, kind: InterPodAffinityArgs, hardPodAffinityWeight: 50 }
  - name: VolumeBinding
    args: { bindTimeoutSeconds: 30 }
  - name: PodTopologySpread
    args: { defaultingType: List, defaultConstraints: [{ maxSkew: 2, topologyKey: zone, whenUnsatisfiable: DoNotSchedule }] }
`);
  expect(profile?.args).toEqual({
    interPodAffinity: { hardPodAffinityWeight: 50, ignorePreferredTermsOfExistingPods: false },
    bindTimeoutMs: 30_000,
    podTopologySpread: {
      defaultConstraints: [{ maxSkew: 2, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
      isSystem: false,
    },
  });
});

const withArgs = (name: string, args: string) => `profiles: [{ pluginConfig: [{ name: ${name}, args: ${args} }] }]`;
const withPlugins = (text: string) => `profiles: [{ plugins: ${text} }]`;

test.each([
  [
    withArgs('InterPodAffinity', '{ hardPodAffinityWeight: 101 }'),
    'profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]',
  ],
  [
    withArgs('VolumeBinding', '{ bindTimeoutSeconds: -1 }'),
    'profiles[0].pluginConfig[0].args.bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value',
  ],
  [
    withArgs('PodTopologySpread', '{ defaultConstraints: [{ maxSkew: 1 }] }'),
    'defaultingType: Invalid value: "System": when .defaultConstraints are not empty',
  ],
  [
    withArgs('PodTopologySpread', '{ defaultingType: List, defaultConstraints: [{ maxSkew: 0 }] }'),
    'defaultConstraints[0].maxSkew: Invalid value: 0: not in valid range (0, inf)',
  ],
  [
    withArgs(
      'PodTopologySpread',
      '{ defaultingType: List, defaultConstraints: [{ maxSkew: 1, topologyKey: z, whenUnsatisfiable: Maybe }] }',
    ),
    'whenUnsatisfiable: Unsupported value: "Maybe": supported values: "DoNotSchedule", "ScheduleAnyway"',
  ],
  [withArgs('InterPodAffinity', '{ wrong: 1 }'), 'profiles[0].pluginConfig[0].args: unknown field "wrong"'],
  [withArgs('NodeAffinity', '{}'), 'NodeAffinity takes no arguments here'],
  [withPlugins('{ filter: { enabled: [{ name: Mine }] } }'), 'plugin "Mine" does not exist'],
  [withPlugins('{ filter: { enabled: [{ name: ImageLocality }] } }'), 'plugin "ImageLocality" does not extend filter plugin'],
  [
    withPlugins('{ preFilter: { disabled: [{ name: InterPodAffinity }] } }'),
    'has to be enabled or disabled together with filter',
  ],
  [withPlugins("{ bind: { disabled: [{ name: '*' }] } }"), 'DefaultBinder cannot be disabled'],
  [
    'profiles: [{ schedulerName: a }, { schedulerName: a }]',
    'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"',
  ],
  ['profiles: [{ schedulerName: a }, {}]', 'profiles[1].schedulerName: Required value'],
])('%s is refused in the words of the original, where it has any', (body, message) => {
  expect(() => parseSchedulerConfig(file(body))).toThrow(message);
});

test.each([
  ['percentageOfNodesToScore: 101', /percentageOfNodesToScore: Invalid value: 101: not in valid range \[0-100\]/],
  ['profiles: [{ percentageOfNodesToScore: -1 }]', /percentageOfNodesToScore: Invalid value: -1/],
  ['parallelism: 0', /parallelism: expected a whole number of at least 1, got 0/],
  ['clientConnection: { burst: -1 }', /clientConnection.burst: expected a number/],
  ['leaderElection: { retryPeriod: soon }', /leaderElection.retryPeriod: expected a duration/],
  ['leaderElection: { resourceLock: endpoints }', /leaderElection.resourceLock: Invalid value: "endpoints"/],
  ['wrong: 1', /unknown field "wrong"/],
])('%s is refused by name', (body, message) => {
  expect(() => parseSchedulerConfig(file(body))).toThrow(message);
});
