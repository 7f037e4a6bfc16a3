// Objects as rows: the Table of meta.k8s.io that kubectl get asks for.
import { readFileSync } from 'node:fs';
import { noTexts, readTexts } from './docs.ts';
import { accessPrinters } from './printers/access.ts';
import type { Cell, Printer } from './printers/cells.ts';
import { corePrinters } from './printers/core.ts';
import { podPrinters } from './printers/pod.ts';
import { policyPrinters } from './printers/policy.ts';
import { storagePrinters } from './printers/storage.ts';
import { workloadPrinters } from './printers/workloads.ts';
import { groupResourceOf, type KubeObject } from './resource.ts';
import type { ResourceInfo } from './scheme.ts';

export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  /** 0 is shown always, others with `-o wide`. */
  readonly priority: number;
}

export interface TableRow {
  readonly cells: readonly Cell[];
  readonly object?: unknown;
}

export interface Table {
  readonly kind: 'Table';
  readonly apiVersion: 'meta.k8s.io/v1';
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly columnDefinitions: readonly TableColumn[];
  readonly rows: readonly TableRow[];
}

/** What each row carries of its object (query parameter includeObject). */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export interface TableOptions {
  readonly nowMs: number;
  readonly includeObject: IncludeObject;
  /** Metadata of the list, or `{ resourceVersion }` of the single object. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Watch events after the first carry no column definitions. */
  readonly withoutColumns?: boolean;
}

const printers = new Map<string, Printer>([
  ...podPrinters,
  ...workloadPrinters,
  ...corePrinters,
  ...storagePrinters,
  ...accessPrinters,
  ...policyPrinters,
]);

type Column = readonly [name: string, type: string, format: string, priority: number, description: string];

let columns: Readonly<Record<string, readonly Column[]>> | undefined;

/** columns.json, with the texts of the fields that it refers to as `@Model.field`. */
function readColumns(): NonNullable<typeof columns> {
  const all = JSON.parse(readFileSync(new URL('./columns.json', import.meta.url), 'utf8')) as Record<string, Column[]>;
  const texts = JSON.parse(readTexts('columns.json') ?? '{}') as Readonly<Record<string, string>>;
  const told = (text: string) => (text.startsWith('@') ? (texts[text] ?? noTexts) : text);
  const resolve = ([name, type, format, priority, text]: Column): Column => [name, type, format, priority, told(text)];
  return Object.fromEntries(Object.entries(all).map(([resource, each]) => [resource, each.map(resolve)]));
}

/** The Table of these objects, all of type `info`. */
export function tableOf(info: ResourceInfo, objects: readonly KubeObject[], options: TableOptions): Table {
  const print = printerOf(info);
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.metadata,
    columnDefinitions: options.withoutColumns === true ? [] : columnsOf(info),
    rows: objects.map((object) => ({
      cells: print(object, options.nowMs),
      ...rowObject(object, options.includeObject),
    })),
  };
}

/** The columns of a resource; those of kinds without a printer of their own are Name and Created At. */
export function columnsOf(info: ResourceInfo): TableColumn[] {
  columns ??= readColumns();
  const defined = columns[`${groupResourceOf(info)}/${info.version}`] ?? columns['roles.rbac.authorization.k8s.io/v1'] ?? [];
  return defined.map(([name, type, format, priority, description]) => ({ name, type, format, description, priority }));
}

function printerOf({ group, version, kind }: ResourceInfo): Printer {
  return printers.get(`${group}/${version}/${kind}`) ?? printers.get(`${group}/${kind}`) ?? printDefault;
}

function printDefault(object: KubeObject): Cell[] {
  return [object.metadata?.name ?? '', object.metadata?.creationTimestamp ?? ''];
}

function rowObject(object: KubeObject, include: IncludeObject): { object?: unknown } {
  if (include === 'None') return {};
  if (include === 'Object') return { object };
  return { object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata ?? {} } };
}
