// bcrypt, the hash of passwords: as slow as its cost says, so it is computed in slices. The form is `$2a$COST$` with 22 characters
// of salt and 31 of hash. Provos and Mazieres, "A Future-Adaptable Password Scheme", 1999.
import { timingSafeEqual } from 'node:crypto';
import { Blowfish, keyWords } from './blowfish.ts';

export const bcryptCosts = { min: 4, max: 31 } as const;
/** More would be ignored; the original refuses it. */
export const bcryptPasswordBytesMax = 72;
export const bcryptSaltBytes = 16;

const saltWords = 4;
const saltLength = 22;
const hashBytes = 23;
const encryptions = 64;
const magic = Buffer.from('OrpheanBeholderScryDoubt');
/** Key schedules between two pauses: a few milliseconds. */
const sliceRounds = 32;

const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const standardAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Lets other work have its turn. */
export type Pause = () => Promise<void>;

/** `salt` has `bcryptSaltBytes` random bytes. */
export async function bcryptHash(password: string, cost: number, salt: Uint8Array, pause: Pause): Promise<string> {
  const head = `$2a$${String(cost).padStart(2, '0')}$`;
  return `${head}${toText(salt)}${toText(await digest(password, cost, salt, pause))}`;
}

/** Whether the hash is that of the password; false also where it is no bcrypt hash. */
export async function bcryptMatches(password: string, hash: string, pause: Pause): Promise<boolean> {
  const [, costText, salt, expected] = /^\$2[a-z]?\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/.exec(hash) ?? [];
  const cost = Number(costText);
  if (salt === undefined || expected === undefined || !(cost >= bcryptCosts.min && cost <= bcryptCosts.max)) return false;
  const actual = toText(await digest(password, cost, fromText(salt), pause));
  return timingSafeEqual(Buffer.from(actual), Buffer.from(expected));
}

async function digest(password: string, cost: number, salt: Uint8Array, pause: Pause): Promise<Buffer> {
  const key = keyWords(Buffer.concat([Buffer.from(password), Buffer.of(0)]));
  const saltKey = keyWords(salt);
  const cipher = new Blowfish();
  cipher.expand(key, keyWords(salt, saltWords));
  const count = 2 ** cost;
  for (let i = 0; i < count; i++) {
    if (i % sliceRounds === sliceRounds - 1) await pause();
    cipher.expand(key, undefined);
    cipher.expand(saltKey, undefined);
  }
  const words = keyWords(magic, magic.length / 4);
  for (let at = 0; at < words.length; at += 2) for (let i = 0; i < encryptions; i++) cipher.encrypt(words, at);
  const result = Buffer.alloc(magic.length);
  for (const [i, word] of words.entries()) result.writeInt32BE(word, i * 4);
  return result.subarray(0, hashBytes);
}

/** Base64 with bcrypt's own alphabet, without padding. */
function toText(bytes: Uint8Array): string {
  const standard = Buffer.from(bytes).toString('base64').replace(/=+$/, '');
  return translate(standard, standardAlphabet, alphabet);
}

function fromText(text: string): Buffer {
  return Buffer.from(translate(text.slice(0, saltLength), alphabet, standardAlphabet), 'base64');
}

function translate(text: string, from: string, to: string): string {
  return Array.from(text, (character) => to[from.indexOf(character)]).join('');
}
