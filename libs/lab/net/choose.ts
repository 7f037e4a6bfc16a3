// Which ranges of addresses and which ports a new lab gets: free ones, unless the user names some. Pure.
import type { LabConfig } from '../config.ts';
import { type Cidr, overlaps, parseCidr } from './cidr.ts';

type RangeField = 'fabricCidr' | 'serviceCidr' | 'clusterCidr' | 'loadBalancerCidr';
export type Ranges = Pick<LabConfig, RangeField>;

/** A range that is not free, and what has it, for the message. */
export interface Taken {
  readonly range: Cidr;
  readonly by: string;
}

/** What was asked for is not free; `field` is the lab file's name for it. */
export class NotFree extends Error {
  override readonly name = 'NotFree';
}

const flags: Readonly<Record<RangeField, string>> = {
  fabricCidr: '--fabric-cidr',
  serviceCidr: '--service-cluster-ip-range',
  clusterCidr: '--cluster-cidr',
  loadBalancerCidr: '--load-balancer-cidr',
};

const counted = (first: number, last: number, range: (n: number) => string): string[] =>
  Array.from({ length: last - first + 1 }, (_, i) => range(first + i));

/** In this order; the first is the documented default. The second halves are for machines where all of 10/8 is in use. */
const candidates: Readonly<Record<RangeField, readonly string[]>> = {
  fabricCidr: [...counted(0, 255, (n) => `10.250.${n}.0/24`), ...counted(0, 255, (n) => `172.31.${n}.0/24`)],
  serviceCidr: [...counted(96, 127, (n) => `10.${n}.0.0/16`), ...counted(16, 18, (n) => `172.${n}.0.0/16`)],
  clusterCidr: [
    ...counted(244, 249, (n) => `10.${n}.0.0/16`),
    ...counted(128, 243, (n) => `10.${n}.0.0/16`),
    ...counted(19, 29, (n) => `172.${n}.0.0/16`),
  ],
  loadBalancerCidr: [...counted(0, 255, (n) => `10.251.${n}.0/24`), ...counted(0, 255, (n) => `172.30.${n}.0/24`)],
};

/** `asked` ranges are kept; each other one is the first of its candidates that overlaps nothing. Throws NotFree. */
export function chooseRanges(asked: Partial<Ranges>, taken: readonly Taken[]): Ranges {
  const used: Taken[] = [...taken];
  const chosen: Partial<Record<RangeField, string>> = {};
  const use = (field: RangeField, text: string, range: Cidr) => {
    chosen[field] = text;
    used.push({ range, by: `${field} of this lab` });
  };
  const fields = Object.keys(candidates) as RangeField[];
  for (const field of fields) {
    const text = asked[field];
    const range = parseCidr(text ?? '');
    if (text === undefined || range === undefined) continue;
    const other = taken.find((entry) => overlaps(entry.range, range));
    if (other !== undefined)
      throw new NotFree(
        `${text} is in use here (${other.by}): choose another range with ${flags[field]}, or none to have a free one`,
      );
    use(field, text, range);
  }
  for (const field of fields) {
    if (chosen[field] !== undefined) continue;
    const found = candidates[field]
      .map((text) => ({ text, range: parseCidr(text) }))
      .find(({ range }) => range !== undefined && !used.some((entry) => overlaps(entry.range, range)));
    if (found?.range === undefined) throw new NotFree(`no free range of addresses was found: choose one with ${flags[field]}`);
    use(field, found.text, found.range);
  }
  return chosen as Ranges;
}

/** Kernels give out ports to clients from here on: none of a lab's own may be among them. */
const clientPorts = 32_768;

/** First ports to try, best first, none of whose blocks of `size` meets one of `taken` (first ports of other labs). */
export function portBases(first: number, size: number, taken: readonly number[]): number[] {
  return counted(0, Math.floor((clientPorts - size - first) / size), (n) => String(first + n * size))
    .map(Number)
    .filter((base) => taken.every((other) => Math.abs(other - base) >= size));
}
