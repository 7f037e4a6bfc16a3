// The checks are trusted because each of them finds what it is for.
import { expect, test } from 'vitest';
import { checkBareFiles } from './bare-files.ts';
import { checkCleanStart } from './clean-start.ts';
import { checkDeterminism, parseAdapters } from './determinism.ts';
import { checkHabits } from './habits.ts';
import { checkImportDirection } from './import-direction.ts';
import { checkSize } from './size.ts';

const file = (path: string, text: string) => ({ path, text });

test.each([
  ['libs/foundation/a.ts', "import { x } from '@drydock/api/x.ts';", 'libs/foundation must not import libs/api'],
  ['libs/kubelet/a.ts', "import { x } from '@drydock/proxy/x.ts';", 'libs/kubelet must not import libs/proxy'],
  ['libs/api/a.ts', "import type { X } from '../client/x.ts';", 'libs/api must not import libs/client'],
  ['libs/api/a.ts', "import {\n  x,\n} from '@drydock/etcd/x.ts';", 'libs/api must not import libs/etcd'],
  ['libs/api/a.ts', "const x = await import('@drydock/lab/x.ts');", 'libs/api must not import libs/lab'],
  ['libs/newcomer/a.ts', '', 'libs/newcomer has no layer'],
])('import direction: %s', (path, text, message) => {
  expect(
    checkImportDirection([file(path, text)])
      .map((finding) => finding.message)
      .join(),
  ).toContain(message);
});

test('imports that point down are fine', () => {
  const text = "import { x } from '@drydock/foundation/clock.ts';\nimport { y } from './y.ts';\nimport pino from 'pino';";
  expect(checkImportDirection([file('libs/kubelet/a.ts', text)])).toEqual([]);
});

test.each([
  'const t = Date.now();',
  'const d = new Date();',
  'setTimeout(() => {}, 5);',
  'const r = Math.random();',
  'const id = crypto.randomUUID();',
  'process.exit(1);',
  "console.log('x');",
  'a.localeCompare(b);',
])('determinism: %s', (text) => {
  expect(checkDeterminism([file('libs/api/a.ts', text)], new Map())).toHaveLength(1);
});

test('determinism: comments, strings, other objects and adapters are left alone', () => {
  const text = "// Date.now() is banned\nconst s = 'Math.random';\nclock.setTimeout(1);\nnew Date(5);\n";
  expect(checkDeterminism([file('libs/api/a.ts', text)], new Map())).toEqual([]);
  const adapters = parseAdapters('libs/api/a.ts # the clock\n');
  expect(checkDeterminism([file('libs/api/a.ts', 'Date.now();')], adapters)).toEqual([]);
});

test('determinism: an adapter needs to exist and to have a reason', () => {
  expect(checkDeterminism([], parseAdapters('libs/gone.ts\n'))).toHaveLength(2);
});

test('size: long files are named', () => {
  expect(checkSize([file('libs/api/a.ts', '\n'.repeat(401)), file('apps/etcd/main.ts', '\n'.repeat(151))])).toHaveLength(2);
  expect(checkSize([file('libs/api/a.ts', '\n'.repeat(400))])).toEqual([]);
});

test.each(['test.only(', 'describe.skip(', '// TODO later', '// @ts-ignore'])('habits: %s', (text) => {
  expect(checkHabits([file('libs/api/a.ts', text)])).toHaveLength(1);
});

test('habits: a comment whose subject has gone', () => {
  const text = '/** The first. */\n/** The second. */\nconst second = 2;\n';
  expect(checkHabits([file('libs/api/a.ts', text)])).toMatchObject([{ line: 1 }]);
  expect(checkHabits([file('libs/api/a.ts', text.replace('\n', '\nconst first = 1;\n'))])).toEqual([]);
});

test.each([
  "import { spawn } from 'node:child_process';",
  "import { execa } from 'execa';",
  "const { spawn } = await import('node:child_process');",
  'start(file, { env: { ...process.env, A: 1 } });',
])('clean start: %s', (text) => {
  expect(checkCleanStart([file('test/e2e/a.ts', text)])).toHaveLength(1);
  expect(checkCleanStart([file('libs/foundation/child-process.ts', text)])).toEqual([]);
});

test('clean start: types, the wrapped functions and comments are fine', () => {
  const text =
    "import type { ChildProcess } from 'node:child_process';\nimport { spawn } from '@drydock/foundation/child-process.ts';\n// ...process.env\n";
  expect(checkCleanStart([file('libs/etcd/a.ts', text)])).toEqual([]);
});

test.each([
  ["import { rm } from 'node:fs/promises';", 'rm'],
  ["import {\n  readFileSync,\n  rmSync as remove,\n} from 'node:fs';", 'rmSync'],
  ["import { type Stats, chmodSync } from 'fs';", 'chmodSync'],
  ["import * as fs from 'node:fs';", 'fs as a whole'],
  ["import fs from 'fs/promises';", 'fs/promises as a whole'],
  ["import { execFile } from 'node:child_process';", 'execFile'],
  ["import { spawn } from '@drydock/foundation/child-process.ts';", 'spawn'],
  ["const { rm } = await import('node:fs/promises');", 'import('],
  ["const fs = process.getBuiltinModule('fs');", 'getBuiltinModule'],
])('bare files: %s', (text, name) => {
  const [finding, ...more] = checkBareFiles([file('libs/kubelet/pod/a.ts', text)], new Map());
  expect(finding?.message).toContain(name);
  expect(more).toEqual([]);
});

test('bare files: looking, types, comments, tests, other libs and listed files are left alone', () => {
  const rm = "import { rm } from 'node:fs/promises';";
  const fine =
    "import { readFileSync } from 'node:fs';\nimport type { Stats } from 'node:fs';\n// import { rm } from 'node:fs';\n";
  const others = ['libs/lab/a.ts', 'libs/kubelet/a.test.ts', 'libs/kubelet/testing/a.ts', 'libs/kubelet/listed.ts'];
  const files = [file('libs/kubelet/a.ts', fine), ...others.map((path) => file(path, rm))];
  expect(checkBareFiles(files, new Map([['libs/kubelet/listed.ts', 'because']]))).toEqual([]);
  expect(checkBareFiles(files, new Map([['libs/kubelet/gone.ts', '']]))).toHaveLength(3);
});
