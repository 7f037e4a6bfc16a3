// Takes the lock of each of many folders at the instant at which others do, and keeps what it got until its input ends:
// `node lock-taker.ts FOLDER COUNT`. Prints the numbers of the folders whose lock it has.
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { LabError } from '../../errors.ts';
import { lockLab } from '../state-file.ts';

const [, , folder = '', count = '0'] = process.argv;
const taken: number[] = [];
/** Everybody takes the next one once everybody is done with the one before. */
const meet = (round: number) => {
  writeFileSync(`${folder}/${process.pid}`, String(round));
  const peers = readFileSync(`${folder}/peers`, 'utf8').split(' ');
  while (peers.some((peer) => roundOf(peer) < round));
};
const roundOf = (peer: string) => {
  try {
    return Number(readFileSync(`${folder}/${peer}`, 'utf8') || -1);
  } catch {
    return -1;
  }
};

process.stdin.once('data', () => {
  for (let round = 0; round < Number(count); round++) {
    meet(round);
    try {
      lockLab(`${folder}/${round}.lab`, 'up');
      taken.push(round);
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
    }
  }
  process.stdout.write(`${JSON.stringify(taken)}\n`);
});
process.stdin.once('end', () => process.exit(0));
