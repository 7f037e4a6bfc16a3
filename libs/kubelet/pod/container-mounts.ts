// Adapter: what of the host a container sees: its volumes, /etc/hosts and its termination message file.
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import type { Container, Pod, VolumeMount } from '@drydock/api/generated/types.ts';
import { ContainerConfigError } from '../container/env.ts';
import { expand } from '../container/expand.ts';
import { hostsFile } from '../container/hosts-file.ts';
import type { Mount } from '../engine/engine.ts';
import { checkSubPath } from '../volumes/sub-path.ts';

export interface MountInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  /** `.../pods/UID` of this pod. */
  readonly folder: string;
  readonly podIps: readonly string[];
  readonly clusterDomain: string;
  /** Host path of each volume. */
  readonly volumes: ReadonlyMap<string, string>;
  readonly env: ReadonlyMap<string, string>;
  /** A part of a volume, safe to mount. */
  readonly subPath: (volume: string, subPath: string, target: string) => Promise<string>;
}

export interface Mounts {
  readonly mounts: Mount[];
  readonly terminationMessageFile: string;
}

/** Throws ContainerConfigError or SubPathError. */
export async function containerMounts(input: MountInput): Promise<Mounts> {
  const { pod, container, attempt, folder } = input;
  const mounts: Mount[] = [];
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) mounts.push(await volumeMount(input, mount, index));
  const own = `${folder}/containers/${container.name}`;
  await mkdir(own, { recursive: true });
  if (!mounts.some((mount) => mount.container_path === '/etc/hosts')) {
    const hostHosts = pod.spec?.hostNetwork === true ? await readFile('/etc/hosts', 'utf8').catch(() => '') : '';
    await writeFile(`${folder}/etc-hosts`, hostsFile(pod, input.podIps, input.clusterDomain, hostHosts));
    mounts.push({ container_path: '/etc/hosts', host_path: `${folder}/etc-hosts`, readonly: false });
  }
  const terminationMessageFile = `${own}/${attempt}.termination`;
  await writeFile(terminationMessageFile, '');
  await chmod(terminationMessageFile, 0o666);
  const messagePath = container.terminationMessagePath ?? '/dev/termination-log';
  mounts.push({ container_path: messagePath, host_path: terminationMessageFile, readonly: false });
  return { mounts, terminationMessageFile };
}

async function volumeMount(
  { volumes, container, env, folder, subPath }: MountInput,
  mount: VolumeMount,
  index: number,
): Promise<Mount> {
  const source = volumes.get(mount.name);
  if (source === undefined)
    throw new ContainerConfigError(`volume "${mount.name}" of container ${container.name} is not there`);
  const below = mount.subPathExpr ? expandAll(mount.subPathExpr, env) : (mount.subPath ?? '');
  let path = source;
  if (below !== '') {
    checkSubPath(below);
    path = await subPath(source, below, `${folder}/volume-subpaths/${mount.name}/${container.name}/${index}`);
  }
  return {
    container_path: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
    host_path: path,
    readonly: mount.readOnly === true,
    propagation: propagations[mount.mountPropagation ?? ''] ?? 'PROPAGATION_PRIVATE',
  };
}

const propagations: Readonly<Record<string, Mount['propagation']>> = {
  Bidirectional: 'PROPAGATION_BIDIRECTIONAL',
  HostToContainer: 'PROPAGATION_HOST_TO_CONTAINER',
};

/** As `expand`, but a name that is not in the environment is an error: it would become part of a path. */
function expandAll(text: string, env: ReadonlyMap<string, string>): string {
  return expand(text, (name) => {
    const value = env.get(name);
    if (value === undefined) throw new ContainerConfigError(`missing value for "${name}"`);
    return value;
  });
}
