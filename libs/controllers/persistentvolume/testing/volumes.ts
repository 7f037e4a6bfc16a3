// A world with claims and volumes, and controllers that anything may befall.
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '@drydock/api/resource.ts';
import { type Manager, World } from '../../testing/world.ts';
import { type BinderOptions, startVolumeBinder } from '../controller.ts';

const kind = { minimumSeconds: 60, secondsPerGiB: 30, template: undefined };

export class Volumes extends World {
  readonly removed: string[] = [];
  removal: (path: string) => void = () => {};

  run(strike: (manager: Manager, restart: () => void) => void = () => {}): void {
    const options: BinderOptions = {
      periodMs: 15_000,
      provisions: true,
      recyclers: { hostPath: kind, nfs: { ...kind, minimumSeconds: 300 } },
      removeFiles: async (path) => {
        this.removal(path);
        this.removed.push(path);
      },
    };
    const manager = this.manager();
    strike(manager, () => this.run(strike));
    void startVolumeBinder(options, manager.context);
  }

  async volume(name: string, spec: PersistentVolume['spec'] = {}, metadata: PersistentVolume['metadata'] = {}): Promise<void> {
    await this.user.create<PersistentVolume>(persistentVolumes, {
      metadata: { ...metadata, name },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: 'manual',
        ...((spec.local ?? spec.csi ?? spec.nfs) ? {} : { hostPath: { path: `/mnt/${name}` } }),
        ...spec,
      },
    });
  }

  async claim(name: string, spec: PersistentVolumeClaim['spec'] = {}, annotations: Record<string, string> = {}): Promise<void> {
    await this.user.create<PersistentVolumeClaim>(persistentVolumeClaims, {
      metadata: { namespace: 'a', name, annotations },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        storageClassName: 'manual',
        ...spec,
      },
    });
  }

  async storageClass(
    name: string,
    provisioner: string,
    mode = 'Immediate',
    annotations: Record<string, string> = {},
  ): Promise<void> {
    await this.user.create<StorageClass>(storageClasses, {
      metadata: { name, annotations },
      provisioner,
      volumeBindingMode: mode,
    });
  }

  async deleteClaim(name: string): Promise<void> {
    await this.user.delete(persistentVolumeClaims, { namespace: 'a', name });
  }

  async phaseOf(volume: string): Promise<string | undefined> {
    const found = await this.user.get<PersistentVolume>(persistentVolumes, { name: volume }).catch(() => undefined);
    return found?.status?.phase;
  }

  async get(name: string): Promise<PersistentVolumeClaim> {
    return this.user.get<PersistentVolumeClaim>(persistentVolumeClaims, { namespace: 'a', name });
  }

  /** Reason and message of what was said about an object, each once. */
  said(name: string): string[] {
    return [
      ...new Set(this.events.filter(({ about }) => about.name === name).map(({ reason, message }) => `${reason}: ${message}`)),
    ];
  }
}
