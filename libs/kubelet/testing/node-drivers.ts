// The CSI drivers of a world: they register with each kubelet that starts, and go on when it ends.
import type { Pod } from '@drydock/api/generated/types.ts';
import { claimOfVolume } from '@drydock/api/storage/pod-claims.ts';
import type { Message } from '../plugins/socket-client.ts';
import type { PluginPorts } from '../volumes/csi/csi.ts';
import type { DriverModel } from '../volumes/csi/testing/driver-model.ts';
import type { Life } from './life.ts';

export interface DriversWorld {
  /** Whether a container of the pod runs. */
  readonly runs: (uid: string) => boolean;
}

export class NodeDrivers {
  readonly #models: ReadonlyMap<string, DriverModel>;
  readonly #faults: string[] = [];

  constructor(models: Readonly<Record<string, DriverModel>>, world: DriversWorld) {
    this.#models = new Map(Object.entries(models));
    for (const model of this.#models.values())
      model.unpublishing = (path) => {
        const uid = uidIn(path);
        if (world.runs(uid)) this.#faults.push(`a volume of ${uid} is unpublished while its containers run`);
      };
  }

  get isNone(): boolean {
    return this.#models.size === 0;
  }

  pluginsOf(life: Life): PluginPorts {
    return {
      sockets: async () => [...this.#models.keys()].map((path) => ({ path: `/${path}`, identity: path })),
      open: (_, path) => ({
        close: () => {},
        call: (method, request) =>
          life.through({ port: 'driver', name: method }, () => this.#call(path.slice(1), method, request)),
      }),
    };
  }

  async #call(name: string, method: string, request: Message): Promise<Message> {
    if (method === 'GetInfo') return { type: 'CSIPlugin', name, endpoint: '', supported_versions: ['1.0.0'] };
    if (method === 'NotifyRegistrationStatus') return {};
    return this.#models.get(name)?.call(method, request) ?? {};
  }

  /** A container of the pod has been started: its volumes have to be there. */
  started(pods: readonly Pod[], uid: string): void {
    const pod = pods.find(({ metadata }) => metadata?.uid === uid);
    const isByDriver = (pod?.spec?.volumes ?? []).filter(
      (volume) => volume.csi !== undefined || (pod !== undefined && claimOfVolume(pod, volume) !== undefined),
    );
    const published = [...this.#models.values()].flatMap(({ published: paths }) => [...paths.keys()]);
    const own = published.filter((path) => uidIn(path) === uid);
    if (own.length < isByDriver.length)
      this.#faults.push(`a container of ${pod?.metadata?.name} starts before its volumes are there`);
  }

  faults(): readonly string[] {
    return [...this.#faults, ...[...this.#models.values()].flatMap(({ faults }) => faults)];
  }

  /** What is left of pods that nobody knows. */
  leaks(known: ReadonlySet<string | undefined>): string[] {
    return [...this.#models.values()].flatMap(({ staged, published }) => [
      ...[...published].flatMap(([path, volume]) => (known.has(uidIn(path)) ? [] : [`${volume} published at ${path}`])),
      ...(known.size === 0 ? [...staged.keys()].map((volume) => `${volume} is staged`) : []),
    ]);
  }
}

function uidIn(path: string): string {
  return /\/pods\/([^/]+)\//.exec(path)?.[1] ?? '';
}
