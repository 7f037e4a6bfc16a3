// What a backend must hold after so many commits: every commit adds one revision and removes an older one, except every tenth.
import type { Backend } from '../backend.ts';

const keptCommits = 50;
const valueBytes = 700;
const markName = 'commits';

export function writeCommit(backend: Backend, number: number): void {
  backend.put(number, 0, false, Buffer.alloc(valueBytes, `${number} `));
  const old = number - keptCommits;
  if (old > 0 && old % 10 !== 0) backend.remove(old, 0, false);
  const mark = Buffer.alloc(8);
  mark.writeBigUInt64BE(BigInt(number));
  backend.setRecord('meta', markName, mark);
  // Failures show in what the next one finds.
  void backend.commit();
}

/** How many commits the backend shows; throws where what it holds is not what those made. */
export function checkCommits(backend: Backend): number {
  let commits = 0;
  for (const { key, value } of backend.records('meta')) {
    if (key.toString() === markName) commits = Number(value.readBigUInt64BE());
  }
  let expected = 1;
  for (const { key, value } of backend.revisions(0, Number.MAX_SAFE_INTEGER - 1)) {
    const found = Number(key.readBigUInt64BE());
    while (expected <= commits - keptCommits && expected % 10 !== 0) expected++;
    if (found !== expected) throw new Error(`revision ${found} instead of ${expected} after ${commits} commits`);
    if (!value.equals(Buffer.alloc(valueBytes, `${found} `))) throw new Error(`the value of revision ${found} is wrong`);
    expected++;
  }
  if (expected !== commits + 1) throw new Error(`revisions end before ${expected} after ${commits} commits`);
  return commits;
}
