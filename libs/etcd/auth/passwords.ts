// Passwords as bcrypt has them: what a hash looks like and when it is that of a password. The slow part is a port.
// Provos and Mazieres, "A Future-Adaptable Password Scheme", 1999.
import { timingSafeEqual } from 'node:crypto';

export const bcryptCosts = { min: 4, max: 31 } as const;
/** More would be ignored; the original refuses it. */
export const bcryptPasswordBytesMax = 72;
export const bcryptSaltBytes = 16;

const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const base64Alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const hashForm = /^\$2[a-z]?\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/;
const digestLength = 31;

export interface PasswordHasher {
  /** How many calls are worth being under way at one time: each has a processor for itself. */
  readonly sideBySide: number;
  /** The whole hash, which begins with `setting` (`bcryptSetting`). As slow as the setting's cost says. */
  hash(password: string, setting: string): Promise<string>;
}

/** What a hash begins with. `salt` has `bcryptSaltBytes` bytes. */
export function bcryptSetting(cost: number, salt: Uint8Array): string {
  const text = Buffer.from(salt).toString('base64').replace(/=+$/, '');
  const saltText = Array.from(text, (character) => alphabet[base64Alphabet.indexOf(character)]).join('');
  return settingOf(String(cost).padStart(2, '0'), saltText);
}

/** Whether the hash is that of the password; false also where it is no bcrypt hash. */
export async function isPasswordOf(hasher: PasswordHasher, password: string, hash: string): Promise<boolean> {
  const [, cost = '', salt, expected] = hashForm.exec(hash) ?? [];
  if (salt === undefined || expected === undefined) return false;
  if (Number(cost) < bcryptCosts.min || Number(cost) > bcryptCosts.max) return false;
  const actual = await hasher.hash(password, settingOf(cost, salt));
  return timingSafeEqual(Buffer.from(actual.slice(-digestLength)), Buffer.from(expected));
}

/** In the form that the original makes; later letters mean the same computation. */
function settingOf(cost: string, salt: string): string {
  return `$2a$${cost}$${salt}`;
}
