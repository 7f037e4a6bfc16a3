// Adapter: what of the host a container sees: its volumes, /etc/hosts and its termination message file.
import { readFile } from 'node:fs/promises';
import type { Container, Pod, VolumeMount } from '@drydock/api/generated/types.ts';
import { ContainerConfigError } from '../container/env.ts';
import { expand } from '../container/expand.ts';
import { hostsFile } from '../container/hosts-file.ts';
import type { Mount } from '../engine/engine.ts';
import type { PodFolders } from '../volumes/pod-folders.ts';
import { checkSubPath, type SubPathRequest } from '../volumes/sub-path.ts';
import type { HostVolume } from '../volumes/volumes.ts';
import { uidOf } from './observation.ts';

export interface MountInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  readonly folders: PodFolders;
  readonly podIps: readonly string[];
  readonly clusterDomain: string;
  readonly volumes: ReadonlyMap<string, HostVolume>;
  readonly env: ReadonlyMap<string, string>;
  /** A part of a volume, safe to mount. */
  readonly subPath: (request: SubPathRequest) => Promise<string>;
}

export interface Mounts {
  readonly mounts: Mount[];
  readonly terminationMessageFile: string;
}

/** Throws ContainerConfigError or SubPathError. */
export async function containerMounts(input: MountInput): Promise<Mounts> {
  const { pod, container, attempt, folders } = input;
  const uid = uidOf(pod);
  const mounts: Mount[] = [];
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) mounts.push(await volumeMount(input, mount, index));
  if (!mounts.some((mount) => mount.container_path === '/etc/hosts')) {
    const hostHosts = pod.spec?.hostNetwork === true ? await readFile('/etc/hosts', 'utf8').catch(() => '') : '';
    const text = hostsFile(pod, input.podIps, input.clusterDomain, hostHosts);
    // Written where it lies: containers that run have it mounted.
    await folders.within(uid, [], (at) => at.overwriteFile('etc-hosts', Buffer.from(text), 0o644));
    mounts.push({ container_path: '/etc/hosts', host_path: `${folders.path(uid)}/etc-hosts`, readonly: false });
  }
  const own = ['containers', container.name];
  const message = terminationFile(attempt);
  // Whoever runs in the container may write it.
  await folders.within(uid, own, (at) => at.overwriteFile(message, Buffer.alloc(0), 0o666));
  const terminationMessageFile = [folders.path(uid), ...own, message].join('/');
  const messagePath = container.terminationMessagePath ?? '/dev/termination-log';
  mounts.push({ container_path: messagePath, host_path: terminationMessageFile, readonly: false });
  return { mounts, terminationMessageFile };
}

/** In `containers/NAME` of the pod's folder. */
export function terminationFile(attempt: number): string {
  return `${attempt}.termination`;
}

async function volumeMount(input: MountInput, mount: VolumeMount, index: number): Promise<Mount> {
  const { pod, volumes, container, env, subPath } = input;
  const volume = volumes.get(mount.name);
  if (volume === undefined)
    throw new ContainerConfigError(`volume "${mount.name}" of container ${container.name} is not there`);
  if (mount.recursiveReadOnly === 'Enabled')
    throw new ContainerConfigError(
      `failed to resolve recursive read-only mode: volume "${mount.name}" requested recursive read-only mode, but it is not supported by the runtime`,
    );
  const below = mount.subPathExpr ? expandAll(mount.subPathExpr, env) : (mount.subPath ?? '');
  let { path } = volume;
  if (below !== '') {
    checkSubPath(below);
    const names = { uid: uidOf(pod), volumeName: mount.name, container: container.name };
    path = await subPath({ ...names, volume: path, index, subPath: below });
  }
  return {
    container_path: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
    host_path: path,
    readonly: mount.readOnly === true || volume.readOnly,
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
