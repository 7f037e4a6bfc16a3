// Where other volumes are mounted into one that is read-only: pure (pkg/volume/util/nested_volumes.go). The engine cannot make
// those folders itself, so they are made with the volume.
import { posix } from 'node:path';
import type { Pod } from '@drydock/api/generated/types.ts';

/** Paths relative to the volume, none of them below another. */
export function nestedMountPoints(pod: Pod, volume: string): string[] {
  const found = new Set<string>();
  for (const { volumeMounts } of [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]) {
    const mounts = (volumeMounts ?? []).map(({ name, mountPath }) => ({
      name,
      path: posix.join('/', mountPath).replace(/(?<=.)\/$/, ''),
    }));
    for (const own of mounts.filter(({ name }) => name === volume)) {
      const below = own.path === '/' ? '/' : `${own.path}/`;
      let last: string | undefined;
      for (const path of mounts.map((each) => each.path).sort()) {
        if (!path.startsWith(below) || path === own.path || (last !== undefined && path.startsWith(`${last}/`))) continue;
        last = path;
        found.add(path.slice(below.length));
      }
    }
  }
  return [...found];
}
