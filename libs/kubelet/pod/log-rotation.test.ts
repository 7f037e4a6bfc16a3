import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, onTestFinished, test } from 'vitest';
import { type RotationPorts, rotate } from './log-rotation.ts';

function ports(reopenLog: () => Promise<void>, clock: VirtualClock): RotationPorts {
  return { engine: { reopenLog }, clock, log: undefined as never, bytesMax: 1, filesMax: 3, running: () => [] };
}

function scratch(): string {
  const folder = mkdtempSync(`${tmpdir()}/drydock-rotation-`);
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('keeps as many files as configured, the older ones compressed', async () => {
  const folder = scratch();
  const path = `${folder}/0.log`;
  const clock = new VirtualClock();
  for (let round = 1; round <= 4; round++) {
    writeFileSync(path, `round ${round}`);
    await rotate(
      ports(async () => writeFileSync(path, ''), clock),
      'id',
      path,
    );
    clock.advance(1000);
  }
  const names = readdirSync(folder).sort();
  expect(names).toHaveLength(3);
  expect(names[0]).toBe('0.log');
  expect(gunzipSync(readFileSync(`${folder}/${names[1]}`)).toString()).toBe('round 3');
  expect(readFileSync(`${folder}/${names[2]}`, 'utf8')).toBe('round 4');
});

test('a log that the engine does not reopen stays where it was', async () => {
  const folder = scratch();
  writeFileSync(`${folder}/0.log`, 'text');
  const failing = ports(() => Promise.reject(new Error('down')), new VirtualClock());
  await expect(rotate(failing, 'id', `${folder}/0.log`)).rejects.toThrow('down');
  expect(readdirSync(folder)).toEqual(['0.log']);
});
