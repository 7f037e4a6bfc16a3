// A lab as small as one gets, without root: one process of each kind on loopback, pods simulated.
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import type { LabConfig } from '@drydock/lab/config.ts';
import { Lab } from '@drydock/lab/lab.ts';
import { runName } from '@drydock/lab/owner.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { type CertifiedKey, clientCertificate } from '@drydock/pki/certificate.ts';

const repo = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
/** How long `up` and `down` may take on a machine that does other things too. */
export const labPatienceMs = 120_000;

export const smallest: Partial<LabConfig> = {
  network: 'loopback',
  engine: 'hollow',
  etcd: 1,
  apiservers: 1,
  schedulers: 1,
  controllerManagers: 1,
  workers: 1,
  dns: 1,
};

export interface SmallLab {
  readonly lab: Lab;
  readonly down: () => Promise<void>;
}

/** Rejects, with nothing left, where it does not come up. */
export async function startSmallLab(name: string, asked: Partial<LabConfig> = {}): Promise<SmallLab> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'drydock-small-')));
  const cache = join(repo, 'node_modules', '.cache');
  const dir = join(folder, 'lab');
  const registry = join(folder, 'drydock');
  const lab = new Lab(name, {
    paths: { repo, dir, run: join(registry, runName(name, dir)) },
    registry,
    testRun: process.env.DRYDOCK_TEST_RUN,
    clock: new SystemClock(),
    random: new SystemRandom(),
    compileCache: join(cache, 'compile'),
    imageCache: join(cache, 'drydock-images'),
  });
  const down = async () => {
    await lab.down();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await lab.up({ ...smallest, ...asked });
  } catch (error) {
    await down();
    throw error;
  }
  return { lab, down };
}

/** Every certificate of the lab with its key, by its file beneath `pki`; and `-`, none, and `stranger`, of another authority. */
export async function pairsOf(lab: Lab): Promise<Map<string, CertifiedKey | undefined>> {
  const folder = join(lab.view().topology.paths.dir, 'pki');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.crt'));
  const read = (file: string) => readFileSync(join(folder, file), 'utf8');
  const pairs = new Map<string, CertifiedKey | undefined>([['-', undefined]]);
  for (const file of files)
    pairs.set(file.slice(0, -4), { certificatePem: read(file), keyPem: read(`${file.slice(0, -4)}.key`) });
  const random = new SeededRandom(1).stream('stranger');
  const nowMs = lab.context.clock.wallMs();
  const other = await Authority.load(await Authority.create('kubernetes', nowMs, random), random);
  pairs.set('stranger', await other.issue(clientCertificate('kubernetes-admin', 'system:masters'), nowMs));
  return pairs;
}
