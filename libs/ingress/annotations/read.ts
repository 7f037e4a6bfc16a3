// The annotations of one Ingress as typed values, with everything that is wrong with them.
import { Refusal } from './grammar.ts';
import { type AnnotationName, type Annotations, annotationTable, type Entry } from './table.ts';
import { unservedAnnotation } from './unserved.ts';

export interface ReadAnnotations {
  readonly values: Annotations;
  /** Whole sentences for an event. */
  readonly problems: readonly string[];
  /** Those of annotations that are served and say what cannot be understood: who wrote them is wrong. */
  readonly malformed: readonly string[];
  /** Why the paths of this Ingress answer 503, whatever their backend; undefined where they are open. */
  readonly closed: string | undefined;
}

const names = Object.keys(annotationTable) as AnnotationName[];
const served = new Set<string>(names.flatMap((name) => [name, ...annotationTable[name].aliases]));

/** Reads what begins with `prefix/`. An empty value is no value. */
export function readAnnotations(annotations: Readonly<Record<string, string>>, prefix: string): ReadAnnotations {
  const own = new Map(
    Object.entries(annotations).flatMap(([key, value]) =>
      key.startsWith(`${prefix}/`) ? [[key.slice(prefix.length + 1), value] as const] : [],
    ),
  );
  const problems: string[] = [];
  const malformed: string[] = [];
  let closed: string | undefined;
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const entry: Entry<unknown> = annotationTable[name];
    values[name] = entry.absent;
    const given = [name, ...entry.aliases].find((candidate) => (own.get(candidate) ?? '') !== '');
    if (given === undefined) continue;
    const value = entry.kind.parse(own.get(given) ?? '');
    if (!(value instanceof Refusal)) {
      values[name] = value;
      continue;
    }
    const text = `annotation ${prefix}/${given} contains invalid value: expected ${value.expected}`;
    malformed.push(text);
    problems.push(entry.protects ? `${text}; its paths answer 503` : `${text}; it is left out`);
    if (entry.protects) closed ??= text;
  }
  for (const name of [...own.keys()].sort()) {
    if (served.has(name)) continue;
    const unserved = unservedAnnotation(name);
    const because = unserved?.because ?? 'there is no such annotation';
    problems.push(`annotation ${prefix}/${name}: ${because}${unserved?.closes ? '; its paths answer 503' : ''}`);
    if (unserved?.closes) closed ??= `annotation ${prefix}/${name}: ${because}`;
  }
  return { values: values as unknown as Annotations, problems, malformed, closed };
}
