// Every file of testdata is a story: what is typed, and what Raft does. UPDATE=1 rewrites the outputs.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { expect, test } from 'vitest';
import { runTranscript } from './testing/transcript.ts';

const folder = new URL('./testdata/', import.meta.url);

test.each(readdirSync(folder).sort())('%s', (file) => {
  const path = new URL(file, folder);
  const before = readFileSync(path, 'utf8');
  const after = runTranscript(before);
  if (process.env.UPDATE === '1') writeFileSync(path, after);
  else expect(after).toBe(before);
});
