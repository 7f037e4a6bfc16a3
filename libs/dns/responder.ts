// A query in, the answer out: the cluster's zone from the cache, everything else from the host's resolvers.

import {
  AUTHORITATIVE_ANSWER,
  decode,
  type Packet,
  type Question,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from 'dns-packet';
import { chainFrom, queryFor, questionOf } from './exchange.ts';
import { answerTtlSeconds, queryBytesMax, tcpMessageBytesMax, udpBytesDefault, udpBytesMax } from './limits.ts';
import { type AnswerRecord, countAt, headerBytes, MessageWriter, type SoaRecord } from './message-writer.ts';
import { type ClusterView, lookup, reverseLookup, type ZoneAnswer, type ZoneRecord } from './zone.ts';

const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
export type Rcode = keyof typeof rcodes;

/** Asks another server: the query's bytes in, the answer's out. Rejects where none answers. */
export type Forward = (query: Buffer, protocol: 'udp' | 'tcp', name: string) => Promise<Buffer>;

export interface ResponderOptions {
  readonly view: ClusterView;
  /** Lower case, without a dot at the end: `cluster.local`. */
  readonly domain: string;
  readonly forward: Forward;
  /** Whether the caches are complete; before that every answer about the cluster is SERVFAIL. */
  readonly ready: () => boolean;
  /** Serial number of the zone, for SOA. */
  readonly serial: () => number;
  /** Whole number in [0, bound), for the order of addresses, and for ids that nobody is to guess. */
  readonly random: (bound: number) => number;
  readonly onAnswer?: ((type: string, rcode: Rcode, zone: string) => void) | undefined;
}

export class Responder {
  readonly #options: ResponderOptions;

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /** The answer to a message; undefined where it is not even a query. Never rejects. */
  async respond(message: Buffer, protocol: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    if (message.length < headerBytes || ((message[2] ?? 0) & 0x80) !== 0) return undefined;
    const refusal = refusalOf(message);
    if (refusal !== undefined) return header(message, refusal);
    let query: Packet;
    try {
      query = decode(message);
    } catch {
      return header(message, 'FORMERR');
    }
    const [question] = query.questions ?? [];
    const asked = questionOf(message);
    if (question === undefined || asked === undefined) return header(message, 'FORMERR');
    const name = question.name.toLowerCase().replace(/\.$/, '');
    const zone = this.#zoneOf(name, question.type);
    if (zone === 'elsewhere') {
      try {
        const answer = await this.#options.forward(message, protocol, name);
        this.#options.onAnswer?.(typeLabel(question.type), rcodeOf(answer), '.');
        return answer;
      } catch {
        this.#options.onAnswer?.(typeLabel(question.type), 'SERVFAIL', '.');
        return fail(query, asked, 'SERVFAIL');
      }
    }
    const rcode: Rcode = zone === 'unready' ? 'SERVFAIL' : zone.exists ? 'NOERROR' : 'NXDOMAIN';
    this.#options.onAnswer?.(typeLabel(question.type), rcode, this.#options.domain);
    if (zone === 'unready') return fail(query, asked, 'SERVFAIL');
    return this.#render(query, question, asked, await this.#chase(zone, question, protocol), rcode, protocol);
  }

  #zoneOf(name: string, type: string): ZoneAnswer | 'elsewhere' | 'unready' {
    const { domain, view, ready } = this.#options;
    if (name === domain || name.endsWith(`.${domain}`)) return ready() ? lookup(view, domain, name, type) : 'unready';
    return reverseLookup(view, domain, name, type) ?? 'elsewhere';
  }

  /** The addresses behind the CNAME of an ExternalName service, where they can be had. */
  async #chase(zone: ZoneAnswer, { type }: Question, protocol: 'udp' | 'tcp'): Promise<readonly ZoneRecord[]> {
    const [first] = zone.answers;
    if (first?.type !== 'CNAME' || (type !== 'A' && type !== 'AAAA')) return this.#shuffled(zone.answers);
    const { domain, view, random } = this.#options;
    if (first.data.endsWith(`.${domain}`)) {
      const inside = lookup(view, domain, first.data, type).answers;
      return inside[0]?.type === 'CNAME' ? zone.answers : [first, ...inside];
    }
    const ask = (by: 'udp' | 'tcp') => this.#options.forward(queryFor(first.data, type, random(65_536)), by, first.data);
    try {
      let found = decode(await ask(protocol));
      if (found.flag_tc && protocol === 'udp') found = decode(await ask('tcp'));
      return [first, ...chainFrom(first.data, type, found.answers ?? [])];
    } catch {
      return zone.answers;
    }
  }

  #shuffled(answers: readonly ZoneRecord[]): readonly ZoneRecord[] {
    const list = [...answers];
    for (let index = list.length - 1; index > 0; index--) {
      const other = this.#options.random(index + 1);
      const [a, b] = [list[index], list[other]];
      if (a !== undefined && b !== undefined) [list[index], list[other]] = [b, a];
    }
    return list;
  }

  #render(
    query: Packet,
    question: Question,
    asked: Buffer,
    found: readonly ZoneRecord[],
    rcode: Rcode,
    protocol: 'udp' | 'tcp',
  ): Buffer {
    const { domain, view } = this.#options;
    const name = question.name.toLowerCase().replace(/\.$/, '');
    const isSoa = question.type === 'SOA' && name === domain;
    const answers: readonly AnswerRecord[] = isSoa ? [this.#soa()] : found;
    const edns = query.additionals?.find((record) => record.type === 'OPT') as { udpPayloadSize?: number } | undefined;
    const takes = Math.min(Math.max(edns?.udpPayloadSize ?? 0, udpBytesDefault), udpBytesMax);
    const writer = new MessageWriter(query.id ?? 0, asked, protocol === 'tcp' ? tcpMessageBytesMax : takes);
    const reserve = edns === undefined ? 0 : MessageWriter.optBytes;
    // As many records as fit; where that is not all of them, the client asks again over TCP.
    const truncated = answers.some((record) => !writer.add('answer', record, answerTtlSeconds, reserve));
    if (answers.length === 0) writer.add('authority', this.#soa(), answerTtlSeconds, reserve);
    const additionals = question.type === 'SRV' && !truncated ? lookup(view, domain, name, 'SRV').additionals : [];
    // The addresses of targets are a courtesy: what of them does not fit is asked for.
    additionals.every((record) => writer.add('additional', record, answerTtlSeconds, reserve));
    if (edns !== undefined) writer.addOpt(udpBytesMax);
    return writer.finish(responseFlags(query, rcode) | AUTHORITATIVE_ANSWER | (truncated ? TRUNCATED_RESPONSE : 0));
  }

  #soa(): SoaRecord {
    const { domain, serial } = this.#options;
    const times = { refresh: 7200, retry: 1800, expire: 86_400, minimum: answerTtlSeconds };
    return {
      name: domain,
      type: 'SOA',
      data: { mname: `ns.dns.${domain}`, rname: `hostmaster.${domain}`, serial: serial(), ...times },
    };
  }
}

function responseFlags(query: Packet, rcode: Rcode): number {
  return 0x8000 | rcodes[rcode] | RECURSION_AVAILABLE | ((query.flags ?? 0) & RECURSION_DESIRED);
}

function fail(query: Packet, asked: Buffer, rcode: Rcode): Buffer {
  return new MessageWriter(query.id ?? 0, asked, udpBytesDefault).finish(responseFlags(query, rcode));
}

/**
 * What a message is refused for before it is read, as CoreDNS does (miekg/dns, MsgAcceptFunc): reading costs time with every record and
 * label, and whoever asks has sent one question, at most a record for incremental transfers, and what EDNS0 and signatures add.
 */
function refusalOf(message: Buffer): Rcode | undefined {
  if ((((message[2] ?? 0) >> 3) & 0x0f) !== 0) return 'NOTIMP';
  const count = (section: keyof typeof countAt) => message.readUInt16BE(countAt[section]);
  const isQuery = count('question') === 1 && count('answer') <= 1 && count('authority') <= 1 && count('additional') <= 2;
  return isQuery && message.length <= queryBytesMax ? undefined : 'FORMERR';
}

/** A type in metrics: those without a name, tens of thousands, are one. */
function typeLabel(type: string): string {
  return type.startsWith('UNKNOWN_') ? 'other' : type;
}

/** An answer to something that could not be read: its id, and nothing else. */
function header(message: Buffer, rcode: Rcode): Buffer {
  const answer = Buffer.alloc(12);
  message.copy(answer, 0, 0, 4);
  answer[2] = 0x80 | ((message[2] ?? 0) & 0x79);
  answer[3] = rcodes[rcode];
  return answer;
}

function rcodeOf(answer: Buffer): Rcode {
  const code = (answer[3] ?? 2) & 0x0f;
  return (Object.keys(rcodes) as Rcode[]).find((name) => rcodes[name] === code) ?? 'SERVFAIL';
}
