// PodTopologyLabels: a pod says where its node is, by the labels of its node, which it gets when it is bound
// or made for a node, whatever it said itself
// (plugin/pkg/admission/podtopologylabels).
import type { Binding, Node, Pod } from '@drydock/api/generated/types.ts';
import type { AdmissionPlugin } from './admission.ts';

const topologyLabels = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

/** @param findNode the node as it is now. */
export function podTopologyLabels(findNode: (name: string) => Promise<Node | undefined>): AdmissionPlugin {
  return {
    name: 'PodTopologyLabels',
    async mutate({ info, operation, subresource, object }) {
      if (info.group !== '' || info.resource !== 'pods' || operation !== 'CREATE' || object === undefined) return;
      const name =
        subresource === '' ? (object as Pod).spec?.nodeName : subresource === 'binding' ? targetOf(object) : undefined;
      if (!name) return;
      const { labels = {} } = (await findNode(name))?.metadata ?? {};
      const found = topologyLabels.filter((key) => labels[key] !== undefined).map((key) => [key, labels[key]]);
      if (found.length === 0) return;
      object.metadata = { ...object.metadata, labels: { ...object.metadata?.labels, ...Object.fromEntries(found) } };
    },
  };
}

/** The node of a binding; a binding may name other things. */
function targetOf(object: object): string | undefined {
  const { target } = object as Binding;
  return target?.kind === 'Node' ? target.name : undefined;
}
