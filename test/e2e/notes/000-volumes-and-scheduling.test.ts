// The note of questions and answers, as its reader types it.
import { beforeAll, describe } from 'vitest';
import { e2eSkipReason } from '../lab.ts';
import { loadNoteImages } from './images.ts';
import { testNote } from './sessions.ts';

describe.skipIf(e2eSkipReason !== undefined)(`note 000 (${e2eSkipReason ?? 'as root'})`, () => {
  beforeAll(loadNoteImages);
  testNote(new URL('./000-volumes-and-scheduling.session', import.meta.url));
});
