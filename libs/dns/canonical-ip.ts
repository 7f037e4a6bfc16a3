// One text for each address, so that they can be compared and looked up. Pure.

/** One text for each address: IPv4 as it is, IPv6 as eight groups of four digits, lower case. */
export function canonicalIP(ip: string): string {
  if (!ip.includes(':')) return ip;
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(ip);
  const hex = (high = '0', low = '0') => (Number(high) * 256 + Number(low)).toString(16);
  const text = dotted === null ? ip : `${dotted[1]}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}`;
  const [head = '', tail] = text.toLowerCase().split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const middle = tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...middle, ...after].map((group) => group.padStart(4, '0')).join(':');
}
