// The table of the notes' topics: every check that it names is there.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { placesOf } from './places.ts';

const repository = new URL('../../', import.meta.url);
const table = readFileSync(new URL('test/e2e/notes/README.md', repository), 'utf8');
const rows = table
  .split('\n')
  .filter((line) => /^\| \d/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()));

/** Why the check is none, or undefined. */
function missing(check: string): string | undefined {
  const [file = '', place] = check.split(' › ');
  const at = (name: string) => new URL(name, repository);
  const session = at(`${file}.session`);
  if (existsSync(session)) {
    if (!existsSync(at(`${file}.test.ts`))) return `nothing plays ${file}.session`;
    const names = placesOf(readFileSync(session, 'utf8')).map(({ name }) => name);
    return place === undefined || names.includes(place) ? undefined : `${file} has no place "${place}"`;
  }
  if (!existsSync(at(file))) return `${fileURLToPath(at(file))} is not there`;
  if (place === undefined) return undefined;
  return readFileSync(at(file), 'utf8').includes(place) ? undefined : `${file} has no test "${place}"`;
}

test('there are 44 topics, in order', () => {
  expect(rows.map(([, number]) => Number(number))).toEqual(Array.from({ length: 44 }, (_, i) => i + 1));
});

test('each has its check, unless it does not hold', () => {
  const wrong = rows.flatMap(([, number, , , holds = '', check = '']) => {
    if (check === '') return holds.startsWith('**no**') ? [] : [`${number}: no check`];
    return missing(check) ?? [];
  });
  expect(wrong).toEqual([]);
});

test('a check that is not there is found', () => {
  expect(missing('test/e2e/notes/003-volumes › no such place')).toContain('has no place');
  expect(missing('test/e2e/no-such.test.ts')).toContain('is not there');
  expect(missing('test/e2e/02-network.test.ts › no such test')).toContain('has no test');
});
