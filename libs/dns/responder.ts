// A query in, the answer out: the cluster's zone from the cache, everything else from the host's resolvers.

import type { Answer } from 'dns-packet';
import {
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  type Packet,
  type Question,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from 'dns-packet';
import { answerTtlSeconds, tcpMessageBytesMax, udpBytesDefault, udpBytesMax } from './limits.ts';
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
  /** Whole number in [0, bound), for the order of addresses. */
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
    if (message.length < 12 || ((message[2] ?? 0) & 0x80) !== 0) return undefined;
    let query: Packet;
    try {
      query = decode(message);
    } catch {
      return header(message, 'FORMERR');
    }
    const [question] = query.questions ?? [];
    if ((((message[2] ?? 0) >> 3) & 0x0f) !== 0) return header(message, 'NOTIMP');
    if (question === undefined || query.questions?.length !== 1) return header(message, 'FORMERR');
    const name = question.name.toLowerCase().replace(/\.$/, '');
    const zone = this.#zoneOf(name, question.type);
    if (zone === 'elsewhere') {
      try {
        const answer = await this.#options.forward(message, protocol, name);
        this.#options.onAnswer?.(question.type, rcodeOf(answer), '.');
        return answer;
      } catch {
        this.#options.onAnswer?.(question.type, 'SERVFAIL', '.');
        return fail(query, question, 'SERVFAIL');
      }
    }
    const rcode: Rcode = zone === 'unready' ? 'SERVFAIL' : zone.exists ? 'NOERROR' : 'NXDOMAIN';
    this.#options.onAnswer?.(question.type, rcode, this.#options.domain);
    if (zone === 'unready') return fail(query, question, 'SERVFAIL');
    return this.#render(query, question, await this.#chase(zone, question), rcode, protocol);
  }

  #zoneOf(name: string, type: string): ZoneAnswer | 'elsewhere' | 'unready' {
    const { domain, view, ready } = this.#options;
    if (name === domain || name.endsWith(`.${domain}`)) return ready() ? lookup(view, domain, name, type) : 'unready';
    return reverseLookup(view, domain, name, type) ?? 'elsewhere';
  }

  /** The addresses behind the CNAME of an ExternalName service, where they can be had. */
  async #chase(zone: ZoneAnswer, question: Question): Promise<readonly (ZoneRecord | Answer)[]> {
    const [first] = zone.answers;
    if (first?.type !== 'CNAME' || (question.type !== 'A' && question.type !== 'AAAA')) return this.#shuffled(zone.answers);
    const { domain, view } = this.#options;
    if (first.data.endsWith(`.${domain}`)) {
      const inside = lookup(view, domain, first.data, question.type).answers;
      return inside[0]?.type === 'CNAME' ? zone.answers : [first, ...inside];
    }
    try {
      const ask = encode({
        type: 'query',
        id: 1,
        flags: RECURSION_DESIRED,
        questions: [{ type: question.type, name: first.data }],
      });
      const answers = decode(await this.#options.forward(ask, 'udp', first.data)).answers ?? [];
      return [first, ...answers.filter(({ type }) => type === 'A' || type === 'AAAA' || type === 'CNAME')];
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
    found: readonly (ZoneRecord | Answer)[],
    rcode: Rcode,
    protocol: 'udp' | 'tcp',
  ): Buffer {
    const { domain, view } = this.#options;
    const soa: Answer = {
      type: 'SOA',
      name: domain,
      ttl: answerTtlSeconds,
      data: {
        mname: `ns.dns.${domain}`,
        rname: `hostmaster.${domain}`,
        serial: this.#options.serial(),
        refresh: 7200,
        retry: 1800,
        expire: 86_400,
        minimum: answerTtlSeconds,
      },
    };
    const name = question.name.toLowerCase().replace(/\.$/, '');
    const additionals = question.type === 'SRV' ? lookup(view, domain, name, 'SRV').additionals : [];
    const isSoa = question.type === 'SOA' && name === domain;
    const edns = query.additionals?.find((record) => record.type === 'OPT');
    const opt: Answer[] =
      edns === undefined
        ? []
        : [{ type: 'OPT', name: '.', udpPayloadSize: udpBytesMax, flags: 0, options: [] } as unknown as Answer];
    const asked =
      edns === undefined ? udpBytesDefault : Number((edns as { udpPayloadSize?: number }).udpPayloadSize ?? udpBytesDefault);
    const bytesMax = protocol === 'tcp' ? tcpMessageBytesMax : Math.min(Math.max(asked, udpBytesDefault), udpBytesMax);
    const flags = rcodes[rcode] | AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | ((query.flags ?? 0) & RECURSION_DESIRED);
    const build = (answers: Answer[], more: Answer[], extra: number): Buffer =>
      encode({
        type: 'response',
        id: query.id ?? 0,
        flags: flags | extra,
        questions: [question],
        answers,
        authorities: found.length === 0 && !isSoa && extra === 0 ? [soa] : [],
        additionals: [...more, ...opt],
      });
    const answers = isSoa ? [soa] : found.map(withTtl(question.name));
    for (const more of [additionals.map(withTtl(question.name)), []]) {
      const whole = build(answers, more, 0);
      if (whole.length <= bytesMax) return whole;
    }
    // As many records as fit, marked as cut off: the client asks again over TCP.
    for (let count = answers.length - 1; count > 0; count--) {
      const part = build(answers.slice(0, count), [], TRUNCATED_RESPONSE);
      if (part.length <= bytesMax) return part;
    }
    return build([], [], TRUNCATED_RESPONSE);
  }
}

/** Records carry the name as it was asked for, whatever its case (RFC 1035 4.1.4, and resolvers that check it). */
function withTtl(asked: string): (record: ZoneRecord | Answer) => Answer {
  return (record) => {
    const name = record.name === asked.toLowerCase() ? asked : record.name;
    return { class: 'IN', ttl: answerTtlSeconds, ...record, name } as Answer;
  };
}

function fail(query: Packet, question: Question, rcode: Rcode): Buffer {
  const flags = rcodes[rcode] | RECURSION_AVAILABLE | ((query.flags ?? 0) & RECURSION_DESIRED);
  return encode({ type: 'response', id: query.id ?? 0, flags, questions: [question] });
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
