// Things that must not be committed: disabled tests, unfinished marks, other people's paths.
import type { Finding } from './finding.ts';
import type { SourceFile } from './source-files.ts';

const rules: readonly { pattern: RegExp; message: string }[] = [
  { pattern: /\b(?:it|test|describe)\.(?:only|todo)\(/, message: 'a test that does not run, or lets others not run' },
  { pattern: /\b(?:it|test|describe)\.skip\(/, message: 'use test.skipIf(condition) with the reason in the name' },
  { pattern: /\b(?:TODO|FIXME|XXX)\b/, message: 'finish it, or write down in an issue what is missing' },
  { pattern: /@ts-(?:ignore|nocheck|expect-error)/, message: 'say it in types' },
];

/** The end of one and the start of the next, with nothing between them that the first could be about. */
const strayComment = /\*\/\n\s*\/\*\*/g;

export function checkHabits(files: readonly SourceFile[]): Finding[] {
  return files
    .filter((file) => !file.path.startsWith('test/tidy/'))
    .flatMap((file) => [...habitsOf(file), ...strayCommentsOf(file)]);
}

function strayCommentsOf({ path, text }: SourceFile): Finding[] {
  return [...text.matchAll(strayComment)].map(({ index }) => ({
    path,
    line: text.slice(0, index).split('\n').length,
    message: 'a comment of something that is not here any more',
  }));
}

function habitsOf(file: SourceFile): Finding[] {
  return file.text
    .split('\n')
    .flatMap((line, index) =>
      rules
        .filter((rule) => rule.pattern.test(line))
        .map((rule) => ({ path: file.path, line: index + 1, message: `${line.trim().slice(0, 60)}: ${rule.message}` })),
    );
}
