// Addresses that endpoints may have: those of other hosts (pkg/apis/core/validation.ValidateEndpointIP).
import ipaddr from 'ipaddr.js';
import { dns1123SubdomainErrors } from '../names.ts';
import { type FieldError, invalid } from './field-error.ts';

const mappedText = 'must not be an IPv4-mapped IPv6 address';
const ipText = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

/** What is wrong with an address of an endpoint, as an IP. `all`: also of the IPv4 address within an IPv6 one, as for Endpoints. */
export function endpointIpErrors(address: string, path: string, all = false): FieldError[] {
  const form = formError(address);
  const within = all && form === mappedText ? rangeErrors(ipaddr.process(address).toString()) : [];
  const texts = form === undefined ? rangeErrors(address) : [form, ...within];
  return texts.map((text) => invalid(path, address, text));
}

/** Whether the text is an IP address at all. */
export function isEndpointIp(address: string): boolean {
  return formError(address) !== ipText;
}

/** What is wrong with an address that is a full domain name. */
export function endpointNameErrors(address: string, path: string): FieldError[] {
  const errors = dns1123SubdomainErrors(address);
  if (errors.length > 0) return errors.map((text) => invalid(path, address, text));
  if (address.includes('.')) return [];
  return [invalid(path, address, 'should be a domain with at least two segments separated by dots')];
}

/** The field's own rule: an address of the slice's family. */
export function familyErrors(address: string, family: string, path: string): FieldError[] {
  if (formError(address) !== undefined) return [];
  const kind = ipaddr.parse(address).kind() === 'ipv4' ? 'IPv4' : 'IPv6';
  return kind === family ? [] : [invalid(path, address, `must be an ${family} address`)];
}

/** Upstream takes no form of an address that programs read differently. */
function formError(address: string): string | undefined {
  if (/^\d+(\.\d+){3}$/.test(address) && address.split('.').some((part) => /^0\d/.test(part))) {
    return 'must not have leading 0s';
  }
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) && !ipaddr.IPv6.isValid(address)) return ipText;
  const parsed = ipaddr.parse(address);
  const mapped = parsed.kind() === 'ipv6' && (parsed as ipaddr.IPv6).isIPv4MappedAddress();
  return mapped ? mappedText : undefined;
}

type Range = ReturnType<typeof ipaddr.parseCIDR>;

const loopback = ['127.0.0.0/8', '::1/128'].map(ipaddr.parseCIDR);
const linkLocal = ['169.254.0.0/16', 'fe80::/10'].map(ipaddr.parseCIDR);
const linkMulticast = ipaddr.parseCIDR('224.0.0.0/24');

function rangeErrors(address: string): string[] {
  const ip = ipaddr.parse(address);
  const within = (range: Range) => range[0].kind() === ip.kind() && ip.match(range);
  const errors: string[] = [];
  const nowhere = ip.kind() === 'ipv4' ? '0.0.0.0' : '::';
  if (ip.toString() === nowhere) errors.push(`may not be unspecified (${nowhere})`);
  if (loopback.some(within)) errors.push('may not be in the loopback range (127.0.0.0/8, ::1/128)');
  if (linkLocal.some(within)) errors.push('may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  if (within(linkMulticast) || isLinkMulticast(ip))
    errors.push('may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  return errors;
}

/** `ffX2::`, whatever the flags X. */
function isLinkMulticast(ip: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return (
    ip.kind() === 'ipv6' &&
    ((ip as ipaddr.IPv6).parts[0] ?? 0) % 0x10000 >= 0xff00 &&
    (((ip as ipaddr.IPv6).parts[0] ?? 0) & 0x0f) === 2
  );
}
