// Who owns what of a lab: the record that a lab leaves in its folder and in the machine's list, and the decision, from those
// records alone, whether a command in a checkout may touch what it was asked to. Pure.
import { createHash } from 'node:crypto';
import { basename, dirname, isAbsolute, normalize } from 'node:path';
import { nameProblem } from './names.ts';
import type { ForwardChain } from './net/host-forward.ts';
import { hostLinkOf, hostTable, isNamespaceOf } from './net/host-names.ts';

/** What a lab with network namespaces makes outside its folders. */
export interface HostThings {
  readonly namespaces: readonly string[];
  readonly link: string;
  /** nftables, family ip. */
  readonly table: string;
  /** The chain of iptables with rules that let the link's traffic through; absent where the host drops nothing that it forwards. */
  readonly forward?: ForwardChain;
}

export interface LabRecord {
  readonly version: 1;
  /** Random: what tells a lab from one that was in the same folder before. */
  readonly id: string;
  readonly name: string;
  /** The checkout whose programs it runs. */
  readonly repo: string;
  readonly dir: string;
  readonly run: string;
  /** Numeric id of the user who made it. */
  readonly user: number;
  readonly network: 'netns' | 'loopback';
  /** Whether the lab made its folder; one that was there stays, empty. */
  readonly madeDir: boolean;
  /** Written before anything of it exists; undefined on loopback, and before the first `up` got that far. */
  readonly host: HostThings | undefined;
  /** Ranges of addresses that the host routes to it. */
  readonly ranges: readonly string[];
  /** loopback: the first of its ports. */
  readonly portBase: number | undefined;
  /** The run of the test suites that made it; absent for everybody else's. */
  readonly testRun?: string;
}

/** What was found at a lab's folder. */
export interface FolderFacts {
  readonly folder: 'missing' | 'empty' | 'used' | 'not a folder';
  /** The record in the folder; `damaged` where there is one that cannot be read. */
  readonly marker: LabRecord | 'damaged' | undefined;
}

/** The lab that a command asks for. */
export interface Asked {
  readonly name: string;
  readonly dir: string;
  readonly user: number;
}

export type Ownership =
  /** There is no such lab; `elsewhere` are labs of the same name in other folders. */
  | { readonly kind: 'none'; readonly elsewhere: readonly LabRecord[] }
  /** `marked`: the folder itself carries the record, so what is in it may be removed. */
  | { readonly kind: 'own'; readonly record: LabRecord; readonly marked: boolean }
  | { readonly kind: 'refused'; readonly reason: string };

/** Entries of a lab's folder that the lab makes; `down` removes these and no others. */
export const labEntries: readonly string[] = [
  'admin.kubeconfig',
  'admin.kubeconfig.tmp',
  'config',
  'data',
  'flex',
  'images',
  'log',
  'pki',
  'workers',
  'state.json',
  'state.json.tmp',
];
/** Last, so that an interrupted `down` still knows the folder. */
export const markerName = 'lab.json';

const idPattern = /^[0-9a-f]{16,64}$/;

/** Reads a record. Throws Error with what is wrong: nothing of it is believed that could lead a removal elsewhere. */
export function parseRecord(text: string): LabRecord {
  const value = JSON.parse(text) as Partial<Record<keyof LabRecord, unknown>> | null;
  if (typeof value !== 'object' || value === null) throw new Error('expected an object');
  if (value.version !== 1) throw new Error(`unknown version ${JSON.stringify(value.version)}`);
  const problem = nameProblem(value.name);
  if (problem !== undefined) throw new Error(`name: ${problem}`);
  const record = value as LabRecord;
  if (!idPattern.test(String(record.id))) throw new Error('id: expected hexadecimal digits');
  for (const field of ['repo', 'dir', 'run'] as const)
    if (!isWholePath(record[field])) throw new Error(`${field}: expected an absolute path`);
  if (record.network !== 'netns' && record.network !== 'loopback') throw new Error('network: expected netns or loopback');
  if (!Number.isInteger(record.user)) throw new Error('user: expected a number');
  if (typeof record.madeDir !== 'boolean') throw new Error('madeDir: expected true or false');
  if (!isRunFolder(record)) throw new Error(`run: ${record.run} is no such lab's`);
  checkHost(record);
  const { ranges, portBase } = record;
  if (!Array.isArray(ranges) || ranges.some((range) => typeof range !== 'string')) throw new Error('ranges: expected a list');
  if (portBase !== undefined && !Number.isInteger(portBase)) throw new Error('portBase: expected a number');
  return record;
}

function checkHost({ name, host }: LabRecord): void {
  if (host === undefined) return;
  const { namespaces, link, table, forward } = host;
  if (!Array.isArray(namespaces) || namespaces.some((netns) => !isNamespaceOf(name, String(netns))))
    throw new Error('host.namespaces: expected namespaces of this lab');
  if (link !== hostLinkOf(name)) throw new Error(`host.link: expected ${hostLinkOf(name)}`);
  if (table !== hostTable(name)) throw new Error(`host.table: expected ${hostTable(name)}`);
  if (forward !== undefined && forward !== 'DOCKER-USER' && forward !== 'FORWARD')
    throw new Error('host.forward: expected DOCKER-USER or FORWARD');
}

/** The last part of a lab's run folder: short, for unix sockets, and of this folder alone. */
export function runName(name: string, dir: string): string {
  return `${name}-${createHash('sha256').update(dir).digest('hex').slice(0, 6)}`;
}

/** Below a folder of the project's, and of no other lab's name: versions before the record did without the digits. */
function isRunFolder({ name, dir, run }: LabRecord): boolean {
  return /^drydock(-\d+)?$/.test(basename(dirname(run))) && [runName(name, dir), name].includes(basename(run));
}

function isWholePath(value: unknown): value is string {
  return typeof value === 'string' && isAbsolute(value) && normalize(value) === value && !value.includes('\0');
}

/** Whose the lab is that was asked for. `listed`: the machine's records, of all labs. */
export function decideOwner(asked: Asked, facts: FolderFacts, listed: readonly LabRecord[]): Ownership {
  const { name, dir, user } = asked;
  const here = listed.find((record) => record.dir === dir && record.name === name);
  const elsewhere = listed.filter((record) => record.name === name && record.dir !== dir);
  const refuse = (reason: string): Ownership => ({ kind: 'refused', reason });
  if (facts.folder === 'not a folder') return refuse(`${dir} is not a folder`);
  const { marker } = facts;
  if (marker === undefined || marker === 'damaged') {
    if (here !== undefined) return allowed(here, marker === 'damaged', user);
    if (marker === 'damaged')
      return refuse(`${dir}/${markerName} is damaged, and no other record says whose this folder is: ${byHand}`);
    if (facts.folder === 'used') return refuse(`${dir} is not a lab's folder: it has no ${markerName}`);
    return { kind: 'none', elsewhere };
  }
  if (marker.dir !== dir) return refuse(`${dir} holds what was the lab of ${marker.dir}: it was moved or copied; ${byHand}`);
  if (marker.name !== name) return refuse(`${dir} is the folder of lab ${marker.name}, not of ${name}`);
  // Names of namespaces and links are one for the whole machine: where another lab has them now, this record is of the past.
  const current = here?.id === marker.id ? here : undefined;
  const lost = elsewhere.some((record) => record.network === 'netns' && record.host !== undefined);
  const host = current?.host ?? (lost ? undefined : marker.host);
  return allowed({ ...marker, host }, true, user);
}

const byHand = 'look at it, and remove it by hand';

function allowed(record: LabRecord, marked: boolean, user: number): Ownership {
  if (record.user !== user && user !== 0)
    return { kind: 'refused', reason: `lab ${record.name} (${record.dir}) belongs to the user with id ${record.user}` };
  return { kind: 'own', record, marked };
}

/** Why a lab with network namespaces cannot have this name; undefined where it can. */
export function nameConflict(name: string, dir: string, listed: readonly LabRecord[]): string | undefined {
  const other = listed.find((record) => record.name === name && record.dir !== dir && record.network === 'netns');
  if (other === undefined) return undefined;
  return `there is a lab ${name} on this machine already: ${other.dir} (checkout ${other.repo}); choose another --name`;
}

/** The sentence that sends a user to the right folder. */
export function describeElsewhere(name: string, dir: string, elsewhere: readonly LabRecord[]): string {
  const [first] = elsewhere;
  if (first === undefined) return `there is no lab ${name} (${dir}): start it with \`drydock up\``;
  const of = elsewhere.map((record) => `${record.dir} (checkout ${record.repo})`).join(', ');
  return `there is no lab ${name} in this checkout; there is one in ${of}: name its folder, --dir ${first.dir}`;
}
