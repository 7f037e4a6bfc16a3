// Writes and defragments until it kills itself at a place of the defragmentation. `node defragment-process.ts FOLDER PLACE`. Says
// how many commits are durable.
import process from 'node:process';
import { openLmdbBackend } from '../lmdb-backend.ts';
import { checkCommits, writeCommit } from './revisions-model.ts';

const [folder = '', place] = process.argv.slice(2);
const commitsBefore = 500;
const commitsPerTurn = 20;
const backend = openLmdbBackend(folder, (point) => {
  if (point === place) process.kill(process.pid, 'SIGKILL');
});

let commits = checkCommits(backend);
while (commits < commitsBefore) writeCommit(backend, ++commits);
const writing = setInterval(() => {
  for (let i = 0; i < commitsPerTurn; i++) writeCommit(backend, ++commits);
  const synced = commits;
  void backend.sync().then(() => process.send?.(synced));
});
await backend.defragment();
clearInterval(writing);
process.disconnect?.();
