// Records sessions on the cluster of $KUBECONFIG (an upstream one): `node test/golden/record.ts FILE...`.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { playPlaces } from './places.ts';
import { userOf } from './transcript.ts';

const { KUBECONFIG } = process.env;
if (KUBECONFIG === undefined) throw new Error('KUBECONFIG is not set: it names the cluster to record on');
const folder = mkdtempSync(join(tmpdir(), 'drydock-golden-'));
try {
  for (const file of process.argv.slice(2)) {
    const played = await playPlaces(readFileSync(file, 'utf8'), userOf(KUBECONFIG, folder), folder);
    writeFileSync(file, played);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
