// IPv4 addresses and ranges as they may stand in rules. What others have written is read here: one word of theirs that nft does not
// understand would refuse the whole transaction, and with it every other change. Pure.

/** The address in its usual form; undefined where the text is none. Leading zeros say nothing, as upstream reads them (and nft does not). */
export function ipv4(text: string): string | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.map(Number).join('.');
}

/** The range `address/bits` in its usual form; undefined where the text is none. */
export function ipv4Range(text: string): string | undefined {
  const [address = '', bits = '', ...more] = text.split('/');
  const ip = ipv4(address);
  if (ip === undefined || more.length > 0 || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return undefined;
  return `${ip}/${Number(bits)}`;
}

/** Those of the texts that `read` understands, in the form that it gives them. */
export function understood(texts: readonly string[], read: (text: string) => string | undefined): string[] {
  return texts.map(read).filter((text) => text !== undefined);
}
