// Rules of nodes, leases, priorities, disruption budgets, endpoints and events.
import ipaddr from 'ipaddr.js';
import type {
  CoreEvent,
  EndpointSlice,
  Endpoints,
  Lease,
  Namespace,
  Node,
  PodDisruptionBudget,
  PriorityClass,
  Taint,
} from '../generated/types.ts';
import { labelValueErrors, portNumberErrors, qualifiedNameErrors } from '../names.ts';
import { countOrPercent, nonNegative, notAbove100Percent, oneOf, validateSelector } from './common.ts';
import { rules } from './define.ts';
import { endpointIpErrors, endpointNameErrors, familyErrors, isEndpointIp } from './endpoint-address.ts';
import { duplicate, type FieldError, forbidden, invalid, notSupported, required, tooMany } from './field-error.ts';
import { budgetStatus } from './replica-status.ts';

const userPriorityMax = 1_000_000_000;
const systemPriorities: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};
const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const cidrText = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

export const clusterRules = [
  rules<Node>('/Node', { create: validateNode, subresources: { status: validateNodeStatus } }),
  rules<Namespace>('/Namespace', {
    create: () => [],
    subresources: { status: validateNamespaceStatus, finalize: validateFinalize },
  }),
  rules<Lease>('coordination.k8s.io/Lease', {
    create: ({ spec }) => {
      const seconds = spec?.leaseDurationSeconds;
      const bad = seconds !== undefined && seconds <= 0;
      return [
        ...(bad ? [invalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0')] : []),
        ...nonNegative(spec?.leaseTransitions, 'spec.leaseTransitions'),
      ];
    },
  }),
  rules<PriorityClass>('scheduling.k8s.io/PriorityClass', { create: validatePriority, update: validatePriorityUpdate }),
  rules<PodDisruptionBudget>('policy/PodDisruptionBudget', { create: validateBudget, subresources: { status: budgetStatus } }),
  rules<EndpointSlice>('discovery.k8s.io/EndpointSlice', { create: validateSlice, update: validateSliceUpdate }),
  rules<Endpoints>('/Endpoints', { create: validateEndpoints }),
  rules<CoreEvent>('/Event', {
    create: ({ metadata, involvedObject }) => {
      const namespace = involvedObject.namespace || 'default';
      return namespace === metadata.namespace
        ? []
        : [invalid('involvedObject.namespace', involvedObject.namespace ?? '', 'does not match event.namespace')];
    },
    update: () => [],
  }),
];

function validateNode(node: Node): FieldError[] {
  const errors = validateTaints(node.spec?.taints ?? [], 'metadata.taints');
  (node.spec?.podCIDRs ?? []).forEach((cidr, index) => {
    if (!ipaddr.isValidCIDR(cidr)) errors.push(invalid(`spec.podCIDRs[${index}]`, cidr, cidrText));
  });
  return errors;
}

/** Names of features that the node's kubelet has. */
const featureName = /^[A-Z][A-Za-z0-9]*(\/[A-Za-z0-9]+)*$/;

function validateNodeStatus(node: Node): FieldError[] {
  return (node.status?.declaredFeatures ?? []).flatMap((name, index) => {
    if (featureName.test(name)) return [];
    const text = `invalid feature name "${name}": must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes`;
    return [invalid(`status.declaredFeatures[${index}]`, name, text)];
  });
}

function validateNamespaceStatus({ metadata, status }: Namespace): FieldError[] {
  const phase = status?.phase ?? '';
  const going = metadata?.deletionTimestamp !== undefined;
  if (!going && phase !== 'Active') {
    return [invalid('status.Phase', phase, "may only be 'Active' if `deletionTimestamp` is empty")];
  }
  if (going && phase !== 'Terminating') {
    return [invalid('status.Phase', phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")];
  }
  return [];
}

function validateFinalize({ spec }: Namespace): FieldError[] {
  return (spec?.finalizers ?? []).flatMap((name, index) => {
    const errors = qualifiedNameErrors(name).map((text) => invalid(`spec.finalizers[${index}]`, name, text));
    if (name.includes('/') || name === 'kubernetes') return errors;
    return [
      ...errors,
      invalid(`spec.finalizers[${index}]`, name, 'name is neither a standard finalizer name nor is it fully qualified'),
    ];
  });
}

function validateTaints(taints: readonly Taint[], path: string): FieldError[] {
  const seen = new Set<string>();
  return taints.flatMap((taint, index) => {
    const at = `${path}[${index}]`;
    const { key, value = '', effect } = taint;
    const errors = qualifiedNameErrors(key).map((text) => invalid(`${at}.key`, key, text));
    for (const text of labelValueErrors(value)) errors.push(invalid(`${at}.value`, value, text));
    errors.push(...oneOf(effect, taintEffects, `${at}.effect`, true));
    const pair = `${effect}/${key}`;
    if (seen.has(pair)) {
      const shown = { Key: key, Value: value, Effect: effect, TimeAdded: taint.timeAdded ?? null };
      errors.push(duplicate(at, shown, 'taints must be unique by key and effect pair'));
    }
    seen.add(pair);
    return errors;
  });
}

function validatePriority(object: PriorityClass): FieldError[] {
  const errors: FieldError[] = [];
  const name = object.metadata?.name ?? '';
  const value = object.value ?? 0;
  if (name.startsWith('system-')) {
    if (systemPriorities[name] !== value) {
      const text = `priority class names with 'system-' prefix are reserved for system use only. error: ${name} is not a known system priority class`;
      errors.push(forbidden('metadata.name', text));
    }
  } else if (value > userPriorityMax) {
    errors.push(forbidden('value', `maximum allowed value of a user defined priority is ${userPriorityMax}`));
  }
  return errors.concat(oneOf(object.preemptionPolicy, ['PreemptLowerPriority', 'Never'], 'preemptionPolicy'));
}

function validatePriorityUpdate(object: PriorityClass, old: PriorityClass): FieldError[] {
  const errors: FieldError[] = [];
  if (object.value !== old.value) errors.push(forbidden('value', 'may not be changed in an update.'));
  if (object.preemptionPolicy !== old.preemptionPolicy) {
    errors.push(invalid('preemptionPolicy', object.preemptionPolicy, 'field is immutable'));
  }
  return errors;
}

function validateBudget({ spec = {} }: PodDisruptionBudget): FieldError[] {
  const errors: FieldError[] = [];
  const { minAvailable, maxUnavailable } = spec;
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    const shown = {
      MinAvailable: minAvailable,
      Selector: spec.selector ?? null,
      MaxUnavailable: maxUnavailable,
      UnhealthyPodEvictionPolicy: spec.unhealthyPodEvictionPolicy ?? null,
    };
    errors.push(invalid('spec', shown, 'minAvailable and maxUnavailable cannot be both set'));
  }
  for (const [value, path] of [
    [minAvailable, 'spec.minAvailable'],
    [maxUnavailable, 'spec.maxUnavailable'],
  ] as const) {
    errors.push(...countOrPercent(value, path), ...notAbove100Percent(value, path));
  }
  return errors.concat(validateSelector(spec.selector, 'spec.selector'));
}

/** Of one slice; of one endpoint. */
const endpointsMax = 1000;
const slicePortsMax = 20_000;
const addressesMax = 100;

function validateSlice(slice: EndpointSlice): FieldError[] {
  const errors = oneOf(slice.addressType, ['FQDN', 'IPv4', 'IPv6'], 'addressType', true);
  const { endpoints = [], ports = [] } = slice;
  // A list of endpoints that is too long is not looked at.
  if (ports.length > slicePortsMax) errors.push(tooMany('ports', ports.length, slicePortsMax));
  if (endpoints.length > endpointsMax) return [...errors, tooMany('endpoints', endpoints.length, endpointsMax)];
  endpoints.forEach((endpoint, index) => {
    const at = `endpoints[${index}].addresses`;
    if (endpoint.addresses.length === 0) errors.push(required(at, 'must contain at least 1 address'));
    if (endpoint.addresses.length > addressesMax) errors.push(tooMany(at, endpoint.addresses.length, addressesMax));
    endpoint.addresses.forEach((address, i) => {
      if (slice.addressType === 'FQDN') errors.push(...endpointNameErrors(address, `${at}[${i}]`));
      else errors.push(...familyErrors(address, slice.addressType, at), ...endpointIpErrors(address, `${at}[${i}]`));
    });
  });
  return errors;
}

function validateSliceUpdate(slice: EndpointSlice, old: EndpointSlice): FieldError[] {
  const errors = validateSlice(slice);
  if (slice.addressType !== old.addressType) errors.push(invalid('addressType', slice.addressType, 'field is immutable'));
  return errors;
}

function validateEndpoints({ subsets = [] }: Endpoints): FieldError[] {
  return subsets.flatMap((subset, index) => {
    const at = `subsets[${index}]`;
    const errors: FieldError[] = [];
    const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
    if (addresses.length + notReadyAddresses.length === 0)
      errors.push(required(at, 'must specify `addresses` or `notReadyAddresses`'));
    for (const [field, list] of [
      ['addresses', addresses],
      ['notReadyAddresses', notReadyAddresses],
    ] as const) {
      list.forEach(({ ip }, i) => {
        const path = `${at}.${field}[${i}].ip`;
        errors.push(...endpointIpErrors(ip, path, true));
        if (!isEndpointIp(ip)) errors.push(invalid(path, ip, 'must be a valid IP address'));
      });
    }
    ports.forEach((port, i) => {
      for (const text of portNumberErrors(port.port)) errors.push(invalid(`${at}.ports[${i}].port`, port.port, text));
      if (!port.name && ports.length > 1) errors.push(required(`${at}.ports[${i}].name`));
      if (port.protocol && !['TCP', 'UDP', 'SCTP'].includes(port.protocol)) {
        errors.push(notSupported(`${at}.ports[${i}].protocol`, port.protocol, ['TCP', 'UDP', 'SCTP']));
      }
    });
    return errors;
  });
}
