// The fourth note, as its reader types it.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe } from 'vitest';
import { e2eSkipReason } from '../lab.ts';
import { loadNoteImages } from './images.ts';
import { testNote } from './sessions.ts';

describe.skipIf(e2eSkipReason !== undefined)(`note 004 (${e2eSkipReason ?? 'as root'})`, () => {
  beforeAll(loadNoteImages);
  // What the volume of the session kept on this machine.
  afterAll(() => rmSync('/tmp/drydock-note-004', { recursive: true, force: true }));
  testNote(new URL('./004-services-and-storage.session', import.meta.url));
});
