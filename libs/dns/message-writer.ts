// Writes an answer record by record, with names compressed (RFC 1035 4.1.4), up to a number of bytes: every record costs the same,
// however many there are and however few of them fit. dns-packet reads messages; it neither compresses nor stops at a size.
import { canonicalIP } from './canonical-ip.ts';
import type { ZoneRecord } from './zone.ts';

/** The records that this server gives out; other servers' answers are passed on as they came. */
export type AnswerRecord = ZoneRecord | SoaRecord;

export interface SoaRecord {
  readonly name: string;
  readonly type: 'SOA';
  readonly data: {
    readonly mname: string;
    readonly rname: string;
    readonly serial: number;
    readonly refresh: number;
    readonly retry: number;
    readonly expire: number;
    readonly minimum: number;
  };
}

const types = { A: 1, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33 } as const;
const classInternet = 1;
const optType = 41;
/** An OPT record without options. */
const optBytes = 11;
export const headerBytes = 12;
/** A pointer has 14 bits for its offset. */
const pointerMax = 0x3fff;
const labelBytesMax = 63;

/** Where the header has the number of records of each section. */
export const countAt = { question: 4, answer: 6, authority: 8, additional: 10 } as const;
export type Section = 'answer' | 'authority' | 'additional';

/** A record that does not fit; what was written of it is taken back. */
class Full extends Error {}

export class MessageWriter {
  #buffer: Buffer;
  #at: number;
  readonly #bytesMax: number;
  /** Where a name's labels, from one of them to the end, were written; lower case. */
  readonly #names = new Map<string, number>();
  #added: string[] = [];
  readonly #counts = { answer: 0, authority: 0, additional: 0 };

  /** `question`: the bytes of the question as it was asked, the name first. */
  constructor(id: number, question: Buffer, bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#buffer = Buffer.alloc(Math.min(bytesMax, 512));
    this.#buffer.writeUInt16BE(id, 0);
    this.#buffer.writeUInt16BE(1, countAt.question);
    this.#at = headerBytes;
    this.#bytes(question);
    const labels: { readonly text: string; readonly at: number }[] = [];
    for (let at = 0, length = question[0] ?? 0; length > 0; at += length + 1, length = question[at] ?? 0)
      labels.push({ text: question.toString('utf8', at + 1, at + 1 + length).toLowerCase(), at: headerBytes + at });
    // A dot inside a label would make one name of two.
    if (labels.some(({ text }) => text.includes('.'))) return;
    for (const [index, { at }] of labels.entries()) {
      const rest = labels.slice(index).map(({ text }) => text);
      this.#names.set(rest.join('.'), at);
    }
  }

  /** Adds a record, if it fits; `reserve` bytes stay free after it. */
  add(section: Section, record: AnswerRecord, ttlSeconds: number, reserve = 0): boolean {
    const start = this.#at;
    this.#added = [];
    try {
      this.#name(record.name, true);
      this.#u16(types[record.type]);
      this.#u16(classInternet);
      this.#u32(ttlSeconds);
      const lengthAt = this.#at;
      this.#u16(0);
      this.#data(record);
      if (this.#at + reserve > this.#bytesMax) throw new Full();
      this.#buffer.writeUInt16BE(this.#at - lengthAt - 2, lengthAt);
      this.#counts[section]++;
      return true;
    } catch (error) {
      if (!(error instanceof Full)) throw error;
      this.#at = start;
      for (const name of this.#added) this.#names.delete(name);
      return false;
    }
  }

  /** What the OPT record is going to take. */
  static readonly optBytes = optBytes;

  /** EDNS0 (RFC 6891): says how much we take over UDP. */
  addOpt(udpBytes: number): void {
    this.#bytes(Buffer.of(0));
    this.#u16(optType);
    this.#u16(udpBytes);
    this.#u32(0);
    this.#u16(0);
    this.#counts.additional++;
  }

  /** The message; flags with the code of the response. */
  finish(flags: number): Buffer {
    this.#buffer.writeUInt16BE(flags, 2);
    for (const [section, count] of Object.entries(this.#counts)) this.#buffer.writeUInt16BE(count, countAt[section as Section]);
    return this.#buffer.subarray(0, this.#at);
  }

  #data(record: AnswerRecord): void {
    switch (record.type) {
      case 'A':
        this.#bytes(Buffer.from(record.data.split('.').map(Number)));
        break;
      case 'AAAA':
        this.#bytes(ipv6Bytes(record.data));
        break;
      case 'CNAME':
      case 'PTR':
        this.#name(record.data, true);
        break;
      case 'TXT':
        this.#bytes(lengthFirst(record.data, 255));
        break;
      case 'SRV':
        this.#u16(record.data.priority);
        this.#u16(record.data.weight);
        this.#u16(record.data.port);
        // RFC 2782: not compressed.
        this.#name(record.data.target, false);
        break;
      case 'SOA': {
        const { mname, rname, serial, refresh, retry, expire, minimum } = record.data;
        this.#name(mname, true);
        this.#name(rname, true);
        for (const value of [serial, refresh, retry, expire, minimum]) this.#u32(value);
      }
    }
  }

  #name(name: string, compress: boolean): void {
    const labels = name.replace(/\.$/, '').toLowerCase().split('.');
    for (const [index, label] of labels.entries()) {
      const rest = labels.slice(index).join('.');
      const known = compress ? this.#names.get(rest) : undefined;
      if (known !== undefined) {
        this.#u16(0xc000 | known);
        return;
      }
      if (compress && this.#at <= pointerMax && !this.#names.has(rest)) {
        this.#names.set(rest, this.#at);
        this.#added.push(rest);
      }
      this.#bytes(lengthFirst(label, labelBytesMax));
    }
    this.#bytes(Buffer.of(0));
  }

  #u16(value: number): void {
    this.#bytes(Buffer.of(value >>> 8, value & 0xff));
  }

  #u32(value: number): void {
    this.#u16(value >>> 16);
    this.#u16(value & 0xffff);
  }

  #bytes(bytes: Uint8Array): void {
    const end = this.#at + bytes.length;
    if (end > this.#bytesMax) throw new Full();
    if (end > this.#buffer.length) {
      const larger = Buffer.alloc(Math.min(this.#bytesMax, Math.max(end, this.#buffer.length * 2)));
      this.#buffer.copy(larger);
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#at);
    this.#at = end;
  }
}

function lengthFirst(text: string, bytesMax: number): Buffer {
  const bytes = Buffer.from(text).subarray(0, bytesMax);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function ipv6Bytes(ip: string): Buffer {
  return Buffer.from(canonicalIP(ip).replaceAll(':', ''), 'hex');
}
