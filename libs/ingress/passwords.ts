// Users and passwords of basic authentication, as nginx's auth_basic_user_file has them: one `user:hash` a line.
import type { Secret } from '@drydock/api/generated/types.ts';

const linesMax = 10_000;
/** What crypt(3) and nginx read; nothing that could begin another line. */
const line = /^[^\s:#][^\s:]{0,255}:[^\s:]{1,1024}$/;
const hash = /^[^\s:]{1,1024}$/;

type Type = 'auth-file' | 'auth-map';
type Read = { readonly text: string } | { readonly problem: string };
/** Every path of an Ingress asks, for a file that may be a megabyte: informers hand out the same object until it changes. */
const known = { 'auth-file': new WeakMap<Secret, Read>(), 'auth-map': new WeakMap<Secret, Read>() };

/** The file of a Secret: its key `auth`, or (auth-map) a key per user. A problem where nobody could log in. */
export function passwordFile(key: string, secret: Secret | undefined, type: Type): Read {
  if (secret === undefined) return { problem: `Secret "${key}" does not exist` };
  const read = known[type].get(secret) ?? fileOf(key, secret, type);
  known[type].set(secret, read);
  return read;
}

function fileOf(key: string, secret: Secret, type: Type): Read {
  const lines = type === 'auth-file' ? ofFile(secret) : ofMap(secret);
  if (lines === undefined) return { problem: `Secret "${key}" does not contain a key with value "auth"` };
  if (lines.length === 0) return { problem: `Secret "${key}" has no users` };
  if (lines.length > linesMax) return { problem: `Secret "${key}" has more than ${linesMax} users` };
  const bad = lines.findIndex((text) => !line.test(text));
  if (bad >= 0) return { problem: `Secret "${key}": user ${bad + 1} is not of the form NAME:HASH` };
  return { text: `${lines.join('\n')}\n` };
}

function ofFile(secret: Secret): string[] | undefined {
  const data = secret.data?.auth;
  if (data === undefined) return undefined;
  return Buffer.from(data, 'base64')
    .toString('utf8')
    .split(/\r?\n/)
    .map((text) => text.trim())
    .filter((text) => text !== '' && !text.startsWith('#'));
}

function ofMap(secret: Secret): string[] {
  return Object.entries(secret.data ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([user, data]) => {
      const text = Buffer.from(data, 'base64').toString('utf8').trim();
      return hash.test(text) ? [`${user}:${text}`] : [];
    });
}
