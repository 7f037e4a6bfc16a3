// What a server keeps of an object that it was given, as one line to compare.

/** Everything but what names the object and the server's own words of it. `shown`: which of metadata. */
export function kept(body: Readonly<Record<string, unknown>>, shown: readonly string[] = ['finalizers']): string {
  const { apiVersion: _v, kind: _k, metadata, ...rest } = body;
  const given = (metadata ?? {}) as Readonly<Record<string, unknown>>;
  const own = Object.fromEntries(shown.map((key) => [key, given[key]]));
  const text = JSON.stringify(sorted({ ...rest, ...own })).replace(/x{100,}/g, (all) => `x(${all.length})`);
  return text.replace(/"lastPhaseTransitionTime":"20[^"]*"/g, '"lastPhaseTransitionTime":"TIME"');
}

/** With fields in the order of their names, and without what Go writes as null for want of a value. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each !== undefined && each !== null && !(Array.isArray(each) && each.length === 0))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}
