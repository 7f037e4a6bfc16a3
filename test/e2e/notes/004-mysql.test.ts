// The fourth note's database, on the image that the lab builds from Debian's packages.
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe } from 'vitest';
import { e2eSkipReason, lab } from '../lab.ts';
import { testNote } from './sessions.ts';

describe.skipIf(e2eSkipReason !== undefined)(`note 004, mysql (${e2eSkipReason ?? 'as root'})`, () => {
  const forget = () => rmSync('/tmp/drydock-note-mysql', { recursive: true, force: true });
  beforeAll(async () => {
    forget();
    await lab('image', 'build', 'mysql:5.6');
  });
  testNote(new URL('./004-mysql.session', import.meta.url));
  afterAll(forget);
});
