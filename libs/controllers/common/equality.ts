// Equality of API objects as apiequality.Semantic.DeepEqual has it: what the wire cannot tell apart is equal.

/** Maps whose empty value is the same as none; elsewhere an empty object says something (`emptyDir: {}`). */
const mapFields = new Set(['labels', 'annotations', 'nodeSelector', 'limits', 'requests', 'matchLabels', 'data', 'binaryData']);

function isNothing(value: unknown, field: string): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && mapFields.has(field) && Object.keys(value).length === 0;
}

/** Whether two JSON values are equal; absent, null and empty lists are the same, and so are empty maps of strings. */
export function semanticEqual(a: unknown, b: unknown, field = ''): boolean {
  if (a === b) return true;
  if (isNothing(a, field)) return isNothing(b, field);
  if (isNothing(b, field)) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => semanticEqual(item, b[index]));
  }
  if (typeof a !== 'object' || typeof b !== 'object' || Array.isArray(b)) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    if (!semanticEqual(left[key], right[key], key)) return false;
  }
  return true;
}

/** JSON with sorted keys and without what `semanticEqual` ignores: equal values give equal text. */
export function canonicalJson(value: unknown, field = ''): string {
  if (isNothing(value, field)) return 'null';
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const parts: string[] = [];
  const record = value as Record<string, unknown>;
  for (const key of Object.keys(record).sort()) {
    if (!isNothing(record[key], key)) parts.push(`${JSON.stringify(key)}:${canonicalJson(record[key], key)}`);
  }
  return `{${parts.join(',')}}`;
}
