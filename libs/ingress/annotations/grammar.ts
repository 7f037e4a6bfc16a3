// What the text of an annotation (or of an option of the ConfigMap) may be. A value that passes stands in the configuration of the
// data plane: every grammar names the characters that it lets through, and none lets through a quote, a backslash that is not of a
// regular expression, a brace, a semicolon, a line feed or a variable that the value was not asked for.
import ipaddr from 'ipaddr.js';

/** One kind of value. `parse` gives what the text means, or a Refusal. */
export interface Kind<T> {
  /** As documentation names it: `true or false`, `seconds`. */
  readonly says: string;
  readonly parse: (text: string) => T | Refusal;
}

/** Why a text is no value of its kind. */
export class Refusal {
  readonly expected: string;

  constructor(expected: string) {
    this.expected = expected;
  }
}

/** No annotation of ours is longer; a regular expression of more is nobody's intention. */
const textCharsMax = 4_096;

function kind<T>(says: string, parse: (text: string) => T | undefined): Kind<T> {
  return {
    says,
    parse: (text) => {
      const value = text.length > textCharsMax ? undefined : parse(text);
      return value === undefined ? new Refusal(says) : value;
    },
  };
}

function matching(says: string, pattern: RegExp): Kind<string> {
  return kind(says, (text) => (pattern.test(text) ? text : undefined));
}

/** Words between commas; what is given may stand on several lines, what is meant stands on one. */
function separated(says: string, word: RegExp): Kind<string> {
  return kind(says, (given) => {
    const text = given.trim().replace(/\s+/g, ' ');
    const parts = text.replace(/,$/, '').split(',');
    return parts.every((part) => word.test(part.trim())) ? text : undefined;
  });
}

/** Go's strconv.ParseBool, which annotations are read by. */
export const bool = kind('"true" or "false"', (text) =>
  ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)
    ? true
    : ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)
      ? false
      : undefined,
);

/** A whole number from `least` to `most`. */
export function int(least: number, most: number): Kind<number> {
  return kind(`a whole number from ${least} to ${most}`, (text) => {
    const value = /^[+-]?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? value : undefined;
  });
}

/** A size as nginx reads it: digits and k, m or g. nginx has no `b`. */
export const size = kind('a size such as 8k, 10m or 0', (text) => {
  const [, digits, unit] = /^(\d{1,12})([bkmg]?)$/i.exec(text.trim()) ?? [];
  return digits === undefined ? undefined : `${digits}${unit?.toLowerCase() === 'b' ? '' : (unit ?? '').toLowerCase()}`;
});

/** One of some words. `fold`: however they are written. */
export function oneOf<const T extends string>(words: readonly T[], fold = false): Kind<T> {
  return kind(`one of ${words.join(', ')}`, (text) =>
    words.find((word) => (fold ? word.toLowerCase() === text.trim().toLowerCase() : word === text.trim())),
  );
}

/** Addresses and ranges, comma-separated, in their canonical form. */
export const ranges = kind('addresses or ranges, separated by commas', (text) => {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const parsed = parts.map(canonicalRange);
  return parsed.length > 0 && parsed.every((range) => range !== undefined) ? (parsed as string[]) : undefined;
});

/** `10.0.0.0/8`, `10.1.2.3`, `2001:db8::/32`; undefined where it is none. Bits after the prefix are cleared, as nginx warns of them. */
function canonicalRange(text: string): string | undefined {
  const [address = '', bits, ...rest] = text.split('/');
  if (rest.length > 0 || !/^[0-9a-fA-F.:]+$/.test(address)) return undefined;
  if (!(ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address))) return undefined;
  const ip = ipaddr.parse(address);
  if (bits === undefined) return ip.toString();
  const most = ip.kind() === 'ipv4' ? 32 : 128;
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > most) return undefined;
  const cidr = `${ip.toString()}/${Number(bits)}`;
  const network = ip.kind() === 'ipv4' ? ipaddr.IPv4.networkAddressFromCIDR(cidr) : ipaddr.IPv6.networkAddressFromCIDR(cidr);
  return `${network.toString()}/${Number(bits)}`;
}

/** Words of a header's or cookie's name. */
export const token = matching('letters, digits, - and _', /^[A-Za-z0-9_-]{1,256}$/);
/** A value to compare with; also names of hosts and paths. */
export const plain = matching('letters, digits and - . _ ~ / :', /^[-._~a-zA-Z0-9/:]{1,1024}$/);
/** Words for people: the realm of a log-in. Of the realm `off` nginx would ask nobody. */
export const words = matching('letters, digits, spaces and - . _ ~ / :, not off', /^(?!off$)[-._~a-zA-Z0-9/: ]{1,1024}$/);
/** A PCRE. No quotes, spaces, semicolons, or braces but those of a count. */
export const regex = matching(
  'a regular expression of letters, digits and - . _ ~ / : ^ $ [ ] ( ) { } * + ? | & = , \\',
  /^[-._~a-zA-Z0-9/:^$[\](){}*+?|&=,\\]{1,1024}$/,
);
/** A path or URL with groups of the path: `/$2`, `https://example.com/$1`. No other variables. */
export const rewriteTarget = matching(
  'a path or URL that may contain groups of the path such as $1',
  /^(?:[-._~a-zA-Z0-9/:?&=,%+]|\$(?=[1-9]))*$/,
);
/** A path on this host. */
export const urlPath = matching('a path such as /app', /^\/(?!\/)[-._~a-zA-Z0-9/:?&=,%+]*$/);
/** A full URL, for redirects. */
export const url = matching('a URL that begins with http:// or https://', /^https?:\/\/[-._~a-zA-Z0-9/:?&=,%+#[\]@]{1,2048}$/);
/** `namespace/name` or `name` of an object. */
export const objectName = matching(
  'NAME or NAMESPACE/NAME',
  /^(?:[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
);
/** Names of headers, comma-separated; `*` where all are meant. */
export const headerNames = separated('names of headers, separated by commas', /^(?:[A-Za-z0-9_-]+|\*)$/);
export const methods = separated('methods, separated by commas', /^[A-Za-z]+$/);

const origin = /^(?:[a-z]+:\/\/(?:\*\.)?[A-Za-z0-9.-]+(?::\d{1,5})?|\*|null)$/;
/** Origins of CORS: `https://example.com:8443`, `https://*.example.com`, `null`, `*`. */
export const origins = kind('origins such as https://example.com, separated by commas, or *', (text) => {
  const list = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  return list.length > 0 && list.every((part) => origin.test(part)) ? list : undefined;
});

const conditions = [
  ...['error', 'timeout', 'invalid_header', 'http_500', 'http_502', 'http_503', 'http_504'],
  ...['http_403', 'http_404', 'http_429', 'non_idempotent', 'off'],
];
/** The conditions of nginx's proxy_next_upstream, separated by spaces. */
export const nextUpstream = kind(`words of ${conditions.join(', ')}`, (text) => {
  const given = text.trim().split(/\s+/);
  return given.every((word) => conditions.includes(word)) ? given.join(' ') : undefined;
});

/** What requests are hashed by: text of nginx's variables that tell a request, and nothing that tells more. */
export const hashBy = kind('variables of the request, such as $request_uri or $binary_remote_addr$uri', (text) =>
  /^(?:\$\{?(?:request_uri|uri|args|host|remote_addr|binary_remote_addr|arg_\w{1,64}|cookie_\w{1,64}|http_\w{1,64})\}?|[-_:])+$/.test(
    text,
  )
    ? text
    : undefined,
);

/** Names of hosts besides the rule's, comma-separated. */
export const hostNames = kind('names of hosts, separated by commas', (text) => {
  const list = text
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .filter((part) => part !== '');
  return list.length > 0 && list.every(isHost) ? list : undefined;
});

/** RFC 1123 subdomain, or one with `*.` before it. */
export function isHost(host: string): boolean {
  return host.length <= 253 && /^(?:\*\.)?[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/.test(host);
}

/** `off`, or two words: what to replace and by what. */
export const replacing = kind('off, or what to replace and its replacement', (text) =>
  /^(?:off|[-._~a-zA-Z0-9/]{1,256} [-._~a-zA-Z0-9/]{1,256})$/.test(text.trim()) ? text.trim() : undefined,
);
