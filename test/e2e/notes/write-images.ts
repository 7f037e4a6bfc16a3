// Writes the archive of the notes' images, to be loaded where sessions are recorded: `node test/e2e/notes/write-images.ts FILE`.
import { writeNoteImages } from './images.ts';

await writeNoteImages(process.argv[2] ?? 'note-images.tar');
