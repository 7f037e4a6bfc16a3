// Rows that the original apiserver printed, with the objects they came from and the time of printing; see testdata.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { KubeObject } from './resource.ts';
import { findResource, resources } from './scheme.ts';
import { columnsOf, tableOf } from './table.ts';

interface Case {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly nowMs: number;
  readonly cells: readonly unknown[];
  readonly object: KubeObject;
}

const cases = JSON.parse(readFileSync(new URL('./testdata/tables.json', import.meta.url), 'utf8')) as Case[];

test.each(cases.map((c) => [`${c.resource}.${c.group}/${c.version} ${c.object.metadata?.name}`, c] as const))(
  '%s',
  (_name, c) => {
    const info = findResource(c.group, c.version, c.resource);
    if (info === undefined) throw new Error(c.resource);
    const table = tableOf(info, [c.object], { nowMs: c.nowMs, includeObject: 'None', metadata: {} });
    expect(table.rows[0]?.cells).toEqual(c.cells);
    const unnamed = c.resource === 'ipaddresses' ? 1 : 0;
    expect(table.columnDefinitions).toHaveLength(c.cells.length - unnamed);
  },
);

test('every resource that can be listed has columns, the name first or the only one of format name', () => {
  for (const info of resources.filter((r) => r.verbs.includes('list'))) {
    expect(columnsOf(info).filter((column) => column.format === 'name' && column.name === 'Name')).toHaveLength(1);
  }
});
