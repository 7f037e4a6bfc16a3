// A question to another server and its answer: which bytes belong together (RFC 5452). Pure.
import { encode, RECURSION_DESIRED, type RecordType } from 'dns-packet';
import { headerBytes } from './message-writer.ts';

/** The same message under another id. */
export function withId(message: Buffer, id: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(id, 0);
  return copy;
}

/** A query of our own. */
export function queryFor(name: string, type: string, id: number): Buffer {
  return encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [{ type: type as RecordType, name }] });
}

/** What a server is asked to see whether it is there: it need not know the answer. */
export const rootQuery = (id: number): Buffer => queryFor('.', 'NS', id);

/** The bytes of a message's first question, its name, type and class; undefined where they are not all there or are compressed. */
export function questionOf(message: Buffer): Buffer | undefined {
  let at = headerBytes;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63) return undefined;
    at += length + 1;
    if (length === 0) break;
  }
  return at + 4 <= message.length ? message.subarray(headerBytes, at + 4) : undefined;
}

/** Whether `answer` is a response to `query`: the same id and operation, and the same one question, whatever the case of its letters. */
export function isAnswerTo(answer: Buffer, query: Buffer): boolean {
  if (answer.length < headerBytes || answer.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  const [flags = 0, asked = 0] = [answer[2], query[2]];
  if ((flags & 0x80) === 0 || (flags & 0x78) !== (asked & 0x78)) return false;
  // A server that could not read the question answers without it.
  if (answer.readUInt16BE(4) === 0) return ((answer[3] ?? 0) & 0x0f) !== 0;
  const [here, there] = [questionOf(answer), questionOf(query)];
  if (answer.readUInt16BE(4) !== 1 || here === undefined || there === undefined) return false;
  return lowerCase(here).equals(lowerCase(there));
}

/** Lengths and types are below 64 or not letters at all places that matter: two equal texts stay equal, two others seldom become so. */
function lowerCase(question: Buffer): Buffer {
  const name = question.subarray(0, -4).map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));
  return Buffer.concat([name, question.subarray(-4)]);
}

interface ChainRecord {
  readonly name: string;
  readonly type: string;
  readonly data?: unknown;
}

/** The longest chain of CNAMEs that is followed. */
const chainMax = 8;

/**
 * The records of another server's answer that say where `name` is: its CNAMEs one after the other, then addresses of `type` for the
 * last of them. Whatever else the answer holds is about names that were not asked for, and is left out.
 */
export function chainFrom(
  name: string,
  type: 'A' | 'AAAA',
  records: readonly ChainRecord[],
): { readonly name: string; readonly type: 'A' | 'AAAA' | 'CNAME'; readonly data: string }[] {
  const bare = (text: string) => text.toLowerCase().replace(/\.$/, '');
  const chain: { name: string; type: 'A' | 'AAAA' | 'CNAME'; data: string }[] = [];
  let at = bare(name);
  for (let step = 0; step < chainMax; step++) {
    const next = records.find((record) => record.type === 'CNAME' && bare(record.name) === at);
    if (next === undefined) break;
    const target = bare(String(next.data));
    if (target === at || chain.some((each) => each.name === target)) break;
    chain.push({ name: at, type: 'CNAME', data: target });
    at = target;
  }
  for (const record of records)
    if (record.type === type && bare(record.name) === at) chain.push({ name: at, type, data: String(record.data) });
  return chain;
}
