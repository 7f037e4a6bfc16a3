// The third note, as its reader types it.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe } from 'vitest';
import { e2eSkipReason } from '../lab.ts';
import { loadNoteImages } from './images.ts';
import { testNote } from './sessions.ts';

describe.skipIf(e2eSkipReason !== undefined)(`note 003 (${e2eSkipReason ?? 'as root'})`, () => {
  beforeAll(loadNoteImages);
  testNote(new URL('./003-volumes.session', import.meta.url));
  // The folders that its pods name on their node.
  afterAll(() => {
    for (const folder of ['/tmp/note-003', '/tmp/note-003-pv']) rmSync(folder, { recursive: true, force: true });
  });
});
