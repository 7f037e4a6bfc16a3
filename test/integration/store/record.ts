// Records the transcripts on the original etcd: `DRYDOCK_UPSTREAM=... node test/integration/store/record.ts`, all of them or those
// with the suffixes given (`-members`).
import { writeFileSync } from 'node:fs';
import { renderSession } from '../../golden/transcript.ts';
import { upstreamProgram } from './members.ts';
import { etcdctlVersion, playEtcdctl, scripts, sessionFile, startFor } from './session.ts';

const etcd = upstreamProgram('etcd');
if (etcd === undefined) throw new Error('DRYDOCK_UPSTREAM is not set: it names the folder of the original programs');
const suffixes = process.argv.slice(2);
for (const program of ['/usr/bin/etcdctl', upstreamProgram('etcdctl') ?? '']) {
  const version = await etcdctlVersion(program);
  if (version === undefined) throw new Error(`no etcdctl at ${program}`);
  for (const script of scripts.filter(({ suffix }) => suffixes.length === 0 || suffixes.includes(suffix))) {
    const store = await startFor(script, [etcd]);
    try {
      writeFileSync(sessionFile(script, version), renderSession(await playEtcdctl(script, program, store)));
    } finally {
      await store.stop();
    }
  }
}
