// Records golden sessions on the cluster of $KUBECONFIG (an upstream one): `node test/golden/record.ts FILE...`.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSession, playSession, renderSession } from './transcript.ts';

const { KUBECONFIG, PATH = '' } = process.env;
if (KUBECONFIG === undefined) throw new Error('KUBECONFIG is not set: it names the cluster to record on');
const folder = mkdtempSync(join(tmpdir(), 'drydock-golden-'));
try {
  // Sessions change the kubeconfig's current context: each gets a copy.
  for (const file of process.argv.slice(2)) {
    const kubeconfig = join(folder, 'kubeconfig');
    copyFileSync(KUBECONFIG, kubeconfig);
    const session = parseSession(readFileSync(file, 'utf8'));
    const env = { KUBECONFIG: kubeconfig, PATH, HOME: folder };
    writeFileSync(file, renderSession(await playSession(session, env, folder)));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
