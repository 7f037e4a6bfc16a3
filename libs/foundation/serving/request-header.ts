// The headers in which an authenticating proxy says for whom it asks (the --requestheader-* flags). Whether it may is not decided here.

/** Names of headers; upper or lower case is the same. */
export interface RequestHeaderNames {
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraPrefixes: readonly string[];
}

export interface ProxiedUser {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** Undefined where no header names a user. `headerNames` are in lower case; `valuesOf` gives each value of a header as it was sent. */
export function proxiedUser(
  names: RequestHeaderNames,
  headerNames: readonly string[],
  valuesOf: (name: string) => readonly string[],
): ProxiedUser | undefined {
  const first = (of: readonly string[]) => of.flatMap(valuesOf).find((value) => value !== '') ?? '';
  const name = first(names.usernameHeaders);
  if (name === '') return undefined;
  const extra: Record<string, string[]> = {};
  for (const prefix of names.extraPrefixes.map((each) => each.toLowerCase())) {
    for (const header of headerNames) {
      if (!header.startsWith(prefix)) continue;
      const key = headerKey(header.slice(prefix.length));
      extra[key] = [...(extra[key] ?? []), ...valuesOf(header)];
    }
  }
  return { name, uid: first(names.uidHeaders), groups: names.groupHeaders.flatMap(valuesOf), extra };
}

/** The rest of a header's name as a key, its escapes undone; as it stands where they are none. */
export function headerKey(text: string): string {
  try {
    return decodeURIComponent(text).toLowerCase();
  } catch {
    return text;
  }
}

/** Every value of a header, as sent: node joins those of a header that came more than once. `name` is in lower case. */
export function headerValues(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.flatMap((each, index) =>
    index % 2 === 0 && each.toLowerCase() === name ? [rawHeaders[index + 1] ?? ''] : [],
  );
}
