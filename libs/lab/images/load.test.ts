// What is loaded into a worker, by a containerd: archives that name more than they have.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync, spawn } from '@drydock/foundation/child-process.ts';
import { expect, onTestFinished, test } from 'vitest';
import { architecture, findProgram, hostAbilities } from '../machine/facts.ts';
import { probeUntilReady } from '../machine/probe.ts';
import { containerdConfig } from '../programs/containerd-config.ts';
import { imageLayout } from '../programs/image-registry.ts';
import { workerFolders } from '../programs/worker.ts';
import { testTopology } from '../testing.ts';
import { membersOf } from '../topology.ts';
import { blobFile, namesIn } from './layout.ts';
import { loadArchive, nameImage } from './provision.ts';

const { isLinux, isRoot } = hostAbilities();
const able = isLinux && isRoot && findProgram('containerd') !== undefined && findProgram('ctr') !== undefined;
const oci = 'application/vnd.oci.image';

/** An OCI archive of an image for this machine, whose index names another platform too, as Docker saves what it has pulled. */
function archiveIn(folder: string, name: string): { readonly file: string; readonly index: string; readonly manifest: string } {
  mkdirSync(`${folder}/blobs/sha256`, { recursive: true });
  const blob = (content: Buffer | object) => {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    writeFileSync(blobFile(folder, digest) ?? '', bytes);
    return { digest, size: bytes.length };
  };
  // A tar file without entries.
  const layer = blob(Buffer.alloc(1024));
  const platform = { os: 'linux', architecture: architecture.image };
  const config = blob({ ...platform, rootfs: { type: 'layers', diff_ids: [layer.digest] }, config: {} });
  const manifest = blob({
    schemaVersion: 2,
    mediaType: `${oci}.manifest.v1+json`,
    config: { mediaType: `${oci}.config.v1+json`, ...config },
    layers: [{ mediaType: `${oci}.layer.v1.tar`, ...layer }],
  });
  const absent = { digest: `sha256:${'1'.repeat(64)}`, size: 500, platform: { os: 'linux', architecture: 's390x' } };
  const manifests = [{ ...manifest, platform }, absent].map((each) => ({ mediaType: `${oci}.manifest.v1+json`, ...each }));
  const index = blob({ schemaVersion: 2, mediaType: `${oci}.index.v1+json`, manifests });
  const annotations = { 'io.containerd.image.name': name };
  const top = { schemaVersion: 2, manifests: [{ mediaType: `${oci}.index.v1+json`, ...index, annotations }] };
  writeFileSync(`${folder}/index.json`, JSON.stringify(top));
  writeFileSync(`${folder}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  const file = `${folder}.tar`;
  execFileSync('tar', ['-cf', file, '-C', folder, 'oci-layout', 'index.json', 'blobs']);
  return { file, index: index.digest, manifest: manifest.digest };
}

test.skipIf(!able)(
  'an archive without the platforms of other machines (needs root and containerd)',
  { timeout: 120_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'load-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const topology = { ...testTopology({ workers: 1 }), paths: { repo: '/repo', dir: `${folder}/lab`, run: `${folder}/run` } };
    const [worker] = membersOf(topology, 'worker');
    if (worker === undefined) throw new Error('no worker');
    const folders = workerFolders(topology, worker);
    for (const each of [folders.root, folders.state]) mkdirSync(each, { recursive: true });
    const config = `${folder}/containerd.toml`;
    writeFileSync(config, containerdConfig(folders, false).replace('disabled_plugins = [', '$&"io.containerd.grpc.v1.cri", '));
    // What it mounts goes with it.
    const containerd = spawn('unshare', ['--mount', 'containerd', '--config', config], { stdio: 'ignore' });
    const ended = new Promise((resolve) => containerd.once('exit', resolve));
    try {
      await probeUntilReady({ kind: 'unix', path: folders.socket }, AbortSignal.timeout(60_000));
      const name = 'docker.io/library/several:1';
      const { file, index, manifest } = archiveIn(`${folder}/archive`, name);
      await loadArchive(topology, worker, file);
      const layout = imageLayout(topology.paths);
      expect([...namesIn(layout)]).toEqual([[name, index]]);
      expect(existsSync(blobFile(layout, manifest) ?? '')).toBe(true);
      // By a digest that is another image's: twice, as when it is built anew.
      const pinned = `docker.io/library/several@sha256:${'5'.repeat(64)}`;
      for (let times = 0; times < 2; times++) await nameImage(topology, worker, name, pinned);
      const names = execFileSync('ctr', ['-a', folders.socket, '-n', 'k8s.io', 'images', 'list', '-q'], { encoding: 'utf8' });
      expect(names.trim().split('\n').sort()).toEqual([name, pinned]);
    } finally {
      containerd.kill('SIGKILL');
      await ended;
    }
  },
);
