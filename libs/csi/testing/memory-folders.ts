// Folders and mounts of volumes that are only remembered, by a machine that may fail or end at any call.
import type { Disk } from '@drydock/foundation/disk.ts';
import { MemoryDisk } from '@drydock/foundation/memory-disk.ts';
import type { Usage, VolumeMounts } from '../node.ts';
import type { VolumeFolders } from '../volume-store.ts';

const gib = 1024 ** 3;

/** What befalls one call: it fails without having done anything, or having done it. */
export interface Mishap {
  readonly call: number;
  readonly isDone: boolean;
}

export class MemoryMachine {
  readonly disk: Disk;
  readonly folders: VolumeFolders;
  readonly mounts: VolumeMounts;
  /** By id, what is in it. */
  readonly contents = new Map<string, string[]>();
  /** By target. */
  readonly mounted = new Map<string, { readonly id: string; readonly isReadOnly: boolean }>();
  freeBytes = 100 * gib;
  calls = 0;
  mishap: Mishap | undefined;
  /** Held up until it resolves. */
  removal: Promise<void> = Promise.resolve();

  constructor() {
    this.disk = this.#struck(new MemoryDisk());
    this.folders = this.#struck<VolumeFolders>({
      make: async (id) => void this.contents.set(id, this.contents.get(id) ?? []),
      has: async (id) => this.contents.has(id),
      list: async () => [...this.contents.keys()],
      remove: async (id) => {
        await this.removal;
        this.contents.delete(id);
      },
      removeEmpty: async (id) => {
        if (this.contents.get(id)?.length) throw new Error('ENOTEMPTY');
        this.contents.delete(id);
      },
      mountsOf: async (id) => [...this.mounted].flatMap(([target, mount]) => (mount.id === id ? [target] : [])),
      freeBytes: async () => this.freeBytes,
    });
    this.mounts = this.#struck<VolumeMounts>({
      mountedAt: async (id, target) => {
        const found = this.mounted.get(target);
        if (found === undefined) return 'nothing';
        if (found.id !== id) return 'other';
        return found.isReadOnly ? 'read-only' : 'writable';
      },
      mount: async (id, target, isReadOnly) => void this.mounted.set(target, { id, isReadOnly }),
      unmount: async (target) => void this.mounted.delete(target),
      usage: async (): Promise<Usage> => ({
        bytes: { available: 3, total: 4, used: 1 },
        inodes: { available: 30, total: 40, used: 10 },
      }),
    });
  }

  /** The same, whose calls count and may fail. */
  #struck<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (target, name) => {
        const real = Reflect.get(target, name);
        if (typeof real !== 'function') return real;
        return async (...args: unknown[]) => {
          const isHit = this.mishap?.call === this.calls++;
          if (isHit && !this.mishap?.isDone) throw new Error('struck before');
          const answer = await real.apply(target, args);
          if (isHit) throw new Error('struck after');
          return answer;
        };
      },
    });
  }
}
