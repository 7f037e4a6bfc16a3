// Builds the admission plugins that are switched on.
import type { LimitRange, PriorityClass, ServiceAccount, StorageClass } from '@drydock/api/generated/types.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { AdmissionPlugin } from './admission.ts';
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import type { NodeLookups } from './node-writes.ts';
import { podResizeValidator } from './pod-resize.ts';
import { type PodSecuritySources, podSecurity } from './pod-security/plugin.ts';
import { type DefaultTolerations, defaultTolerationSeconds, priorityAdmission, taintNewNodes } from './pods.ts';
import { type Quotas, resourceQuota } from './resource-quota.ts';
import { serviceAccountAdmission } from './service-account.ts';
import { defaultStorageClass, storageProtection } from './storage.ts';

/** What plugins look up: objects as they are now. */
export interface PluginSources extends NodeLookups, PodSecuritySources {
  serviceAccount(namespace: string, name: string): Promise<ServiceAccount | undefined>;
  limitRanges(namespace: string): Promise<readonly LimitRange[]>;
  readonly quotas: Quotas;
  priorityClass(name: string): Promise<PriorityClass | undefined>;
  priorityClasses(): Promise<Iterable<PriorityClass>>;
  storageClasses(): Promise<Iterable<StorageClass>>;
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
  'CertificateApproval',
  'CertificateSigning',
  'CertificateSubjectRestriction',
  'PodResizeValidator',
  'ResourceQuota',
];

/** The plugins of those names, in the order given. */
export function buildPlugins(names: readonly string[], sources: PluginSources): AdmissionPlugin[] {
  return names.flatMap((name) => builders[name]?.(sources) ?? []);
}
