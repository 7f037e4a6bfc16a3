// Lab files: a lab's choices as YAML. Every problem says the line and the field.
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { checkConfig, completeConfig, type LabConfig, programNames } from './config.ts';
import { timings } from './timings.ts';

export interface LabFileProblem {
  readonly line: number;
  readonly field: string;
  readonly message: string;
}

export interface LabFileResult {
  readonly config: Partial<LabConfig>;
  readonly problems: readonly LabFileProblem[];
}

type FieldKind = 'text' | 'number' | 'timings' | 'commands' | 'flags' | readonly string[];

const fields: Readonly<Record<keyof LabConfig, FieldKind>> = {
  name: 'text',
  etcd: 'number',
  apiservers: 'number',
  schedulers: 'number',
  controllerManagers: 'number',
  controlPlane: ['processes', 'static-pods'],
  workers: 'number',
  dns: 'number',
  ingress: 'number',
  cloudControllerManagers: 'number',
  metrics: 'number',
  storage: ['local', 'none'],
  network: ['netns', 'loopback'],
  engine: ['containerd', 'hollow'],
  fabricCidr: 'text',
  serviceCidr: 'text',
  clusterCidr: 'text',
  loadBalancerCidr: 'text',
  portBase: 'number',
  profile: ['default', 'fast'],
  timings: 'timings',
  programs: 'commands',
  flags: 'flags',
};

/** Fields of a lab file, for messages. */
export const labFileFields: readonly string[] = Object.keys(fields);

/** Reads a lab file. Where there are problems, `config` holds what could be read. */
export function parseLabFile(text: string): LabFileResult {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const problems: LabFileProblem[] = [];
  const lineOf = (node: unknown) => counter.linePos((node as Node | undefined)?.range?.[0] ?? 0).line;
  for (const error of document.errors)
    problems.push({ line: counter.linePos(error.pos[0]).line, field: 'file', message: error.message.split('\n')[0] ?? '' });
  if (problems.length > 0) return { config: {}, problems };
  if (document.contents === null) return { config: {}, problems };
  if (!isMap(document.contents))
    return { config: {}, problems: [{ line: 1, field: 'file', message: 'expected fields such as `workers: 3`' }] };

  const config: Record<string, unknown> = {};
  const lines = new Map<string, number>();
  for (const pair of document.contents.items) {
    const field = String((pair.key as { value?: unknown }).value);
    const line = lineOf(pair.key);
    lines.set(field, line);
    const kind = (fields as Record<string, FieldKind | undefined>)[field];
    if (kind === undefined) problems.push({ line, field, message: `unknown field (one of: ${labFileFields.join(', ')})` });
    else {
      const read = readField(kind, pair.value as Node | null);
      for (const nested of read.lines ?? []) lines.set(`${field}.${nested.key}`, lineOf(nested.node));
      if (read.problem === undefined) config[field] = read.value;
      else
        problems.push({
          line: read.at === undefined ? line : lineOf(read.at),
          field: read.key === undefined ? field : `${field}.${read.key}`,
          message: read.problem,
        });
    }
  }
  if (problems.length === 0) {
    for (const problem of checkConfig(completeConfig(config as Partial<LabConfig>))) {
      const line = lines.get(problem.field) ?? lines.get(problem.field.split('.')[0] ?? '') ?? 1;
      problems.push({ line, field: problem.field, message: problem.message });
    }
  }
  return { config: config as Partial<LabConfig>, problems };
}

interface ReadResult {
  readonly value?: unknown;
  readonly problem?: string;
  readonly key?: string;
  readonly at?: unknown;
  readonly lines?: readonly { key: string; node: unknown }[];
}

function readField(kind: FieldKind, node: Node | null): ReadResult {
  if (kind === 'timings' || kind === 'commands' || kind === 'flags') return readMap(kind, node);
  const value = isScalar(node) ? node.value : undefined;
  if (kind === 'number') return typeof value === 'number' ? { value } : { problem: 'expected a whole number' };
  if (kind === 'text') return typeof value === 'string' ? { value } : { problem: 'expected text' };
  return typeof value === 'string' && kind.includes(value) ? { value } : { problem: `expected one of: ${kind.join(', ')}` };
}

function readMap(kind: 'timings' | 'commands' | 'flags', node: Node | null): ReadResult {
  if (!isMap(node)) return { problem: 'expected a map' };
  const value: Record<string, unknown> = {};
  const lines: { key: string; node: unknown }[] = [];
  for (const pair of node.items as Pair<Node, Node | null>[]) {
    const key = String((pair.key as { value?: unknown }).value);
    const at = pair.key;
    lines.push({ key, node: at });
    const unknown = unknownKey(kind, key);
    if (unknown !== undefined) return { problem: unknown, key, at };
    if (kind === 'timings') {
      if (!isScalar(pair.value) || !['string', 'number'].includes(typeof pair.value.value))
        return { problem: 'expected a duration or a whole number', key, at };
      value[key] = String(pair.value.value);
    } else {
      const words = wordsOf(pair.value);
      if (words === undefined || (kind === 'commands' && words.length === 0))
        return { problem: 'expected a command: text, or a list of words', key, at };
      value[key] = words;
    }
  }
  return { value, lines };
}

function unknownKey(kind: 'timings' | 'commands' | 'flags', key: string): string | undefined {
  if (kind === 'timings') {
    const known = timings.map((timing) => timing.flag);
    return known.includes(key) ? undefined : `unknown timing (one of: ${known.join(', ')})`;
  }
  const isProcess =
    /^(etcd|apiserver|scheduler|(?:cloud-)?controller-manager|dns|ingress|metrics)-\d+$|^(kubelet|kube-proxy|containerd|csi-local)-w\d+$/.test(
      key,
    );
  return isProcess || (programNames as readonly string[]).includes(key)
    ? undefined
    : `unknown program (one of: ${programNames.join(', ')}, or a process such as etcd-2)`;
}

function wordsOf(node: Node | null): string[] | undefined {
  if (isScalar(node) && typeof node.value === 'string') return splitWords(node.value);
  if (isSeq(node) && node.items.every((item) => isScalar(item)))
    return node.items.map((item) => String((item as { value: unknown }).value));
  return undefined;
}

/** Splits at white space; quotes hold words together. */
export function splitWords(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}
