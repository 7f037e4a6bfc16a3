// What is on the node against each of the seven types, with the sentences of the original.
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeHostPath } from './host-path.ts';

const folder = mkdtempSync(join(tmpdir(), 'host-path-'));
const server = createServer();
const at = {
  directory: join(folder, 'directory'),
  file: join(folder, 'file'),
  socket: join(folder, 'socket'),
  character: '/dev/null',
  nothing: join(folder, 'nothing'),
};

beforeAll(async () => {
  mkdirSync(at.directory);
  writeFileSync(at.file, 'kept');
  server.listen(at.socket);
  await once(server, 'listening');
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const accepts: Readonly<Record<string, readonly (keyof typeof at)[]>> = {
  '': ['directory', 'file', 'socket', 'character', 'nothing'],
  Directory: ['directory'],
  DirectoryOrCreate: ['directory'],
  File: ['file'],
  FileOrCreate: ['file'],
  Socket: ['socket'],
  CharDevice: ['character'],
  BlockDevice: [],
};
const called: Readonly<Record<string, string>> = {
  Directory: 'directory',
  DirectoryOrCreate: 'directory',
  File: 'file',
  FileOrCreate: 'file',
  Socket: 'socket file',
  CharDevice: 'character device',
  BlockDevice: 'block device',
};

test.each(Object.keys(accepts))('%s', async (type) => {
  for (const [kind, path] of Object.entries(at)) {
    if (kind === 'nothing' && type.endsWith('OrCreate')) continue;
    const outcome = await makeHostPath(path, type).catch((error: Error) => error.message);
    const refusal = `hostPath type check failed: ${path} is not a ${called[type]}`;
    expect({ kind, outcome }).toEqual({ kind, outcome: accepts[type]?.includes(kind as keyof typeof at) ? path : refusal });
  }
  expect([readFileSync(at.file, 'utf8'), existsSync(at.nothing)]).toEqual(['kept', false]);
});

test('what is missing is made: a directory with all above it, a file only in one that is there', async () => {
  const deep = join(folder, 'a/b/c');
  await makeHostPath(deep, 'DirectoryOrCreate');
  expect(statSync(deep).isDirectory()).toBe(true);
  await makeHostPath(join(deep, 'file'), 'FileOrCreate');
  expect(readFileSync(join(deep, 'file'), 'utf8')).toBe('');
  await expect(makeHostPath(join(folder, 'x/y'), 'FileOrCreate')).rejects.toThrow('ENOENT');
});

test('another type is refused', async () => {
  await expect(makeHostPath(at.file, 'Volume')).rejects.toThrow('Volume is an invalid volume type');
});
