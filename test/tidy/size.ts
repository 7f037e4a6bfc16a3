// Files stay small enough to be read in one go, and programs stay wiring.
import type { Finding } from './finding.ts';
import type { SourceFile } from './source-files.ts';

const fileLinesMax = 400;
const mainLinesMax = 150;

export function checkSize(files: readonly SourceFile[]): Finding[] {
  return files.flatMap((file) => {
    const lines = file.text.split('\n').length - 1;
    const limit = /^apps\/(?!drydock\/)[^/]+\/main\.ts$/.test(file.path) ? mainLinesMax : fileLinesMax;
    if (lines <= limit || file.path.endsWith('.test.ts')) return [];
    return [{ path: file.path, line: limit, message: `${lines} lines, more than ${limit}: split it by subject` }];
  });
}
