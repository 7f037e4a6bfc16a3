// For whom this server asks, as it tells servers behind it (k8s.io/client-go/transport: SetAuthProxyHeaders). What a client sends under
// these names never gets through.
import type { RequestHeaderNames } from '@drydock/foundation/serving/request-header.ts';
import type { User } from '../request.ts';

const user = 'X-Remote-User';
const uid = 'X-Remote-Uid';
const group = 'X-Remote-Group';
const extraPrefix = 'X-Remote-Extra-';

/** Tells of a header's name, in lower case, whether only this server may say it. */
export function userHeaderTest(also: RequestHeaderNames): (name: string) => boolean {
  const lower = (names: readonly string[]) => names.map((each) => each.toLowerCase());
  const whole = new Set(lower([user, uid, group, ...also.usernameHeaders, ...also.uidHeaders, ...also.groupHeaders]));
  const prefixes = lower([extraPrefix, ...also.extraPrefixes]);
  return (name) => whole.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
}

export type UserHeaders = Readonly<Record<string, readonly string[]>>;

export function userHeaders({ name, uid: id, groups, extra }: User): UserHeaders {
  const headers: Record<string, string[]> = { [user]: [name], [group]: [...groups] };
  if (id !== '') headers[uid] = [id];
  for (const [key, values] of Object.entries(extra)) headers[extraPrefix + escapedKey(key)] = [...values];
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([, values]) => values.length > 0)
      .map(([header, values]) => [header, values.map(bytesOf)]),
  );
}

/** What no header name may have, and the percent sign, as its bytes in hexadecimal. */
function escapedKey(key: string): string {
  return [...Buffer.from(key)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9!#$&'*+.^_`|~-]/.test(char) ? char : `%${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}

/** Names are UTF-8 on the wire; node writes a character as the byte of its number. */
function bytesOf(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}
