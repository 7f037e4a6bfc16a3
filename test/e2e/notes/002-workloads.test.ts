// The second note, as its reader types it.
import { beforeAll, describe } from 'vitest';
import { e2eSkipReason } from '../lab.ts';
import { loadNoteImages } from './images.ts';
import { testNote } from './sessions.ts';

describe.skipIf(e2eSkipReason !== undefined)(`note 002 (${e2eSkipReason ?? 'as root'})`, () => {
  beforeAll(loadNoteImages);
  testNote(new URL('./002-workloads.session', import.meta.url));
});
