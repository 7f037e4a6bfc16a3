// What a node is told of its machine. Pure; follows upstream's cloud-provider/controllers/node.
import type { Node, NodeAddress } from '@drydock/api/generated/types.ts';
import { nodes } from '@drydock/api/resource.ts';
import { type Action, eventAbout } from '../common/action.ts';
import { canonicalJson } from '../common/equality.ts';
import { nameOf, uidOf } from '../common/object-meta.ts';
import { addressesFor } from './addresses.ts';
import type { Machine } from './inventory.ts';

/** On a node until its cloud is known: a kubelet with --cloud-provider=external registers with it. */
export const uninitializedTaint = 'node.cloudprovider.kubernetes.io/uninitialized';

/** Labels of old, and what they are called now. */
const renamed: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
};

export function isUninitialized(node: Node): boolean {
  return (node.spec?.taints ?? []).some(({ key }) => key === uninitializedTaint);
}

/** A new node: all that its machine says, and the taint goes. Throws AddressError where the kubelet's address is not the machine's. */
export function planInitialized(node: Node, machine: Machine): Action[] {
  const addresses = addressesFor(node, machine);
  const { uid, resourceVersion } = node.metadata ?? {};
  const taints = (node.spec?.taints ?? []).filter(({ key }) => key !== uninitializedTaint);
  const providerID = (node.spec?.providerID ?? '') === '' ? { providerID: machine.providerID } : {};
  const body = { metadata: { uid, resourceVersion, labels: labelsOf(machine) }, spec: { taints, ...providerID } };
  return [
    { verb: 'patch', resource: nodes, key: { name: nameOf(node) }, patch: { type: 'merge', body } },
    ...planAddresses(node, addresses),
    eventAbout(nodes, node, 'Normal', 'Synced', 'Node synced successfully'),
  ];
}

/** A node that is known: its addresses follow its machine's. Throws AddressError. */
export function planUpToDate(node: Node, machine: Machine): Action[] {
  return planAddresses(node, addressesFor(node, machine));
}

/** Labels under their new names are what those under the old ones are. */
export function planLabels(node: Node): Action[] {
  const has = node.metadata?.labels ?? {};
  const labels = Object.entries(renamed).flatMap(([old, now]) =>
    has[old] !== undefined && has[old] !== has[now] ? [[now, has[old]]] : [],
  );
  if (labels.length === 0) return [];
  const { uid, resourceVersion } = node.metadata ?? {};
  const body = { metadata: { uid, resourceVersion, labels: Object.fromEntries(labels) } };
  return [{ verb: 'patch', resource: nodes, key: { name: nameOf(node) }, patch: { type: 'merge', body } }];
}

function labelsOf({ zone, region, instanceType }: Machine): Record<string, string> {
  const [zoneLabel, regionLabel, typeLabel] = Object.keys(renamed) as [string, string, string];
  const said = [
    [zoneLabel, zone],
    [regionLabel, region],
    [typeLabel, instanceType],
  ] as const;
  return Object.fromEntries(
    said.flatMap(([old, value]) =>
      value === undefined
        ? []
        : [
            [old, value],
            [renamed[old], value],
          ],
    ),
  );
}

function planAddresses(node: Node, addresses: readonly NodeAddress[]): Action[] {
  const now = node.status?.addresses ?? [];
  // Of a machine that says none nothing is known.
  if (addresses.length === 0 || canonicalJson(now) === canonicalJson(addresses)) return [];
  // By the uid alone: others write the status all the time, and what is written here depends on nothing there.
  const body = { metadata: { uid: uidOf(node) }, status: { addresses } };
  return [
    { verb: 'patch', resource: nodes, key: { name: nameOf(node) }, subresource: 'status', patch: { type: 'merge', body } },
  ];
}
