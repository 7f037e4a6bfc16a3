// `drydock kubectl`, `etcdctl` and `env`: the user's own tools with the lab's credentials.
import process from 'node:process';
import { LabError } from '@drydock/lab/errors.ts';
import type { Lab } from '@drydock/lab/lab.ts';
import { findProgram } from '@drydock/lab/machine/facts.ts';
import { ensurePackages, installCommand } from '@drydock/lab/machine/packages.ts';
import { storeClientFiles } from '@drydock/lab/older-lab.ts';
import { etcdEndpoints } from '@drydock/lab/programs/servers.ts';
import { allRequirements } from '@drydock/lab/requirements.ts';

/** Variables that point kubectl and etcdctl at the lab. */
export function toolEnvironment(lab: Lab): Record<string, string> {
  const { topology } = lab.view();
  const store = storeClientFiles(topology.paths);
  return {
    KUBECONFIG: lab.kubeconfig,
    ETCDCTL_API: '3',
    ETCDCTL_ENDPOINTS: etcdEndpoints(topology).join(','),
    ETCDCTL_CACERT: store.authority,
    ETCDCTL_CERT: store.certificate,
    ETCDCTL_KEY: store.key,
  };
}

/**
 * Becomes the tool: same process, same terminal, its exit code. A wrong lab is told before a missing tool; the tool's own help
 * needs no lab.
 */
export function runTool(lab: () => Lab, name: 'kubectl' | 'etcdctl', args: readonly string[]): void {
  const help = args.length === 0 || args.some((word) => word === '--help' || word === '-h' || word === 'help');
  const own = help && lab().find() === undefined ? {} : toolEnvironment(lab());
  const file = findProgram(name);
  if (file === undefined) throw new LabError('missing-packages', `${name} is not in the path; ${whereToGet[name]}`);
  process.execve?.(file, [name, ...args], { ...process.env, ...own });
}

/** Debian's kubectl is years behind, so it is not what is recommended. */
const whereToGet = {
  kubectl:
    'get version 1.35 or newer from https://kubernetes.io/docs/tasks/tools/#kubectl (a package of your distribution may be much older)',
  etcdctl: `install it with: ${installCommand([{ program: 'etcdctl', debianPackage: 'etcd-client' }])}, or get it with etcd 3.5 or newer from https://etcd.io/docs/latest/install/`,
};

/** Everything that a default lab and its user need, kubectl and etcdctl included. Throws LabError where it cannot be had. */
export async function installDependencies(say: (line: string) => void): Promise<void> {
  await ensurePackages(allRequirements, say);
}
