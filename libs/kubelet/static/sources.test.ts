// Sources of manifests: real files, a real server.
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import type { Pod } from '@drydock/api/generated/types.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { expect, onTestFinished, test } from 'vitest';
import { FileSource } from './file-source.ts';
import { UrlSource } from './url-source.ts';

const manifest = (name: string, image = 'i') =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers: [{ name: 'c', image }] } });

function listener() {
  const found: string[][] = [];
  let images: unknown[] = [];
  const said: string[] = [];
  const log = { ...silentLog, warn: (_: object, text: string) => void said.push(text) };
  return {
    found,
    said,
    log,
    hear: (pods: readonly Pod[]) => {
      found.push(pods.map(({ metadata }) => metadata?.name ?? ''));
      images = pods.map(({ spec }) => spec?.containers[0]?.image);
    },
    images: () => images,
    last: () => found.at(-1),
  };
}

function folder(): string {
  const made = mkdtempSync(`${tmpdir()}/drydock-manifests-`);
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function fileSource(path: string, periodMs = 60_000) {
  const heard = listener();
  const source = new FileSource({ path, periodMs, nodeName: 'n', clock: new SystemClock(), log: heard.log });
  onTestFinished(() => source.stop());
  source.start(heard.hear);
  return heard;
}

test('a folder: what comes, changes and goes is seen at once, what is no manifest is said and passed over', async () => {
  const path = folder();
  writeFileSync(`${path}/b.json`, manifest('b'));
  writeFileSync(`${path}/a.yaml`, manifest('a'));
  writeFileSync(`${path}/.hidden`, manifest('hidden'));
  writeFileSync(`${path}/bad`, 'kind: Nothing');
  mkdirSync(`${path}/below`);
  const heard = fileSource(path);
  await expect.poll(heard.last).toEqual(['a-n', 'b-n']);
  expect(heard.said).toEqual([
    expect.stringContaining(`Could not process manifest file ${path}/bad: couldn't parse as pod(`),
    `Not recursing into config path ${path}/below`,
  ]);
  writeFileSync(`${path}/.new`, manifest('c'));
  renameSync(`${path}/.new`, `${path}/c.json`);
  await expect.poll(heard.last).toEqual(['a-n', 'b-n', 'c-n']);
  rmSync(`${path}/a.yaml`);
  await expect.poll(heard.last).toEqual(['b-n', 'c-n']);
  // Said once, not at each look.
  expect(heard.said).toHaveLength(2);
});

test('a file that is being written keeps its pod until the next look; then what is no manifest has none', async () => {
  const path = folder();
  writeFileSync(`${path}/a`, manifest('a'));
  const heard = fileSource(path, 1_000);
  await expect.poll(heard.last).toEqual(['a-n']);
  writeFileSync(`${path}/a`, '{');
  writeFileSync(`${path}/b`, manifest('b'));
  await expect.poll(heard.last).toEqual(['a-n', 'b-n']);
  await expect.poll(heard.last).toEqual(['b-n']);
});

test('of two files with a pod of one name the last counts; where it goes, the other does', async () => {
  const path = folder();
  writeFileSync(`${path}/1`, manifest('a', 'first'));
  writeFileSync(`${path}/2`, manifest('a', 'second'));
  const heard = fileSource(path);
  await expect.poll(heard.images).toEqual(['second']);
  expect(heard.said).toEqual([`Pod default/a-n of ${path}/1 is that of ${path}/2, too: the latter is run`]);
  rmSync(`${path}/2`);
  await expect.poll(heard.images).toEqual(['first']);
});

test('a folder that is not there has no pods, and is looked for again', async () => {
  const path = `${folder()}/later`;
  const heard = fileSource(path, 50);
  await expect.poll(heard.last).toEqual([]);
  expect(heard.said).toEqual([`Unable to read config path "${path}": path does not exist, ignoring`]);
  mkdirSync(path);
  writeFileSync(`${path}/a`, manifest('a'));
  await expect.poll(heard.last).toEqual(['a-n']);
});

test('a single file', async () => {
  const path = `${folder()}/pod.json`;
  writeFileSync(path, manifest('a'));
  const heard = fileSource(path, 50);
  await expect.poll(heard.last).toEqual(['a-n']);
  // What cannot be read takes nothing away.
  writeFileSync(path, '{');
  await expect.poll(() => heard.said.length).toBe(1);
  expect(heard.last()).toEqual(['a-n']);
});

test('a URL: asked with its headers, a failure takes nothing away, an empty answer does', async () => {
  let answer = { code: 200, body: manifest('a') };
  const asked: (string | undefined)[] = [];
  const server = createServer((req, res) => {
    asked.push(req.headers['x-token'] as string | undefined);
    res.writeHead(answer.code).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/pods`;
  const heard = listener();
  const options = { url, headers: { 'x-token': ['t'] }, periodMs: 20, nodeName: 'n', clock: new SystemClock(), log: heard.log };
  const source = new UrlSource(options);
  onTestFinished(() => source.stop());
  source.start(heard.hear);
  await expect.poll(heard.last).toEqual(['a-n']);
  expect(asked[0]).toBe('t');
  answer = { code: 500, body: '' };
  await expect.poll(() => heard.said).toHaveLength(3);
  // The same failure is told three times.
  const times = asked.length;
  await expect.poll(() => asked.length).toBeGreaterThan(times + 3);
  expect([heard.said.length, heard.found]).toEqual([3, [['a-n']]]);
  answer = { code: 200, body: '' };
  await expect.poll(heard.last).toEqual([]);
  answer = { code: 200, body: manifest('b') };
  await expect.poll(heard.last).toEqual(['b-n']);
});
