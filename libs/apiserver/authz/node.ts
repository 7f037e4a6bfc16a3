// The node authorizer: a kubelet may read what the pods bound to its node refer to, and nothing else of the kind
// (plugin/pkg/auth/authorizer/node). It decides on the cached pods; what RBAC grants to nodes is in the role system:node.
import type { Pod, PodSpec, PolicyRule } from '@drydock/api/generated/types.ts';
import { nodeNameOf } from '../authn/user.ts';
import type { Attributes, AuthorizerMode, Decision } from './authorizer.ts';
import { ruleAllows } from './rbac.ts';

export interface NodeReader {
  podsOnNode(node: string): Iterable<Pod>;
  /** Whether the claim `namespace/name` is bound to the volume. */
  volumeOfClaim(namespace: string, name: string): string | undefined;
}

const no = (reason: string): Decision => ({ allowed: false, reason });
const yes: Decision = { allowed: true, reason: '' };

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
          return this.#referenced(node, attributes, (spec, name) => secretsOf(spec).has(name));
        case 'configmaps':
          return this.#referenced(node, attributes, (spec, name) => configMapsOf(spec).has(name));
        case 'persistentvolumeclaims':
          if (attributes.subresource === 'status') return this.#claimStatus(node, attributes);
          return this.#referenced(node, attributes, (spec, name) => claimsOf(spec).has(name), true);
        case 'persistentvolumes':
          return this.#volume(node, attributes);
        case 'serviceaccounts':
          return this.#serviceAccount(node, attributes);
        case 'leases.coordination.k8s.io':
          return lease(node, attributes);
        case 'csinodes.storage.k8s.io':
          return ownObject(node, attributes, 'CSINode');
      }
    }
    return this.#rules.some((rule) => ruleAllows(attributes, rule)) ? yes : no('');
  }

  #referenced(
    node: string,
    attributes: Attributes,
    refers: (spec: PodSpec, name: string) => boolean,
    getOnly = false,
  ): Decision {
    const { verb, subresource, namespace, name, resource } = attributes;
    const verbs = getOnly ? ['get'] : ['get', 'list', 'watch'];
    if (!verbs.includes(verb))
      return no(getOnly ? 'can only get individual resources of this type' : 'can only read resources of this type');
    if (subresource !== '') return no('cannot read subresource');
    if (name === '')
      return no(getOnly ? 'can only get individual resources of this type' : 'can only read namespaced object of this type');
    for (const pod of this.#reader.podsOnNode(node)) {
      if (pod.metadata?.namespace === namespace && pod.spec !== undefined && refers(pod.spec, name)) return yes;
    }
    return no(
      `no relationship found between node '${node}' and this object`.replace(
        'this object',
        `this ${resource === '' ? 'object' : 'object'}`,
      ),
    );
  }

  #claimStatus(node: string, attributes: Attributes): Decision {
    const { verb, namespace, name } = attributes;
    if (!['get', 'update', 'patch'].includes(verb)) return no('can only get/update/patch this type');
    for (const pod of this.#reader.podsOnNode(node)) {
      if (pod.metadata?.namespace === namespace && pod.spec !== undefined && claimsOf(pod.spec).has(name)) return yes;
    }
    return no(`no relationship found between node '${node}' and this object`);
  }

  #volume(node: string, { verb, name }: Attributes): Decision {
    if (verb !== 'get') return no('can only get individual resources of this type');
    for (const pod of this.#reader.podsOnNode(node)) {
      if (pod.spec === undefined) continue;
      for (const claim of claimsOf(pod.spec)) {
        if (this.#reader.volumeOfClaim(pod.metadata?.namespace ?? '', claim) === name) return yes;
      }
    }
    return no(`no relationship found between node '${node}' and this object`);
  }

  #serviceAccount(node: string, attributes: Attributes): Decision {
    const { verb, subresource, namespace, name } = attributes;
    const token = verb === 'create' && subresource === 'token';
    if (!token && !(verb === 'get' && subresource === '')) return no('can only create tokens for individual service accounts');
    for (const pod of this.#reader.podsOnNode(node)) {
      if (pod.metadata?.namespace === namespace && (pod.spec?.serviceAccountName ?? 'default') === name) return yes;
    }
    return no(`no relationship found between node '${node}' and this object`);
  }
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

function containersOf(spec: PodSpec) {
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])];
}

function secretsOf(spec: PodSpec): Set<string> {
  const names = new Set<string | undefined>();
  for (const pull of spec.imagePullSecrets ?? []) names.add(pull.name);
  for (const container of containersOf(spec)) {
    for (const env of container.env ?? []) names.add(env.valueFrom?.secretKeyRef?.name);
    for (const from of container.envFrom ?? []) names.add(from.secretRef?.name);
  }
  for (const volume of spec.volumes ?? []) {
    names.add(volume.secret?.secretName);
    for (const source of volume.projected?.sources ?? []) names.add(source.secret?.name);
    names.add(volume.csi?.nodePublishSecretRef?.name);
    names.add(volume.cephfs?.secretRef?.name);
    names.add(volume.iscsi?.secretRef?.name);
    names.add(volume.rbd?.secretRef?.name);
    names.add(volume.azureFile?.secretName);
  }
  return defined(names);
}

function configMapsOf(spec: PodSpec): Set<string> {
  const names = new Set<string | undefined>();
  for (const container of containersOf(spec)) {
    for (const env of container.env ?? []) names.add(env.valueFrom?.configMapKeyRef?.name);
    for (const from of container.envFrom ?? []) names.add(from.configMapRef?.name);
  }
  for (const volume of spec.volumes ?? []) {
    names.add(volume.configMap?.name);
    for (const source of volume.projected?.sources ?? []) names.add(source.configMap?.name);
  }
  return defined(names);
}

function claimsOf(spec: PodSpec): Set<string> {
  return defined(new Set((spec.volumes ?? []).map((volume) => volume.persistentVolumeClaim?.claimName)));
}

function defined(names: Set<string | undefined>): Set<string> {
  names.delete(undefined);
  return names as Set<string>;
}
