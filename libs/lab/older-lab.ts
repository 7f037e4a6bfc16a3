// Adapter: labs whose folder was made when one authority vouched for everything, the store's clients and members included.
import { existsSync, rmSync } from 'node:fs';
import { supersededFiles } from './certificates.ts';
import { LabError } from './errors.ts';
import { pkiFile } from './programs/process-spec.ts';
import type { LabPaths, Topology } from './topology.ts';

/**
 * Throws LabError where processes of such a lab run: what is started now would trust other authorities than they, and neither
 * would let the other in. Once nothing runs, `up` makes what is missing.
 */
export function refuseOlderCertificates(topology: Topology, running: readonly string[]): void {
  if (running.length === 0 || !isOlder(topology.paths)) return;
  throw new LabError(
    'conflict',
    `lab ${topology.config.name} was started by an older version, with one certificate authority for everything: \`drydock kill --all\` first, then \`drydock up\` gives each purpose its own (what is stored stays)`,
  );
}

/** PEM files by which the lab itself, and its user's etcdctl, are let in at the store as it was last started. */
export function storeClientFiles(paths: LabPaths): { authority: string; certificate: string; key: string } {
  const [authority, name] = isOlder(paths) ? ['ca', 'etcdctl-client'] : ['etcd/ca', 'etcd/healthcheck-client'];
  return {
    authority: pkiFile(paths, `${authority}.crt`),
    certificate: pkiFile(paths, `${name}.crt`),
    key: pkiFile(paths, `${name}.key`),
  };
}

/** Removes what nothing reads any more. For after the certificates of today's layout are there. */
export function removeSuperseded(topology: Topology): void {
  for (const file of supersededFiles(topology)) rmSync(pkiFile(topology.paths, file), { force: true });
}

function isOlder(paths: LabPaths): boolean {
  return existsSync(pkiFile(paths, 'ca.crt')) && !existsSync(pkiFile(paths, 'etcd/ca.crt'));
}
