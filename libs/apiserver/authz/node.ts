// The node authorizer: a kubelet may read what the pods bound to its node refer to, and nothing else of the kind
// (plugin/pkg/auth/authorizer/node). It decides on the cached pods; what RBAC grants to nodes is in the role system:node.
import type { Pod, PolicyRule } from '@drydock/api/generated/types.ts';
import { exactValue } from '@drydock/api/selectors/field.ts';
import { nodeNameOf } from '../authn/user.ts';
import type { Attributes, AuthorizerMode, Decision } from './authorizer.ts';
import { allClaimsOf, configMapsOf, deviceClaimsOf, secretsOf } from './pod-references.ts';
import { ruleAllows } from './rbac.ts';

export interface NodeReader {
  podsOnNode(node: string): Iterable<Pod>;
  /** The node that a pod is bound to. */
  nodeOfPod(namespace: string, name: string): string | undefined;
  /** The node that a ResourceSlice is of. */
  nodeOfSlice(name: string): string | undefined;
  /** The node that a volume is attached to by this VolumeAttachment. */
  nodeOfAttachment(name: string): string | undefined;
  /** Whether the claim `namespace/name` is bound to the volume. */
  volumeOfClaim(namespace: string, name: string): string | undefined;
  /** The secrets that a volume is mounted with, as `namespace/name`. */
  secretsOfVolume(name: string): ReadonlySet<string>;
}

const no = (reason: string): Decision => ({ allowed: false, reason });
const yes: Decision = { allowed: true, reason: '' };

/** Undefined: it is a get of one object. */
function getOnly({ verb, subresource, name }: Attributes): Decision | undefined {
  if (verb !== 'get' || name === '') return no('can only get individual resources of this type');
  return subresource === '' ? undefined : no('cannot get subresource');
}

/** The Node mode. */
export class NodeAuthorizer implements AuthorizerMode {
  readonly #reader: NodeReader;
  readonly #rules: readonly PolicyRule[];

  /** @param rules what every node may do besides: the rules of the role system:node. */
  constructor(reader: NodeReader, rules: readonly PolicyRule[]) {
    this.#reader = reader;
    this.#rules = rules;
  }

  authorize(attributes: Attributes): Decision {
    const node = nodeNameOf(attributes.user);
    if (node === undefined) return no('');
    if (attributes.isResource) {
      const { group, resource } = attributes;
      switch (group === '' ? resource : `${resource}.${group}`) {
        case 'secrets':
          return this.#secret(node, attributes);
        case 'configmaps':
          return this.#referenced(node, attributes, ({ spec }, name) => spec !== undefined && configMapsOf(spec).has(name));
        case 'persistentvolumeclaims':
          if (attributes.subresource === 'status') return this.#claimStatus(node, attributes);
          return this.#referenced(node, attributes, (pod, name) => allClaimsOf(pod).has(name), true);
        case 'persistentvolumes':
          return this.#volume(node, attributes);
        case 'serviceaccounts':
          return this.#serviceAccount(node, attributes);
        case 'nodes':
          return this.#node(node, attributes);
        case 'pods':
          return this.#pod(node, attributes);
        case 'resourceslices.resource.k8s.io':
          return this.#slice(node, attributes);
        case 'volumeattachments.storage.k8s.io':
          return getOnly(attributes) ?? (this.#reader.nodeOfAttachment(attributes.name) === node ? yes : unrelated(node));
        case 'resourceclaims.resource.k8s.io':
          return getOnly(attributes) ?? this.#referenced(node, attributes, (pod, name) => deviceClaimsOf(pod).has(name), true);
        case 'leases.coordination.k8s.io':
          return lease(node, attributes);
        case 'csinodes.storage.k8s.io':
          return ownObject(node, attributes, 'CSINode');
      }
    }
    return this.#byRules(attributes);
  }

  #byRules(attributes: Attributes): Decision {
    return this.#rules.some((rule) => ruleAllows(attributes, rule)) ? yes : no('');
  }

  #node(node: string, attributes: Attributes): Decision {
    const { verb, name, subresource } = attributes;
    const reads = subresource === '' && ['get', 'list', 'watch'].includes(verb);
    if (!reads || name === node) return this.#byRules(attributes);
    return no(`node '${node}' cannot read ${name === '' ? 'all nodes' : `'${name}'`}, only its own Node object`);
  }

  #pod(node: string, attributes: Attributes): Decision {
    const { verb, namespace, name, subresource } = attributes;
    if (subresource !== '') return this.#byRules(attributes);
    if (verb === 'get') return this.#reader.nodeOfPod(namespace, name) === node ? yes : unrelated(node);
    if (verb !== 'list' && verb !== 'watch') return this.#byRules(attributes);
    return selects(attributes, node) ? yes : no('can only list/watch pods with spec.nodeName field selector');
  }

  #slice(node: string, attributes: Attributes): Decision {
    const { verb, name, subresource } = attributes;
    if (subresource !== '') return no('cannot access ResourceSlice subresources');
    if (verb === 'create') return yes;
    if (['get', 'update', 'patch', 'delete'].includes(verb))
      return this.#reader.nodeOfSlice(name) === node ? yes : unrelated(node);
    if (!['list', 'watch', 'deletecollection'].includes(verb))
      return no(
        'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
      );
    return selects(attributes, node)
      ? yes
      : no('can only list/watch/deletecollection resourceslices with nodeName field selector');
  }

  #referenced(node: string, attributes: Attributes, refers: (pod: Pod, name: string) => boolean, getOnly = false): Decision {
    const { verb, subresource, namespace, name } = attributes;
    const verbs = getOnly ? ['get'] : ['get', 'list', 'watch'];
    if (!verbs.includes(verb))
      return no(getOnly ? 'can only get individual resources of this type' : 'can only read resources of this type');
    if (subresource !== '') return no('cannot read subresource');
    if (getOnly && name === '') return no('can only get individual resources of this type');
    if (namespace === '') return no('can only read namespaced object of this type');
    if (name === '') return no('No Object name found');
    for (const pod of this.#reader.podsOnNode(node)) {
      if (pod.metadata?.namespace === namespace && refers(pod, name)) return yes;
    }
    return unrelated(node);
  }

  /** Those that its pods name, and those of the volumes that its pods have by their claims. */
  #secret(node: string, attributes: Attributes): Decision {
    const { namespace, name } = attributes;
    const decision = this.#referenced(node, attributes, ({ spec }, each) => spec !== undefined && secretsOf(spec).has(each));
    const isRead = ['get', 'list', 'watch'].includes(attributes.verb) && attributes.subresource === '';
    if (decision.allowed || !isRead || namespace === '' || name === '') return decision;
    for (const volume of this.#volumesOn(node))
      if (this.#reader.secretsOfVolume(volume).has(`${namespace}/${name}`)) return yes;
    return decision;
  }

  #claimStatus(node: string, attributes: Attributes): Decision {
    const { verb, namespace, name } = attributes;
    if (!['get', 'update', 'patch'].includes(verb)) return no('can only get/update/patch this type');
    for (const pod of this.#reader.podsOnNode(node)) {
      if (pod.metadata?.namespace === namespace && allClaimsOf(pod).has(name)) return yes;
    }
    return unrelated(node);
  }

  #volume(node: string, { verb, name }: Attributes): Decision {
    if (verb !== 'get') return no('can only get individual resources of this type');
    for (const volume of this.#volumesOn(node)) if (volume === name) return yes;
    return unrelated(node);
  }

  *#volumesOn(node: string): Generator<string> {
    for (const pod of this.#reader.podsOnNode(node)) {
      for (const claim of allClaimsOf(pod)) {
        const volume = this.#reader.volumeOfClaim(pod.metadata?.namespace ?? '', claim);
        if (volume !== undefined) yield volume;
      }
    }
  }

  #serviceAccount(node: string, attributes: Attributes): Decision {
    const { verb, subresource, namespace, name } = attributes;
    const token = verb === 'create' && subresource === 'token';
    if (!token && !(verb === 'get' && subresource === '')) return no('can only create tokens for individual service accounts');
    for (const pod of this.#reader.podsOnNode(node)) {
      if (pod.metadata?.namespace === namespace && (pod.spec?.serviceAccountName ?? 'default') === name) return yes;
    }
    return unrelated(node);
  }
}

/** Whether only objects of the node are asked for. */
function selects({ fieldSelector = '' }: Attributes, node: string): boolean {
  try {
    return exactValue(fieldSelector, 'spec.nodeName') === node;
  } catch {
    return false;
  }
}

function unrelated(node: string): Decision {
  return no(`no relationship found between node '${node}' and this object`);
}

function lease(node: string, { verb, namespace, name, subresource }: Attributes): Decision {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(verb))
    return no('can only get, create, update, patch, or delete a node lease');
  if (namespace !== 'kube-node-lease') return no('can only access leases in the "kube-node-lease" system namespace');
  if (subresource !== '') return no('cannot access lease subresources');
  if (verb !== 'create' && name !== node) return no('can only access node lease with the same name as the requesting node');
  return yes;
}

function ownObject(node: string, { verb, name, subresource }: Attributes, kind: string): Decision {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(verb))
    return no(`can only get, create, update, patch, or delete a ${kind}`);
  if (subresource !== '') return no(`cannot authorize ${kind} subresources`);
  if (verb !== 'create' && name !== node) return no(`can only access ${kind} with the same name as the requesting node`);
  return yes;
}
