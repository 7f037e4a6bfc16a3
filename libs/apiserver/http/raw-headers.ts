// Headers as node has them of a connection: names and values in turn, in their order and their spelling.

/** Those whose names, in lower case, are not among `names`. */
export function withoutHeaders(headers: readonly string[], names: { has(name: string): boolean }): string[] {
  return headers.filter((_, index) => !names.has(headers[index - (index % 2)]?.toLowerCase() ?? ''));
}
