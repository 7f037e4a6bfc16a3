// `npm run tidy`: the rules that neither the compiler nor the linter knows. Exit status 1 where one is broken.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checkBareFiles } from './bare-files.ts';
import { checkCleanStart } from './clean-start.ts';
import { checkDeterminism, parseAdapters } from './determinism.ts';
import { checkHabits } from './habits.ts';
import { checkImportDirection } from './import-direction.ts';
import { checkSize } from './size.ts';
import { readSourceFiles } from './source-files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const files = readSourceFiles(root, ['libs', 'apps', 'test']);
const adapters = parseAdapters(readFileSync(new URL('./adapters.txt', import.meta.url), 'utf8'));
const findings = [
  ...checkImportDirection(files),
  ...checkDeterminism(files, adapters),
  ...checkSize(files),
  ...checkHabits(files),
  ...checkCleanStart(files),
  ...checkBareFiles(files, parseAdapters(readFileSync(new URL('./bare-files.txt', import.meta.url), 'utf8'))),
];
for (const finding of findings) console.log(`${finding.path}:${finding.line}: ${finding.message}`);
console.log(`tidy: ${files.length} files, ${findings.length} findings`);
process.exitCode = findings.length > 0 ? 1 : 0;
