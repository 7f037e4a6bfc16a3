// Builds the admission plugins that are switched on.
import type {
  IngressClass,
  LimitRange,
  PriorityClass,
  RuntimeClass,
  ServiceAccount,
  StorageClass,
} from '@drydock/api/generated/types.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { AdmissionPlugin } from './admission.ts';
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts';
import { claimResize } from './claim-resize.ts';
import { nodeDeclaredFeatures } from './declared-features.ts';
import { defaultIngressClass } from './default-ingress-class.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import type { NodeLookups } from './node-writes.ts';
import { podResizeValidator } from './pod-resize.ts';
import { type PodSecuritySources, podSecurity } from './pod-security/plugin.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { type DefaultTolerations, defaultTolerationSeconds, priorityAdmission, taintNewNodes } from './pods.ts';
import { type Quotas, resourceQuota } from './resource-quota.ts';
import { runtimeClassAdmission } from './runtime-class.ts';
import { serviceAccountAdmission } from './service-account.ts';
import { defaultStorageClass, storageProtection } from './storage.ts';

/** What plugins look up: objects as they are now. */
export interface PluginSources extends NodeLookups, PodSecuritySources {
  serviceAccount(namespace: string, name: string): Promise<ServiceAccount | undefined>;
  limitRanges(namespace: string): Promise<readonly LimitRange[]>;
  readonly quotas: Quotas;
  priorityClass(name: string): Promise<PriorityClass | undefined>;
  priorityClasses(): Promise<Iterable<PriorityClass>>;
  storageClass(name: string): Promise<StorageClass | undefined>;
  storageClasses(): Promise<Iterable<StorageClass>>;
  runtimeClass(name: string): Promise<RuntimeClass | undefined>;
  ingressClasses(): Promise<Iterable<IngressClass>>;
  readonly authorizer: Authorizer;
  readonly random: RandomStream;
  readonly tolerations: DefaultTolerations;
}

/** Those that exist here. */
const builders: Readonly<Record<string, (sources: PluginSources) => AdmissionPlugin>> = {
  NamespaceLifecycle: (sources) => namespaceLifecycle((name) => sources.namespace(name)),
  ServiceAccount: (sources) =>
    serviceAccountAdmission((namespace, name) => sources.serviceAccount(namespace, name), sources.random),
  NodeRestriction: (sources) => nodeRestriction(sources),
  CertificateApproval: (sources) => certificateApproval(sources.authorizer),
  CertificateSigning: (sources) => certificateSigning(sources.authorizer),
  CertificateSubjectRestriction: () => certificateSubjectRestriction,
  PodSecurity: (sources) => podSecurity(sources),
  PodResizeValidator: (sources) => podResizeValidator((name) => sources.node(name)),
  LimitRanger: (sources) => limitRanger((namespace) => sources.limitRanges(namespace)),
  ResourceQuota: (sources) => resourceQuota(sources.quotas),
  TaintNodesByCondition: () => taintNewNodes,
  Priority: (sources) =>
    priorityAdmission({
      find: (name) => sources.priorityClass(name),
      globalDefault: async () => {
        const defaults = [...(await sources.priorityClasses())].filter((each) => each.globalDefault === true);
        return defaults.sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
      },
    }),
  DefaultTolerationSeconds: (sources) => defaultTolerationSeconds(sources.tolerations),
  StorageObjectInUseProtection: () => storageProtection,
  DefaultStorageClass: (sources) => defaultStorageClass(() => sources.storageClasses()),
  PersistentVolumeClaimResize: (sources) => claimResize((name) => sources.storageClass(name)),
  RuntimeClass: (sources) => runtimeClassAdmission((name) => sources.runtimeClass(name)),
  DefaultIngressClass: (sources) => defaultIngressClass(() => sources.ingressClasses()),
  PodTopologyLabels: (sources) => podTopologyLabels((name) => sources.node(name)),
  NodeDeclaredFeatureValidator: (sources) => nodeDeclaredFeatures((name) => sources.node(name)),
};

/** Their names, in the order in which they run (pkg/kubeapiserver/options/plugins.go). */
export const servedPlugins: readonly string[] = [
  'NamespaceLifecycle',
  'LimitRanger',
  'ServiceAccount',
  'NodeRestriction',
  'TaintNodesByCondition',
  'PodSecurity',
  'Priority',
  'DefaultTolerationSeconds',
  'DefaultStorageClass',
  'StorageObjectInUseProtection',
  'PersistentVolumeClaimResize',
  'RuntimeClass',
  'CertificateApproval',
  'CertificateSigning',
  'CertificateSubjectRestriction',
  'DefaultIngressClass',
  'PodTopologyLabels',
  'NodeDeclaredFeatureValidator',
  'PodResizeValidator',
  'ResourceQuota',
];

/** The plugins of those names, in the order given. */
export function buildPlugins(names: readonly string[], sources: PluginSources): AdmissionPlugin[] {
  return names.flatMap((name) => builders[name]?.(sources) ?? []);
}
