// Builds the admission plugins that are switched on.
import type { Namespace, Node, Pod, PriorityClass, ServiceAccount, StorageClass } from '@drydock/api/generated/types.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import type { AdmissionPlugin } from './admission.ts';
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { podResizeValidator } from './pod-resize.ts';
import { type DefaultTolerations, defaultTolerationSeconds, priorityAdmission, taintNewNodes } from './pods.ts';
import { serviceAccountAdmission } from './service-account.ts';
import { defaultStorageClass, storageProtection } from './storage.ts';

/** What plugins look up: objects as they are now. */
export interface PluginSources {
  namespace(name: string): Promise<Namespace | undefined>;
  serviceAccount(namespace: string, name: string): Promise<ServiceAccount | undefined>;
  pod(namespace: string, name: string): Promise<Pod | undefined>;
  node(name: string): Promise<Node | undefined>;
  priorityClass(name: string): Promise<PriorityClass | undefined>;
  priorityClasses(): Promise<Iterable<PriorityClass>>;
  storageClasses(): Promise<Iterable<StorageClass>>;
  readonly authorizer: Authorizer;
  readonly random: RandomStream;
  readonly tolerations: DefaultTolerations;
}

/** The plugins of those names, in the order given. */
export function buildPlugins(names: readonly string[], sources: PluginSources): AdmissionPlugin[] {
  const known: Readonly<Record<string, () => AdmissionPlugin>> = {
    NamespaceLifecycle: () => namespaceLifecycle((name) => sources.namespace(name)),
    ServiceAccount: () => serviceAccountAdmission((namespace, name) => sources.serviceAccount(namespace, name), sources.random),
    NodeRestriction: () => nodeRestriction((namespace, name) => sources.pod(namespace, name)),
    CertificateApproval: () => certificateApproval(sources.authorizer),
    CertificateSigning: () => certificateSigning(sources.authorizer),
    CertificateSubjectRestriction: () => certificateSubjectRestriction,
    PodResizeValidator: () => podResizeValidator((name) => sources.node(name)),
    TaintNodesByCondition: () => taintNewNodes,
    Priority: () =>
      priorityAdmission({
        find: (name) => sources.priorityClass(name),
        globalDefault: async () => {
          const defaults = [...(await sources.priorityClasses())].filter((each) => each.globalDefault === true);
          return defaults.sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
        },
      }),
    DefaultTolerationSeconds: () => defaultTolerationSeconds(sources.tolerations),
    StorageObjectInUseProtection: () => storageProtection,
    DefaultStorageClass: () => defaultStorageClass(() => sources.storageClasses()),
  };
  return names.flatMap((name) => known[name]?.() ?? []);
}
