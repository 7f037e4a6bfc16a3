// The pod that empties a volume which is to be used again (upstream's pkg/volume/util/recyclerclient and pkg/volume/plugins.go).
import type { PersistentVolume, Pod, Volume } from '@drydock/api/generated/types.ts';
import { storageIn } from '@drydock/api/storage/size.ts';
import { parseTime } from '@drydock/foundation/clock.ts';
import { semanticEqual } from '../common/equality.ts';
import { creationMs, nameOf } from '../common/object-meta.ts';

/** How one kind of volume is emptied. */
export interface RecyclerSettings {
  /** Seconds that it may take at least, and how many more for each GiB. */
  readonly minimumSeconds: number;
  readonly secondsPerGiB: number;
  /** The pod that does it, without name and with one volume that is replaced; undefined for upstream's. */
  readonly template: Pod | undefined;
}

export type RecyclerKinds = Readonly<Record<'hostPath' | 'nfs', RecyclerSettings>>;

/** What runs in it, of which only a shell and find are used. */
export const recyclerImage = 'registry.k8s.io/build-image/debian-base:bookworm-v1.0.6';

const scrub = 'test -e /scrub && find /scrub -mindepth 1 -delete && test -z "$(ls -A /scrub)" || exit 1';

const defaultTemplate: Pod = {
  metadata: { namespace: 'default' },
  spec: {
    restartPolicy: 'Never',
    volumes: [{ name: 'vol' }],
    containers: [
      {
        name: 'pv-recycler',
        image: recyclerImage,
        command: ['/bin/sh'],
        args: ['-c', scrub],
        volumeMounts: [{ name: 'vol', mountPath: '/scrub' }],
      },
    ],
  },
};

const bytesPerGiB = 1024n ** 3n;

const namePrefix = 'recycler-for-';

/** The pod that is to empty the volume; undefined where there is none for volumes of its kind. */
export function recyclerPod(volume: PersistentVolume, kinds: RecyclerKinds): Pod | undefined {
  const { hostPath, nfs, capacity } = volume.spec ?? {};
  const kind = hostPath !== undefined ? kinds.hostPath : nfs !== undefined ? kinds.nfs : undefined;
  if (kind === undefined) return undefined;
  const { metadata, spec } = kind.template ?? defaultTemplate;
  const gibibytes = storageIn(capacity).value() / bytesPerGiB;
  const seconds = Math.max(kind.minimumSeconds, kind.secondsPerGiB * Number(gibibytes));
  const source: Omit<Volume, 'name'> = hostPath !== undefined ? { hostPath: { path: hostPath.path } } : { nfs };
  const [first, ...others] = spec?.volumes ?? [];
  return {
    metadata: { ...metadata, namespace: metadata?.namespace ?? 'default', name: `${namePrefix}${nameOf(volume)}` },
    spec: {
      ...spec,
      containers: spec?.containers ?? [],
      activeDeadlineSeconds: seconds,
      volumes: [{ name: first?.name ?? 'vol', ...source }, ...others],
    },
  };
}

/** The name of the volume that a pod of this name would empty. */
export function recycledBy(pod: Pod): string | undefined {
  const name = nameOf(pod);
  return name.startsWith(namePrefix) ? name.slice(namePrefix.length) : undefined;
}

/** Whether `pod` was made since the volume was released. */
export function isOfThisRelease(pod: Pod, volume: PersistentVolume): boolean {
  return creationMs(pod) >= (parseTime(volume.status?.lastPhaseTransitionTime) ?? 0);
}

/**
 * Whether `pod` does what was wanted, by what runs in it and on what. Anyone who may make pods in that namespace can take the name;
 * what such a pod says is not believed.
 */
export function isRecycler(pod: Pod, wanted: Pod): boolean {
  const work = ({ spec }: Pod) =>
    spec?.containers?.map(({ image, command, args, volumeMounts }) => ({
      image,
      command,
      args,
      mounts: volumeMounts
        ?.filter(({ mountPath }) => mountPath !== accountPath)
        .map(({ name, mountPath }) => [name, mountPath]),
    }));
  const source = ({ spec }: Pod) => {
    const { hostPath, nfs } = spec?.volumes?.[0] ?? {};
    return { path: hostPath?.path, nfs: nfs === undefined ? undefined : [nfs.server, nfs.path] };
  };
  return semanticEqual(work(pod), work(wanted)) && semanticEqual(source(pod), source(wanted));
}

/** Where admission mounts a pod's token. */
const accountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
