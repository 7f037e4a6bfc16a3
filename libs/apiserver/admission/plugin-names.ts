// The admission plugins of Kubernetes 1.36.2 by name, and what --enable- and --disable-admission-plugins make of them.
import type { FeatureGateName } from '@drydock/foundation/feature-gate-table.ts';

/** On unless they are switched off, in the order in which `kube-apiserver --help` lists them. */
const onByDefault: readonly string[] = [
  'NamespaceLifecycle',
  'LimitRanger',
  'ServiceAccount',
  'TaintNodesByCondition',
  'PodSecurity',
  'Priority',
  'DefaultTolerationSeconds',
  'DefaultStorageClass',
  'StorageObjectInUseProtection',
  'PodGroupProtection',
  'PersistentVolumeClaimResize',
  'RuntimeClass',
  'CertificateApproval',
  'CertificateSigning',
  'ClusterTrustBundleAttest',
  'CertificateSubjectRestriction',
  'DefaultIngressClass',
  'PodTopologyLabels',
  'PodGroupWorkloadExists',
  'NodeDeclaredFeatureValidator',
  'JobValidation',
  'PodResizeValidator',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionWebhook',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionWebhook',
  'ResourceQuota',
];

/** Off unless they are switched on. */
const offByDefault: readonly string[] = [
  'AlwaysAdmit',
  'AlwaysDeny',
  'AlwaysPullImages',
  'DenyServiceExternalIPs',
  'EventRateLimit',
  'ExtendedResourceToleration',
  'ImagePolicyWebhook',
  'LimitPodHardAntiAffinityTopology',
  'NamespaceAutoProvision',
  'NamespaceExists',
  'NodeRestriction',
  'OwnerReferencesPermissionEnforcement',
  'PodNodeSelector',
  'PodTolerationRestriction',
];

/** Plugins that do nothing while one of their gates is off, as all of these are by default. */
const gated: Readonly<Record<string, readonly FeatureGateName[]>> = {
  PodGroupProtection: ['GenericWorkload'],
  PodGroupWorkloadExists: ['GenericWorkload'],
  JobValidation: ['GenericWorkload', 'WorkloadWithJob'],
  ClusterTrustBundleAttest: ['ClusterTrustBundle'],
  PodTopologyLabels: ['PodTopologyLabelsAdmission'],
  NodeDeclaredFeatureValidator: ['NodeDeclaredFeatures'],
};

/** The gates that plugins hang on. */
export const pluginGates: readonly FeatureGateName[] = [...new Set(Object.values(gated).flat())];

/** Which plugins run, and which of upstream's default ones would do something and do not exist here. */
export interface PluginChoice {
  readonly run: readonly string[];
  readonly missing: readonly string[];
}

/**
 * Reads the two flags. `served`: the plugins that exist here, in the order in which they run; `enabled`: which gates are on.
 * Throws an Error with upstream's words for unknown and contradicting names, and for one that is asked for, would do something
 * and does not exist here.
 */
export function choosePlugins(
  enable: readonly string[],
  disable: readonly string[],
  served: readonly string[],
  enabled: (gate: FeatureGateName) => boolean,
): PluginChoice {
  const known = [...onByDefault, ...offByDefault];
  for (const [flag, names] of [
    ['enable-admission-plugins', enable],
    ['disable-admission-plugins', disable],
  ] as const) {
    for (const name of names) if (!known.includes(name)) throw new Error(`${flag} plugin ${JSON.stringify(name)} is unknown`);
  }
  const both = enable.filter((name) => disable.includes(name));
  if (both.length > 0)
    throw new Error(`[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`);
  const acts = (name: string): boolean => gated[name]?.every(enabled) ?? true;
  for (const name of enable) {
    if (acts(name) && !served.includes(name))
      throw new Error(
        `enable-admission-plugins plugin ${JSON.stringify(name)} is not served here: what it should refuse would be let in`,
      );
  }
  const wanted = [...onByDefault.filter((name) => !disable.includes(name)), ...enable].filter(acts);
  return { run: served.filter((name) => wanted.includes(name)), missing: wanted.filter((name) => !served.includes(name)) };
}
