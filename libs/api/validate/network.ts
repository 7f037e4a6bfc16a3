// Rules of ingresses and network policies.
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from '../generated/types.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../names.ts';
import { oneOf, validatePort, validateSelector } from './common.ts';
import { rules } from './define.ts';
import { type FieldError, invalid, notSupported, required } from './field-error.ts';

export const networkRules = [
  rules<Ingress>('networking.k8s.io/Ingress', { create: validateNewIngress, update: validateIngress }),
  rules<NetworkPolicy>('networking.k8s.io/NetworkPolicy', { create: validatePolicy }),
];

const classAnnotation = 'kubernetes.io/ingress.class';

function validateNewIngress(ingress: Ingress): FieldError[] {
  const annotated = ingress.metadata?.annotations?.[classAnnotation];
  const named = ingress.spec?.ingressClassName;
  if (annotated === undefined || named === undefined || annotated === named) return validateIngress(ingress);
  const why = 'must match `ingressClassName` when both are specified';
  return [invalid(`annotations.${classAnnotation}`, annotated, why), ...validateIngress(ingress)];
}

function secretNameErrors({ spec }: Ingress): FieldError[] {
  return (spec?.tls ?? []).flatMap(({ secretName }, index) =>
    (secretName ? dns1123SubdomainErrors(secretName) : []).map((text) =>
      invalid(`spec.tls[${index}].secretName`, secretName, text),
    ),
  );
}

function validateIngress(ingress: Ingress, old?: Ingress): FieldError[] {
  const { spec = {} } = ingress;
  const errors: FieldError[] = [];
  const list = spec.rules ?? [];
  if (list.length === 0 && spec.defaultBackend === undefined) {
    errors.push(invalid('spec', null, 'either `defaultBackend` or `rules` must be specified'));
  }
  if (spec.defaultBackend !== undefined) errors.push(...validateBackend(spec.defaultBackend, 'spec.defaultBackend'));
  list.forEach((rule, index) => {
    const at = `spec.rules[${index}]`;
    errors.push(...validateHost(rule.host ?? '', `${at}.host`));
    const paths = rule.http?.paths ?? [];
    if (rule.http !== undefined && paths.length === 0) errors.push(required(`${at}.http.paths`));
    paths.forEach((path, i) => {
      errors.push(...validatePath(path, `${at}.http.paths[${i}]`));
    });
  });
  (spec.tls ?? []).forEach((tls, index) => {
    (tls.hosts ?? []).forEach((host, i) => {
      errors.push(...validateHost(host, `spec.tls[${index}].hosts[${i}]`));
    });
  });
  // One that was stored with another is not held up by it.
  if (old === undefined || secretNameErrors(old).length === 0) errors.push(...secretNameErrors(ingress));
  const { ingressClassName } = spec;
  if (ingressClassName !== undefined)
    for (const text of dns1123SubdomainErrors(ingressClassName))
      errors.push(invalid('spec.ingressClassName', ingressClassName, text));
  return errors;
}

function validateHost(host: string, path: string): FieldError[] {
  if (host === '') return [];
  const name = host.startsWith('*.') ? host.slice(2) : host;
  return dns1123SubdomainErrors(name).map((text) => invalid(path, host, text));
}

function validatePath(entry: HTTPIngressPath, path: string): FieldError[] {
  if (!entry.pathType) return [required(`${path}.pathType`, 'pathType must be specified')];
  const errors: FieldError[] = [];
  const types = ['Exact', 'ImplementationSpecific', 'Prefix'];
  const value = entry.path ?? '';
  if (!types.includes(entry.pathType)) errors.push(notSupported(`${path}.pathType`, entry.pathType, types));
  else if (entry.pathType !== 'ImplementationSpecific' || value !== '') {
    if (!value.startsWith('/')) errors.push(invalid(`${path}.path`, value, 'must be an absolute path'));
    if (entry.pathType !== 'ImplementationSpecific') {
      for (const part of ['//', '/./', '/../', '%2f', '%2F']) {
        if (value.includes(part)) errors.push(invalid(`${path}.path`, value, `must not contain '${part}'`));
      }
    }
  }
  return errors.concat(validateBackend(entry.backend, `${path}.backend`));
}

function validateBackend(backend: IngressBackend, path: string): FieldError[] {
  const { service, resource } = backend;
  if (service !== undefined && resource !== undefined) {
    return [invalid(path, '', 'cannot set both resource and service backends')];
  }
  if (service === undefined)
    return resource === undefined ? [invalid(path, '', 'resource or service backend is required')] : [];
  const errors: FieldError[] = [];
  if (!service.name) errors.push(required(`${path}.service.name`));
  else for (const text of dns1123LabelErrors(service.name)) errors.push(invalid(`${path}.service.name`, service.name, text));
  const { name, number } = service.port ?? {};
  if (name && number) errors.push(invalid(path, '', 'cannot set both port name & port number'));
  else if (name) errors.push(...validatePort(name, `${path}.service.port.name`));
  else if (number) errors.push(...validatePort(number, `${path}.service.port.number`));
  else errors.push(required(path, 'port name or number is required'));
  return errors;
}

function validatePolicy({ spec }: NetworkPolicy): FieldError[] {
  const errors = validateSelector(spec?.podSelector, 'spec.podSelector');
  (spec?.ingress ?? []).forEach((rule, index) => {
    const at = `spec.ingress[${index}]`;
    errors.push(...validatePorts(rule.ports ?? [], `${at}.ports`), ...validatePeers(rule.from ?? [], `${at}.from`));
  });
  (spec?.egress ?? []).forEach((rule, index) => {
    const at = `spec.egress[${index}]`;
    errors.push(...validatePorts(rule.ports ?? [], `${at}.ports`), ...validatePeers(rule.to ?? [], `${at}.to`));
  });
  (spec?.policyTypes ?? []).forEach((type, index) => {
    errors.push(...oneOf(type, ['Ingress', 'Egress'], `spec.policyTypes[${index}]`));
  });
  return errors;
}

function validatePorts(ports: readonly NetworkPolicyPort[], path: string): FieldError[] {
  return ports.flatMap((port, index) => {
    const at = `${path}[${index}]`;
    const errors = oneOf(port.protocol, ['TCP', 'UDP', 'SCTP'], `${at}.protocol`, true);
    if (port.port !== undefined) errors.push(...validatePort(port.port, `${at}.port`));
    if (port.endPort === undefined) return errors;
    if (typeof port.port !== 'number') return [...errors, required(`${at}.port`, 'may not be specified without `port`')];
    if (port.endPort < port.port) errors.push(invalid(`${at}.endPort`, port.port, 'must be greater than or equal to `port`'));
    return errors;
  });
}

function validatePeers(peers: readonly NetworkPolicyPeer[], path: string): FieldError[] {
  return peers.flatMap((peer, index) => {
    const at = `${path}[${index}]`;
    if (peer.podSelector === undefined && peer.namespaceSelector === undefined && peer.ipBlock === undefined) {
      return [required(at, 'must specify a peer')];
    }
    return [
      ...validateSelector(peer.podSelector, `${at}.podSelector`),
      ...validateSelector(peer.namespaceSelector, `${at}.namespaceSelector`),
    ];
  });
}
