// What we start gets a clean environment: nobody goes around libs/foundation/child-process.ts.
import type { Finding } from './finding.ts';
import { codeOf, type SourceFile } from './source-files.ts';

const adapter = 'libs/foundation/child-process.ts';
/** The user's own tools keep the user's own environment. */
const passesOn = new Set(['apps/drydock/tool-verbs.ts']);
const bareImport = /(?:\bfrom|\bimport\s*\(|\brequire\s*\()\s*'(?:(?:node:)?child_process|execa)'/;
const typesOnly = /^\s*(?:import|export) type\b/;
const inherited = /\.\.\.process\.env\b/;

export function checkCleanStart(files: readonly SourceFile[]): Finding[] {
  return files
    .filter(({ path }) => path !== adapter && !path.startsWith('test/tidy/'))
    .flatMap(({ path, text }) => {
      const code = codeOf(text).split('\n');
      return text.split('\n').flatMap((line, i): Finding[] => {
        const at = { path, line: i + 1 };
        if (bareImport.test(line) && !typesOnly.test(line) && !passesOn.has(path))
          return [{ ...at, message: `${line.trim().slice(0, 60)}: import it from @drydock/foundation/child-process.ts` }];
        if (inherited.test(code[i] ?? '') && !passesOn.has(path))
          return [{ ...at, message: '...process.env: start from cleanEnvironment(), which child-process.ts adds by itself' }];
        return [];
      });
    });
}
