// Whether containers of a pod use a volume as what it is, a file system or a device: pure (pkg/kubelet/volumemanager/populator,
// createVolumeSpec).
import type { PersistentVolume, Pod } from '@drydock/api/generated/types.ts';
import { everyContainerOf } from '../pod/observation.ts';

/** Why the volume, which the pod calls `name`, cannot be given to the pod; undefined where it can. */
export function modeMisuse(pod: Pod, name: string, { spec }: PersistentVolume): string | undefined {
  const mode = spec?.volumeMode ?? 'Filesystem';
  const has = (list: 'volumeMounts' | 'volumeDevices') =>
    everyContainerOf(pod).some((container) => container[list]?.some((each) => each.name === name));
  for (const [list, wanted] of [
    ['volumeMounts', 'Filesystem'],
    ['volumeDevices', 'Block'],
  ] as const)
    if (mode !== wanted && has(list)) return `volume ${name} has volumeMode ${mode}, but is specified in ${list}`;
  return mode === 'Block' ? `volume ${name} has volumeMode Block, which this kubelet does not serve` : undefined;
}
