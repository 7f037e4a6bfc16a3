// What is noted of volumes, while other pods come and go.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type FileCalls, nodeCalls } from '@drydock/foundation/beneath/calls.ts';
import { expect, onTestFinished, test } from 'vitest';
import { PodFolders } from '../pod-folders.ts';
import { CsiPlaces } from './places.ts';
import { persistentCsi } from './volume.ts';

const volumeOf = (name: string) => {
  const volume = persistentCsi({ metadata: { name }, spec: { csi: { driver: 'd.test', volumeHandle: name } } }, false);
  if (volume === undefined) throw new Error('it is no volume of a driver');
  return volume;
};

test('a pod that goes while the notes of all are read takes nobody else along', async () => {
  let opened = 0;
  for (let call = 0, calls = 1; call < calls; call++) {
    const rootDir = mkdtempSync(`${tmpdir()}/csi-places-`);
    onTestFinished(() => rmSync(rootDir, { recursive: true, force: true }));
    const before = new CsiPlaces(rootDir, new PodFolders(rootDir));
    for (const uid of ['a', 'gone', 'z']) await before.note(uid, volumeOf(`of-${uid}`), 'n');
    opened = 0;
    const open = (async (...args: Parameters<typeof nodeCalls.open>) => {
      if (opened++ === call) await before.forget({ uid: 'gone', name: 'of-gone' });
      return nodeCalls.open(...args);
    }) as FileCalls['open'];
    const found = await new CsiPlaces(rootDir, new PodFolders(rootDir, { ...nodeCalls, open })).all();
    const others = found.map(({ uid }) => uid).filter((uid) => uid !== 'gone');
    expect(others.sort()).toEqual(['a', 'z']);
    calls = opened;
  }
  expect(opened).toBeGreaterThan(10);
});
