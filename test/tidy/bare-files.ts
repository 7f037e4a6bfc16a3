// In the kubelet, which is root and works where containers write, files are reached beneath open directories only.
import type { Finding } from './finding.ts';
import { codeOf, type SourceFile } from './source-files.ts';

const guarded = 'libs/kubelet/';
const list = 'test/tidy/bare-files.txt';
/** What only looks, at paths that nobody but the node's owner names. */
const harmless = new Set(['readFileSync', 'statfsSync', 'watch', 'constants', 'FileHandle']);
const importLine =
  /^import\s+(type\s+)?([^;]*?)\s+from\s+'(?:node:)?(fs|fs\/promises|child_process|@drydock\/foundation\/child-process\.ts)';/gm;
const otherWays = /\b(?:require|import)\s*\(\s*'(?:node:)?(?:fs|fs\/promises|child_process)'\s*\)|\bgetBuiltinModule\b/g;

/** `allowed`: files that may, each with its reason (`bare-files.txt`). */
export function checkBareFiles(files: readonly SourceFile[], allowed: ReadonlyMap<string, string>): Finding[] {
  const findings: Finding[] = [];
  const known = new Set(files.map(({ path }) => path));
  for (const [path, reason] of allowed) {
    if (!known.has(path)) findings.push({ path: list, line: 1, message: `${path} does not exist` });
    if (reason === '') findings.push({ path: list, line: 1, message: `${path} needs a reason after #` });
  }
  for (const { path, text } of files) {
    if (!path.startsWith(guarded) || /\.test\.ts$|\/testing\//.test(path) || allowed.has(path)) continue;
    for (const [index, name] of bareNames(text))
      findings.push({
        path,
        line: text.slice(0, index).split('\n').length,
        message: `${name}: go through @drydock/foundation/beneath, or say in ${list} why not`,
      });
  }
  return findings;
}

/** Where in the text, and what: each name that is imported, or the whole module where it is taken as one. */
function* bareNames(text: string): Generator<[number, string]> {
  const code = codeOf(text);
  for (const match of text.matchAll(importLine)) {
    const [, type, clause = '', module = ''] = match;
    if (type !== undefined || code.slice(match.index, match.index + 6) !== 'import') continue;
    const named = /^\{([^}]*)\}$/.exec(clause)?.[1];
    if (named === undefined) yield [match.index, `${module} as a whole`];
    for (const each of named?.split(',') ?? []) {
      const name = each.trim().split(/\s+as\s+/)[0] ?? '';
      if (name !== '' && !name.startsWith('type ') && (module.includes('child') || !harmless.has(name)))
        yield [match.index, name];
    }
  }
  for (const match of text.matchAll(otherWays)) yield [match.index, match[0]];
}
