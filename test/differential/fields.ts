// A protobuf message without its table: what is compared does not depend on the tables under test.
import { Reader } from '@drydock/etcd/rpc/wire.ts';

export interface RawField {
  readonly number: number;
  readonly wireType: number;
  /** Of a varint its value, of anything else its bytes in hex. */
  readonly value: string;
}

/** All fields in the order of their numbers; repeated ones keep theirs. */
export function rawFields(message: Buffer): RawField[] {
  const reader = new Reader(message);
  const fields: RawField[] = [];
  while (!reader.done) {
    const tag = reader.varint();
    const [number, wireType] = [Math.floor(tag / 8), tag % 8];
    if (wireType === 0) fields.push({ number, wireType, value: String(reader.varint64()) });
    else if (wireType === 2) fields.push({ number, wireType, value: reader.bytes().toString('hex') });
    else throw new Error(`field ${number} has wire type ${wireType}`);
  }
  return fields.sort((a, b) => a.number - b.number);
}

const headerNumber = 1;
const revisionNumber = 3;

/** The header's revision; what else is in a header differs between clusters. */
export function revisionOf(message: Buffer): number | undefined {
  const header = rawFields(message).find(({ number }) => number === headerNumber);
  if (header === undefined) return undefined;
  const revision = rawFields(Buffer.from(header.value, 'hex')).find(({ number }) => number === revisionNumber);
  return Number(revision?.value ?? 0);
}

/** A response as one comparable line: its header is its revision. */
export function render(message: Buffer, except: readonly number[] = []): string {
  const revision = revisionOf(message);
  const rest = rawFields(message).filter(({ number }) => number !== headerNumber && !except.includes(number));
  return [
    revision === undefined ? 'no header' : `revision ${revision}`,
    ...rest.map(({ number, value }) => `${number}=${value}`),
  ].join(' ');
}
