// Which controllers run: the list that --controllers takes.
import { controllers } from './controllers.ts';

/** Controllers of upstream's that Drydock does not have yet; their names are accepted, and change nothing. */
const notYet = [
  'bootstrap-signer-controller',
  'certificatesigningrequest-approving-controller',
  'certificatesigningrequest-cleaner-controller',
  'certificatesigningrequest-signing-controller',
  'cloud-node-lifecycle-controller',
  'device-taint-eviction-controller',
  'horizontal-pod-autoscaler-controller',
  'kube-apiserver-serving-clustertrustbundle-publisher-controller',
  'legacy-serviceaccount-token-cleaner-controller',
  'node-route-controller',
  'podcertificaterequest-cleaner-controller',
  'podgroup-protection-controller',
  'resourceclaim-controller',
  'resourcepoolstatusrequest-controller',
  'selinux-warning-controller',
  'service-cidr-controller',
  'service-lb-controller',
  'serviceaccount-token-controller',
  'storage-version-migrator-controller',
  'storageversion-garbage-collector-controller',
  'token-cleaner-controller',
  'ttl-controller',
  'validatingadmissionpolicy-status-controller',
] as const;

/** Upstream's older names of those. */
const notYetAliases = [
  'bootstrapsigner',
  'cloud-node-lifecycle',
  'csrapproving',
  'csrcleaner',
  'csrsigning',
  'horizontalpodautoscaling',
  'legacy-service-account-token-cleaner',
  'resource-claim-controller',
  'route',
  'service',
  'serviceaccount-token',
  'storage-version-gc',
  'tokencleaner',
  'ttl',
];

/** The first name in `list` that no controller has, upstream's included. */
export function unknownController(list: readonly string[]): string | undefined {
  const known = new Set<string>(['*', ...notYet, ...notYetAliases, ...controllers.flatMap(({ name, alias }) => [name, alias])]);
  return list.map((entry) => entry.replace(/^-/, '')).find((entry) => !known.has(entry));
}

/** Whether the controller runs: named, or not taken away while `*` is given. The first word about it counts. */
export function isEnabled(entry: { readonly name: string; readonly alias: string }, list: readonly string[]): boolean {
  for (const text of list) {
    const bare = text.replace(/^-/, '');
    if (bare === entry.name || bare === entry.alias) return text === bare;
  }
  return list.includes('*');
}

/** Those that were named and are not there yet. */
export function namedButMissing(list: readonly string[]): string[] {
  const missing = new Set<string>([...notYet, ...notYetAliases]);
  return list.filter((entry) => missing.has(entry));
}
