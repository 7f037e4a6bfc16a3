// Records the transcripts on the original etcd: `DRYDOCK_UPSTREAM=... node test/integration/store/record.ts`.
import { writeFileSync } from 'node:fs';
import { renderSession } from '../../golden/transcript.ts';
import { Store, upstreamProgram } from './members.ts';
import { etcdctlVersion, playEtcdctl, scripts, sessionFile } from './session.ts';

const etcd = upstreamProgram('etcd');
if (etcd === undefined) throw new Error('DRYDOCK_UPSTREAM is not set: it names the folder of the original programs');
for (const program of ['/usr/bin/etcdctl', upstreamProgram('etcdctl') ?? '']) {
  const version = await etcdctlVersion(program);
  if (version === undefined) throw new Error(`no etcdctl at ${program}`);
  for (const script of scripts) {
    const store = await Store.start({ size: 1, program: [etcd], flags: script.flags });
    try {
      writeFileSync(sessionFile(script, version), renderSession(await playEtcdctl(script, program, store)));
    } finally {
      await store.stop();
    }
  }
}
