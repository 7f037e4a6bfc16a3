import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { StaticPodSpec } from '../programs/process-spec.ts';
import { containerLog, digestOf, hasManifest, manifestStep, putAside, putBack, withoutCri } from './manifest-files.ts';

let folder = '';
let pod: StaticPodSpec;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drydock-manifest-'));
  const made = folder;
  onTestFinished(() => rmSync(made, { recursive: true }));
  pod = {
    file: join(folder, 'etcd.yaml'),
    text: 'new',
    container: 'etcd',
    logs: join(folder, 'pods'),
    pod: 'kube-system_etcd-n_',
  };
});

test('a manifest is written where there is none or the lab’s own of before; what a user has changed stays', () => {
  expect(manifestStep(pod, undefined)).toBe('write');
  writeFileSync(pod.file, 'old');
  expect(manifestStep(pod, digestOf('old'))).toBe('write');
  expect(manifestStep(pod, digestOf('older'))).toBe('keep');
  expect(manifestStep(pod, undefined)).toBe('keep');
  writeFileSync(pod.file, 'new');
  expect(manifestStep(pod, digestOf('old'))).toBeUndefined();
});

test('what is put aside no kubelet sees, and it comes back as it was', () => {
  putAside(pod);
  putBack(pod);
  expect(hasManifest(pod)).toBe(false);
  writeFileSync(pod.file, 'changed');
  putAside(pod);
  expect([hasManifest(pod), existsSync(join(folder, '.etcd.yaml'))]).toEqual([false, true]);
  putBack(pod);
  expect([hasManifest(pod), manifestStep(pod, undefined)]).toEqual([true, 'keep']);
});

test('the log is that of the last container of the last pod, and its lines are told as they were written', () => {
  expect(containerLog(pod)).toBeUndefined();
  const log = (uid: string, attempt: number, seconds: number) => {
    const place = join(pod.logs, `kube-system_etcd-n_${uid}`, 'etcd');
    mkdirSync(place, { recursive: true });
    const file = join(place, `${attempt}.log`);
    writeFileSync(file, '');
    for (const path of [file, join(place, '..')]) utimesSync(path, seconds, seconds);
    return file;
  };
  log('b', 7, 10);
  log('a', 0, 20);
  const last = log('a', 1, 30);
  writeFileSync(join(pod.logs, 'kube-system_etcd-n_a', 'etcd', '1.log.gz'), '');
  expect(containerLog(pod)).toBe(last);
  expect(withoutCri('2026-11-30T09:24:48.486Z stdout F {"msg": "a b"}')).toBe('{"msg": "a b"}');
  expect(withoutCri('plain')).toBe('plain');
});
