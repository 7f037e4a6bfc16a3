// Which labels of its node a kubelet may set (k8s.io/kubelet/pkg/apis/well_known_labels.go).

/** Labels of Kubernetes' own domains that are a kubelet's. */
const ownLabels: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/arch',
  'kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'topology.kubernetes.io/zone',
]);
const ownDomains: readonly string[] = ['kubelet.kubernetes.io', 'node.kubernetes.io'];

type Labels = Readonly<Record<string, string>>;

/** The labels that differ and are not a kubelet's to change, sorted. */
export function refusedLabels(next: Labels, old: Labels): string[] {
  const keys = new Set([...Object.keys(next), ...Object.keys(old)]);
  return [...keys].filter((key) => next[key] !== old[key] && isProtected(key)).sort();
}

function isProtected(key: string): boolean {
  const domain = key.includes('/') ? key.slice(0, key.indexOf('/')) : '';
  if (below(domain, 'node-restriction.kubernetes.io')) return true;
  if (!below(domain, 'kubernetes.io') && !below(domain, 'k8s.io')) return false;
  return !ownLabels.has(key) && !ownDomains.some((each) => below(domain, each));
}

function below(domain: string, parent: string): boolean {
  return domain === parent || domain.endsWith(`.${parent}`);
}
