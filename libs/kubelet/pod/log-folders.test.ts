import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { podWith, uid } from '../volumes/testing/pods.ts';
import { makeLogFolder, removeContainerLog, removeLogFolder, removeLogs } from './log-folders.ts';

function scratch(): string {
  const folder = mkdtempSync(`${tmpdir()}/drydock-logs-`);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('with a container goes its log and what was rotated away, and nothing of its neighbours', async () => {
  const folder = scratch();
  const names = [
    '0.log',
    '0.log.20260131-120000',
    '0.log.20260131-110000.gz',
    '0.log.20260131-100000.gz.tmp',
    '10.log',
    '1.log',
  ];
  for (const name of names) writeFileSync(`${folder}/${name}`, '');
  await removeContainerLog(`${folder}/0.log`);
  expect(readdirSync(folder).sort()).toEqual(['1.log', '10.log']);
});

test.each(['by its pod', 'by its uid'])('the folder of a pod goes %s; a link in it is not followed', async (how) => {
  const root = scratch();
  const logs = `${root}/logs`;
  const pod = podWith({});
  await makeLogFolder(pod, logs, 'c');
  await makeLogFolder(pod, logs, 'c');
  mkdirSync(`${logs}/d_other_uid-2`);
  writeFileSync(`${root}/keep`, 'keep');
  symlinkSync(root, `${logs}/d_p_${uid}/link`);
  symlinkSync(`${root}/keep`, `${logs}/d_p_${uid}/c/0.log`);
  await (how === 'by its pod' ? removeLogFolder(pod, logs) : removeLogs(logs, uid));
  await (how === 'by its pod' ? removeLogFolder(pod, logs) : removeLogs(logs, uid));
  expect(readdirSync(logs)).toEqual(['d_other_uid-2']);
  expect(readFileSync(`${root}/keep`, 'utf8')).toBe('keep');
});

test('a folder in place of logs that is a link is not written into', async () => {
  const root = scratch();
  mkdirSync(`${root}/logs`);
  mkdirSync(`${root}/outside`);
  symlinkSync(`${root}/outside`, `${root}/logs/d_p_${uid}`);
  await expect(makeLogFolder(podWith({}), `${root}/logs`, 'c')).rejects.toThrow('is not a directory, or a link');
  expect(readdirSync(`${root}/outside`)).toEqual([]);
});
