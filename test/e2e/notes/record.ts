// Records the notes' sessions on the cluster of $KUBECONFIG (an upstream one):
//   node test/e2e/notes/record.ts images FILE     writes the archive of their images, to be loaded into its workers
//   node test/e2e/notes/record.ts FILE.session...
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeNoteImages } from './images.ts';
import { playNote } from './play.ts';

const { KUBECONFIG, PATH = '' } = process.env;
const [first, ...rest] = process.argv.slice(2);
if (first === 'images') await writeNoteImages(rest[0] ?? 'note-images.tar');
else {
  if (KUBECONFIG === undefined) throw new Error('KUBECONFIG is not set: it names the cluster to record on');
  const folder = mkdtempSync(join(tmpdir(), 'drydock-note-'));
  try {
    for (const file of first === undefined ? [] : [first, ...rest]) {
      const kubeconfig = join(folder, 'kubeconfig');
      copyFileSync(KUBECONFIG, kubeconfig);
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, await playNote(text, { KUBECONFIG: kubeconfig, PATH, HOME: folder }, folder));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
