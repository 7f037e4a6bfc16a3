// Names that a lab uses on the host: of namespaces, of the link to its fabric, of its table of nftables.

/** How the names of a lab's namespaces begin. */
export function namePrefix(lab: string): string {
  return `dd-${lab}-`;
}

const members =
  /^(?:fabric|apiserver-lb|(?:etcd|apiserver|scheduler|controller-manager|control-plane|dns|ingress|cloud-controller-manager|metrics|worker)-\d{1,2})$/;

/** Whether a namespace is that of a member of this lab: `dd-a-b-etcd-1` is one of lab `a-b`, and none of lab `a`. */
export function isNamespaceOf(lab: string, netns: string): boolean {
  const prefix = namePrefix(lab);
  return netns.startsWith(prefix) && members.test(netns.slice(prefix.length));
}

export function hostLinkOf(lab: string): string {
  return `dd-${lab}`;
}

/** The host's table of nftables. */
export function hostTable(lab: string): string {
  return `dd-${lab}`;
}
