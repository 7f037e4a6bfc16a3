// The third note's ingress controller: images of its manifest's names, made of this project's programs.
import { readFileSync } from 'node:fs';
import { imagesIn } from '@drydock/lab/images/manifest-images.ts';
import { beforeAll, describe } from 'vitest';
import { e2eSkipReason, lab } from '../lab.ts';
import { loadNoteImages } from './images.ts';
import { testNote } from './sessions.ts';

const session = new URL('./003-ingress-nginx.session', import.meta.url);

/** What the session's manifest names. */
function images(): string[] {
  const [, manifest = ''] = readFileSync(session, 'utf8').split(/<<'EOF'\n|^EOF$/m);
  return imagesIn(manifest, 'deploy.yaml');
}

describe.skipIf(e2eSkipReason !== undefined)(`note 003, ingress-nginx (${e2eSkipReason ?? 'as root'})`, () => {
  beforeAll(async () => {
    await loadNoteImages();
    await lab('image', 'build', ...images());
  }, 120_000);
  testNote(session);
});
