import { describe, expect, test } from 'vitest';
import { cloneJson, type JsonObject } from '../json.ts';
import { findKind } from '../scheme.ts';
import { convertRemoved, removedVersions } from './convert.ts';

function converted(object: JsonObject): { object: JsonObject; said: string[] } {
  const said: string[] = [];
  const given = cloneJson(object);
  const result = convertRemoved(object, (sentence) => said.push(sentence));
  expect(object, 'the argument is left alone').toEqual(given);
  return { object: result, said };
}

const named = (apiVersion: string, kind: string, rest: JsonObject): JsonObject => ({
  apiVersion,
  kind,
  metadata: { name: 'a' },
  ...rest,
});

describe('ingresses', () => {
  test.each(['extensions/v1beta1', 'networking.k8s.io/v1beta1'])(
    'of %s name Services in a structure of their own',
    (apiVersion) => {
      const { object } = converted(
        named(apiVersion, 'Ingress', {
          spec: {
            backend: { serviceName: 'all', servicePort: 80 },
            rules: [
              {
                host: 'foo.bar.com',
                http: {
                  paths: [
                    { path: '/nodejs', backend: { serviceName: 'nodejs-app', servicePort: 'web' } },
                    { path: '/x', pathType: 'Exact', backend: { resource: { kind: 'Bucket', name: 'b' } } },
                  ],
                },
              },
            ],
          },
        }),
      );
      expect(object).toEqual(
        named('networking.k8s.io/v1', 'Ingress', {
          spec: {
            defaultBackend: { service: { name: 'all', port: { number: 80 } } },
            rules: [
              {
                host: 'foo.bar.com',
                http: {
                  paths: [
                    {
                      path: '/nodejs',
                      pathType: 'ImplementationSpecific',
                      backend: { service: { name: 'nodejs-app', port: { name: 'web' } } },
                    },
                    { path: '/x', pathType: 'Exact', backend: { resource: { kind: 'Bucket', name: 'b' } } },
                  ],
                },
              },
            ],
          },
        }),
      );
    },
  );

  test('classes had parameters of the cluster where they said nothing', () => {
    const { object } = converted(
      named('networking.k8s.io/v1beta1', 'IngressClass', { spec: { parameters: { kind: 'P', name: 'p' } } }),
    );
    expect(object.spec).toEqual({ parameters: { kind: 'P', name: 'p', scope: 'Cluster' } });
  });
});

describe('workloads', () => {
  const template = { metadata: { labels: { app: 'a' } }, spec: {} };
  const selector = { matchLabels: { app: 'a' } };

  test('a Deployment of extensions/v1beta1 has the selector and the pace that it had', () => {
    const { object, said } = converted(
      named('extensions/v1beta1', 'Deployment', { spec: { template, rollbackTo: { revision: 1 } } }),
    );
    expect(object).toEqual(
      named('apps/v1', 'Deployment', {
        spec: {
          template,
          selector,
          progressDeadlineSeconds: 2147483647,
          revisionHistoryLimit: 2147483647,
          strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
        },
      }),
    );
    expect(said).toEqual(['Deployment a: spec.rollbackTo is gone: use kubectl rollout undo']);
  });

  test('what a Deployment says stays', () => {
    const spec = {
      template,
      selector: { matchLabels: { app: 'b' } },
      strategy: { type: 'Recreate' },
      progressDeadlineSeconds: 9,
      revisionHistoryLimit: 3,
    };
    expect(converted(named('extensions/v1beta1', 'Deployment', { spec })).object.spec).toEqual(spec);
    expect(converted(named('apps/v1beta1', 'Deployment', { spec: { template } })).object.spec).toEqual({
      template,
      selector,
      revisionHistoryLimit: 2,
    });
    expect(converted(named('apps/v1beta2', 'Deployment', { spec: { template } })).object.spec).toEqual({ template });
  });

  test.each([
    ['DaemonSet', 'extensions/v1beta1', { selector, updateStrategy: { type: 'OnDelete' } }],
    ['DaemonSet', 'apps/v1beta2', {}],
    ['StatefulSet', 'apps/v1beta1', { selector, updateStrategy: { type: 'OnDelete' } }],
    ['StatefulSet', 'apps/v1beta2', {}],
    ['ReplicaSet', 'extensions/v1beta1', { selector }],
  ])('a %s of %s', (kind, apiVersion, more) => {
    expect(converted(named(apiVersion, kind, { spec: { template } })).object).toEqual(
      named('apps/v1', kind, { spec: { template, ...more } }),
    );
  });
});

test.each([
  [{}, { matchExpressions: [{ key: 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match', operator: 'Exists' }] }],
  [{ matchExpressions: [{ key: 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match', operator: 'DoesNotExist' }] }, {}],
  [{ matchLabels: { app: 'a' } }, { matchLabels: { app: 'a' } }],
  [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }, { matchExpressions: [{ key: 'a', operator: 'Exists' }] }],
  [undefined, undefined],
])('the selector %j of a disruption budget selects what it did as %j', (old, now) => {
  const { object } = converted(named('policy/v1beta1', 'PodDisruptionBudget', { spec: { minAvailable: 1, selector: old } }));
  expect(object).toEqual(named('policy/v1', 'PodDisruptionBudget', { spec: { minAvailable: 1, selector: now } }));
});

test('metrics of autoscaling/v2beta1', () => {
  const spec = {
    minReplicas: 1,
    metrics: [
      { type: 'Resource', resource: { name: 'cpu', targetAverageUtilization: 50 } },
      { type: 'Resource', resource: { name: 'memory', targetAverageValue: '1Gi' } },
      { type: 'Pods', pods: { metricName: 'hits', targetAverageValue: '1k' } },
      {
        type: 'Object',
        object: { metricName: 'rps', target: { kind: 'Ingress', name: 'i' }, targetValue: '2k', averageValue: undefined },
      },
      {
        type: 'External',
        external: { metricName: 'queue', metricSelector: { matchLabels: { q: 'a' } }, targetAverageValue: '30' },
      },
    ],
  };
  const { object } = converted(
    named('autoscaling/v2beta1', 'HorizontalPodAutoscaler', { spec, status: { currentReplicas: 1 } }),
  );
  expect(object).toEqual(
    named('autoscaling/v2', 'HorizontalPodAutoscaler', {
      spec: {
        minReplicas: 1,
        metrics: [
          { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
          { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
          { type: 'Pods', pods: { metric: { name: 'hits' }, target: { type: 'AverageValue', averageValue: '1k' } } },
          {
            type: 'Object',
            object: {
              describedObject: { kind: 'Ingress', name: 'i' },
              metric: { name: 'rps' },
              target: { type: 'Value', value: '2k' },
            },
          },
          {
            type: 'External',
            external: {
              metric: { name: 'queue', selector: { matchLabels: { q: 'a' } } },
              target: { type: 'AverageValue', averageValue: '30' },
            },
          },
        ],
      },
    }),
  );
});

test('custom resources: what was said once is said for each version', () => {
  const { object } = converted(
    named('apiextensions.k8s.io/v1beta1', 'CustomResourceDefinition', {
      spec: {
        group: 'example.com',
        version: 'v1',
        preserveUnknownFields: false,
        subresources: { status: {} },
        additionalPrinterColumns: [{ name: 'Age', type: 'date', JSONPath: '.metadata.creationTimestamp' }],
        validation: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object' } } } },
        conversion: { strategy: 'Webhook', webhookClientConfig: { url: 'https://a' } },
      },
      status: { storedVersions: ['v1'] },
    }),
  );
  expect(object).toEqual(
    named('apiextensions.k8s.io/v1', 'CustomResourceDefinition', {
      spec: {
        group: 'example.com',
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object' } } } },
            subresources: { status: {} },
            additionalPrinterColumns: [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
          },
        ],
        conversion: {
          strategy: 'Webhook',
          webhook: { clientConfig: { url: 'https://a' }, conversionReviewVersions: ['v1beta1'] },
        },
      },
    }),
  );
  const bare = converted(
    named('apiextensions.k8s.io/v1beta1', 'CustomResourceDefinition', { spec: { versions: [{ name: 'v1' }, { name: 'v2' }] } }),
  );
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  expect(bare.object.spec).toEqual({
    versions: [
      { name: 'v1', schema },
      { name: 'v2', schema },
    ],
  });
});

test('webhooks have what v1beta1 filled in, and it is said where v1 does not take it', () => {
  const { object, said } = converted(
    named('admissionregistration.k8s.io/v1beta1', 'ValidatingWebhookConfiguration', {
      webhooks: [{ name: 'a' }, { name: 'b', sideEffects: 'None', failurePolicy: 'Fail' }],
    }),
  );
  const filled = { matchPolicy: 'Exact', timeoutSeconds: 30, admissionReviewVersions: ['v1beta1'] };
  expect(object.webhooks).toEqual([
    { name: 'a', failurePolicy: 'Ignore', sideEffects: 'Unknown', ...filled },
    { name: 'b', failurePolicy: 'Fail', sideEffects: 'None', ...filled },
  ]);
  expect(said).toEqual([
    'ValidatingWebhookConfiguration a: webhooks[0].sideEffects: Unknown is not allowed any more: expected None or NoneOnDryRun',
  ]);
});

test('endpoints have their node and zone in fields', () => {
  const { object } = converted(
    named('discovery.k8s.io/v1beta1', 'EndpointSlice', {
      endpoints: [
        { addresses: ['10.0.0.1'], topology: { 'kubernetes.io/hostname': 'n', 'topology.kubernetes.io/zone': 'z', rack: 'r' } },
        { addresses: ['10.0.0.2'] },
      ],
    }),
  );
  expect(object.endpoints).toEqual([
    { addresses: ['10.0.0.1'], nodeName: 'n', zone: 'z', deprecatedTopology: { rack: 'r' } },
    { addresses: ['10.0.0.2'] },
  ]);
});

test('shares of priority levels, signers', () => {
  expect(
    converted(
      named('flowcontrol.apiserver.k8s.io/v1beta2', 'PriorityLevelConfiguration', {
        spec: { type: 'Limited', limited: { assuredConcurrencyShares: 5 } },
      }),
    ).object.spec,
  ).toEqual({ type: 'Limited', limited: { nominalConcurrencyShares: 5 } });
  const { said } = converted(named('certificates.k8s.io/v1beta1', 'CertificateSigningRequest', { spec: { request: 'x' } }));
  expect(said).toEqual([expect.stringMatching(/^CertificateSigningRequest a: spec\.signerName is required/)]);
});

test('lists are converted object by object; what is served, unknown or gone without successor is the same object', () => {
  const old = named('batch/v1beta1', 'CronJob', { spec: { schedule: '* * * * *' } });
  const served = named('v1', 'ConfigMap', {});
  const policy = named('policy/v1beta1', 'PodSecurityPolicy', {});
  const { object, said } = converted({ apiVersion: 'v1', kind: 'List', items: [old, served, policy] });
  expect(object).toEqual({ apiVersion: 'v1', kind: 'List', items: [{ ...old, apiVersion: 'batch/v1' }, served, policy] });
  expect(said).toEqual([expect.stringMatching(/^PodSecurityPolicy a \(policy\/v1beta1\) has no successor: /)]);
  for (const same of [
    served,
    policy,
    named('constructor', 'constructor', {}),
    { apiVersion: 'v1', kind: 'List', items: [served] },
  ])
    expect(converted(same).object).toBe(same);
});

test.each(removedVersions())('$kind of $from is not served, of $to it is', ({ kind, from, to }) => {
  const [group = '', version = ''] = to.split('/');
  expect(findKind(group, version, kind)).toBeDefined();
  const [oldGroup = '', oldVersion = ''] = from.split('/');
  expect(findKind(oldGroup, oldVersion, kind)).toBeUndefined();
  expect(converted(named(from, kind, {})).object.apiVersion).toBe(to);
});
