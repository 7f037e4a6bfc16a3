// Headers as node has them of a connection: names and values in turn, in their order and their spelling.

/** Those that are not named in `names`, which are in lower case. */
export function withoutHeaders(headers: readonly string[], names: ReadonlySet<string>): string[] {
  return headers.filter((_, index) => !names.has(headers[index - (index % 2)]?.toLowerCase() ?? ''));
}
