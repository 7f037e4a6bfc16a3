// The first note, as its reader types it.
import { beforeAll, describe } from 'vitest';
import { e2eSkipReason } from '../lab.ts';
import { loadNoteImages } from './images.ts';
import { testNote } from './sessions.ts';

describe.skipIf(e2eSkipReason !== undefined)(`note 001 (${e2eSkipReason ?? 'as root'})`, () => {
  beforeAll(loadNoteImages);
  testNote(new URL('./001-controllers-and-services.session', import.meta.url));
});
