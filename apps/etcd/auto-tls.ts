// `--auto-tls` and `--peer-auto-tls`: TLS with certificates that the member makes for itself. They hide what is said, and prove
// nobody's name.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseUrl } from '@drydock/etcd/server/urls.ts';
import type { TlsSettings } from '@drydock/etcd/tls/settings.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random } from '@drydock/foundation/random.ts';
import { type CertifiedKey, forBothSides, servingCertificate } from '@drydock/pki/certificate.ts';
import type { EtcdConfig } from './config.ts';
import type { etcdFlags } from './flags.ts';

interface Ports {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The configuration with certificates where they are to be made; they are kept under `fixtures` of the data directory. */
export async function withAutoTls(config: EtcdConfig, flags: Values<typeof etcdFlags>, ports: Ports): Promise<EtcdConfig> {
  const hosts = (urls: readonly string[]) => [...new Set(urls.map((url) => parseUrl(url).host || 'localhost'))];
  const make = async (wanted: boolean, given: TlsSettings | undefined, what: string, urls: readonly string[]) => {
    if (!wanted) return given;
    if (given !== undefined) {
      ports.log.warn({}, `ignoring ${what} auto TLS since certs given`);
      return given;
    }
    return selfSigned(join(config.dataDir, 'fixtures', what), hosts(urls), ports);
  };
  return {
    ...config,
    tls: await make(flags['auto-tls'], config.tls, 'client', config.advertiseClientUrls),
    peerTls: await make(flags['peer-auto-tls'], config.peerTls, 'peer', config.advertisePeerUrls),
  };
}

async function selfSigned(folder: string, hosts: readonly string[], { clock, random }: Ports): Promise<TlsSettings> {
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const files = { ca: undefined, clientCertAuth: false, selfSigned: true };
  try {
    return { ...files, cert: readFileSync(certFile), key: readFileSync(keyFile) };
  } catch {
    const made = await makeCertificate(hosts, clock.wallMs(), random);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(keyFile, made.keyPem, { mode: 0o600 });
    writeFileSync(certFile, made.certificatePem);
    return { ...files, cert: Buffer.from(made.certificatePem), key: Buffer.from(made.keyPem) };
  }
}

async function makeCertificate(hosts: readonly string[], nowMs: number, random: Random): Promise<CertifiedKey> {
  // The X.509 library takes 17 MB, and most members are given their certificates.
  const { Authority } = await import('@drydock/pki/authority.ts');
  const stream = random.stream('etcd/auto-tls');
  const authority = await Authority.load(await Authority.create('etcd', nowMs, stream), stream);
  return authority.issue(forBothSides(servingCertificate('etcd', [...hosts])), nowMs);
}
