// What a server behind this one says that it serves: its list of resources, read as Go reads it, whoever wrote it. Pure.
import type { APIResource } from '@drydock/api/generated/types.ts';
import { remoteRowsMax } from '../limits.ts';

/** The rows of a server's version, as its discovery has them. */
export type Rows = readonly APIResource[];

/**
 * At most `remoteRowsMax` of them; none where it is no list of resources: whoever answers counts as there. All clients get these rows
 * in one document with everybody else's, so that nothing in them may be of another type than it is said to be.
 */
export function rowsIn(body: Buffer): Rows {
  const { resources } = recordOf(parsed(body));
  if (!Array.isArray(resources)) return [];
  return resources.slice(0, remoteRowsMax).flatMap((row: unknown) => rowOf(recordOf(row)) ?? []);
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function rowOf(row: Readonly<Record<string, unknown>>): APIResource | undefined {
  const name = textOf(row['name']);
  if (name === '') return undefined;
  const lists = { shortNames: textsOf(row['shortNames']), categories: textsOf(row['categories']) };
  const texts = { group: textOf(row['group']), version: textOf(row['version']) };
  return {
    name,
    singularName: textOf(row['singularName']),
    namespaced: row['namespaced'] === true,
    kind: textOf(row['kind']),
    verbs: textsOf(row['verbs']),
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
    ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== '')),
  };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
