// Rules of a pod's own resolver and hosts entries.
import ipaddr from 'ipaddr.js';
import type { PodSpec } from '../generated/types.ts';
import { dns1123SubdomainErrors } from '../names.ts';
import { type FieldError, invalid, required } from './field-error.ts';

const nameserversMax = 3;
const searchesMax = 32;
const ipText = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

export function validateHostAliases(spec: PodSpec, path: string): FieldError[] {
  return (spec.hostAliases ?? []).flatMap((alias, index) => {
    const at = `${path}[${index}]`;
    const errors = ipaddr.isValid(alias.ip) ? [] : [invalid(`${at}.ip`, alias.ip, ipText)];
    (alias.hostnames ?? []).forEach((name, i) => {
      for (const text of dns1123SubdomainErrors(name)) errors.push(invalid(`${at}.hostnames[${i}]`, name, text));
    });
    return errors;
  });
}

export function validateDnsConfig(spec: PodSpec, path: string): FieldError[] {
  const { nameservers = [], searches = [], options = [] } = spec.dnsConfig ?? {};
  const errors: FieldError[] = [];
  if (spec.dnsPolicy === 'None' && nameservers.length === 0) {
    errors.push(required(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'));
  }
  if (nameservers.length > nameserversMax) {
    errors.push(invalid(`${path}.nameservers`, nameservers, `must not have more than ${nameserversMax} nameservers`));
  }
  nameservers.forEach((server, index) => {
    if (!ipaddr.isValid(server)) errors.push(invalid(`${path}.nameservers[${index}]`, server, ipText));
  });
  if (searches.length > searchesMax) {
    errors.push(invalid(`${path}.searches`, searches, `must not have more than ${searchesMax} search paths`));
  }
  options.forEach((option, index) => {
    if (!option.name) errors.push(required(`${path}.options[${index}]`, 'must not be empty'));
  });
  return errors;
}
