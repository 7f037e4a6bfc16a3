// Rules of services. Addresses are allocated elsewhere: here only their form counts.
import ipaddr from 'ipaddr.js';
import type { Service, ServicePort, ServiceSpec } from '../generated/types.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../names.ts';
import { oneOf, validatePort } from './common.ts';
import { rules } from './define.ts';
import { isEndpointIp } from './endpoint-address.ts';
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from './field-error.ts';
import { validateLabels } from './meta.ts';

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const policies = ['Cluster', 'Local'];

export const serviceRules = [
  rules<Service>('/Service', { create: (service) => validateSpec(service.spec ?? {}), update: validateUpdate }),
];

function validateUpdate(service: Service, old: Service): FieldError[] {
  const errors: FieldError[] = [];
  const [ip, before] = [service.spec?.clusterIP, old.spec?.clusterIP];
  const keeps = service.spec?.type !== 'ExternalName' && old.spec?.type !== 'ExternalName';
  if (keeps && before && ip !== before) {
    errors.push(invalid('spec.clusterIPs[0]', ip ? [ip] : null, 'may not change once set'));
  }
  return errors.concat(validateSpec(service.spec ?? {}));
}

function validateSpec(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const ports = spec.ports ?? [];
  const headless = spec.clusterIP === 'None';
  if (ports.length === 0 && !headless && spec.type !== 'ExternalName') errors.push(required('spec.ports'));
  errors.push(...addressErrors(spec, headless));
  errors.push(...portErrors(ports, spec.type !== 'ExternalName'), ...validateLabels(spec.selector, 'spec.selector'));
  errors.push(...oneOf(spec.sessionAffinity, ['ClientIP', 'None'], 'spec.sessionAffinity', true));
  errors.push(...externalIpErrors(spec.externalIPs ?? []));
  if (!spec.type) errors.push(required('spec.type'));
  else if (!types.includes(spec.type)) errors.push(notSupported('spec.type', spec.type, types));
  if (spec.type === 'ClusterIP') {
    ports.forEach((port, index) => {
      if (port.nodePort) errors.push(forbidden(`spec.ports[${index}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
    });
  }
  errors.push(...repeatedNodePorts(ports), ...repeatedPorts(ports), ...rangeErrors(spec));
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0;
  if (spec.externalTrafficPolicy && external)
    errors.push(...oneOf(spec.externalTrafficPolicy, policies, 'spec.externalTrafficPolicy'));
  else if (spec.externalTrafficPolicy) {
    errors.push(
      invalid('spec.externalTrafficPolicy', spec.externalTrafficPolicy, 'may only be set for externally-accessible services'),
    );
  }
  return errors.concat(oneOf(spec.internalTrafficPolicy, policies, 'spec.internalTrafficPolicy'));
}

function addressErrors(spec: ServiceSpec, headless: boolean): FieldError[] {
  switch (spec.type) {
    case 'NodePort':
    case 'LoadBalancer':
      return headless
        ? [invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`)]
        : clusterIpForm(spec);
    case 'ExternalName': {
      const errors = spec.clusterIP ? [forbidden('spec.clusterIPs', 'may not be set for ExternalName services')] : [];
      const name = spec.externalName ?? '';
      if (name === '') return [...errors, required('spec.externalName')];
      const host = name.endsWith('.') ? name.slice(0, -1) : name;
      return errors.concat(dns1123SubdomainErrors(host).map((text) => invalid('spec.externalName', name, text)));
    }
    default:
      return headless ? [] : clusterIpForm(spec);
  }
}

function clusterIpForm(spec: ServiceSpec): FieldError[] {
  const ip = spec.clusterIP;
  return ip && !isEndpointIp(ip) ? [invalid('spec.clusterIPs[0]', ip, ipText)] : [];
}

const ipText = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

function portErrors(ports: readonly ServicePort[], named: boolean): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, index) => {
    const at = `spec.ports[${index}]`;
    const errors: FieldError[] = [];
    if (!port.name) {
      if (ports.length > 1) errors.push(required(`${at}.name`));
    } else {
      for (const text of dns1123LabelErrors(port.name)) errors.push(invalid(`${at}.name`, port.name, text));
      if (names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
      names.add(port.name);
    }
    errors.push(
      ...validatePort(port.port, `${at}.port`),
      ...oneOf(port.protocol, ['SCTP', 'TCP', 'UDP'], `${at}.protocol`, true),
    );
    if (named) errors.push(...validatePort(port.targetPort, `${at}.targetPort`));
    return errors;
  });
}

function externalIpErrors(ips: readonly string[]): FieldError[] {
  return ips.flatMap((ip, index) => {
    const at = `spec.externalIPs[${index}]`;
    if (!isEndpointIp(ip)) return [invalid(at, ip, ipText)];
    const range = ipaddr.parse(ip).range();
    if (range === 'unspecified') return [invalid(at, ip, `may not be unspecified (${ip})`)];
    if (range === 'loopback') return [invalid(at, ip, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')];
    if (range === 'linkLocal') return [invalid(at, ip, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)')];
    return [];
  });
}

function repeatedNodePorts(ports: readonly ServicePort[]): FieldError[] {
  const seen = new Set<string>();
  return ports.flatMap((port, index) => {
    if (!port.nodePort) return [];
    const key = `${port.protocol}/${port.nodePort}`;
    const errors = seen.has(key) ? [duplicate(`spec.ports[${index}].nodePort`, port.nodePort)] : [];
    seen.add(key);
    return errors;
  });
}

function repeatedPorts(ports: readonly ServicePort[]): FieldError[] {
  const seen = new Set<string>();
  return ports.flatMap((port, index) => {
    const key = `${port.protocol}/${port.port}`;
    // Upstream prints the key that it compares by: protocol and port, everything else zero.
    const shown = { Name: '', Protocol: port.protocol, AppProtocol: null, Port: port.port, TargetPort: 0, NodePort: 0 };
    const errors = seen.has(key) ? [duplicate(`spec.ports[${index}]`, shown)] : [];
    seen.add(key);
    return errors;
  });
}

function rangeErrors(spec: ServiceSpec): FieldError[] {
  const ranges = spec.loadBalancerSourceRanges ?? [];
  if (ranges.length === 0) return [];
  const path = 'spec.LoadBalancerSourceRanges';
  const errors = spec.type === 'LoadBalancer' ? [] : [forbidden(path, "may only be used when `type` is 'LoadBalancer'")];
  ranges.forEach((range, index) => {
    if (isEndpointIp(range.trim().split('/')[0] ?? '') && ipaddr.isValidCIDR(range.trim())) return;
    errors.push(invalid(`${path}[${index}]`, range, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'));
  });
  return errors;
}
