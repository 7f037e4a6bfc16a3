// A certificate revocation list (RFC 5280, section 5): which serial numbers it names. As etcd uses it, its signature and its dates do
// not count: who may write the file may say who is revoked.

/** Not a revocation list. */
export class RevocationListError extends Error {
  override readonly name = 'RevocationListError';
}

const tags = { integer: 0x02, sequence: 0x30, utcTime: 0x17, generalizedTime: 0x18 } as const;
/** Bit of a length's first byte: the rest of it says how many bytes of length follow. */
const longForm = 0x80;
const lengthBytesMax = 4;

interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

/** Serial numbers, upper case hexadecimal as Node shows them. DER, or PEM around it. Throws RevocationListError. */
export function revokedSerials(file: Buffer): Set<string> {
  const [list] = elements(derOf(file));
  const [signed] = elements(sequence(list));
  const parts = elements(sequence(signed));
  if (parts[0]?.tag === tags.integer) parts.shift();
  // Algorithm, issuer, time of this one and, if it says so, of the next one come before it.
  const isTime = (part: Element | undefined) => part?.tag === tags.utcTime || part?.tag === tags.generalizedTime;
  if (!isTime(parts[2])) throw new RevocationListError('no time where it was made');
  const revoked = parts[isTime(parts[3]) ? 4 : 3];
  if (revoked?.tag !== tags.sequence) return new Set();
  return new Set(elements(revoked.content).map((entry) => serialOf(elements(sequence(entry))[0])));
}

function serialOf(element: Element | undefined): string {
  if (element?.tag !== tags.integer) throw new RevocationListError('an entry without a serial number');
  return element.content
    .toString('hex')
    .replace(/^(00)+(?=..)/, '')
    .toUpperCase();
}

function derOf(file: Buffer): Buffer {
  const pem = /-----BEGIN X509 CRL-----([^-]*)-----END/.exec(file.toString('latin1'));
  return pem === null ? file : Buffer.from(pem[1] ?? '', 'base64');
}

function sequence(element: Element | undefined): Buffer {
  if (element?.tag !== tags.sequence) throw new RevocationListError('a sequence is missing');
  return element.content;
}

function elements(bytes: Buffer): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] ?? 0;
    const first = bytes[at + 1] ?? 0;
    const lengthBytes = first < longForm ? 0 : first - longForm;
    if (first === longForm || lengthBytes > lengthBytesMax) throw new RevocationListError('a length that DER does not have');
    const begin = at + 2 + lengthBytes;
    if (begin > bytes.length) throw new RevocationListError('it ends early');
    const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes);
    at = begin + length;
    if (at > bytes.length) throw new RevocationListError('it ends early');
    found.push({ tag, content: bytes.subarray(begin, at) });
  }
  return found;
}
