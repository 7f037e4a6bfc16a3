// The CSIDriver objects: what drivers want of those who mount their volumes.
import type { CSIDriver } from '@drydock/api/generated/types.ts';
import { csiDrivers } from '@drydock/api/resource.ts';
import { Informer, type InformerPorts } from '@drydock/client/informer.ts';
import { MountPending } from './mount-failure.ts';

/** How long is waited for the first list. */
const firstListMs = 5_000;

export class DriverObjects {
  readonly #ports: InformerPorts;
  readonly #signal: AbortSignal;
  #informer: Informer<CSIDriver> | undefined;

  /** Follows until `signal` aborts. */
  constructor(ports: InformerPorts, signal: AbortSignal) {
    this.#ports = ports;
    this.#signal = signal;
  }

  /** Undefined where the driver has no object. Throws MountPending where that is not known in time. */
  async find(driver: string): Promise<CSIDriver | undefined> {
    const informer = this.follow();
    const late = new AbortController();
    await Promise.race([informer.synced(), this.#ports.clock.sleep(firstListMs, late.signal).catch(() => {})]);
    late.abort();
    if (!informer.hasSynced) throw new MountPending('CSIDrivers has not been synced yet');
    return this.peek(driver);
  }

  /** As far as is known. */
  peek(driver: string): CSIDriver | undefined {
    return this.#informer?.get({ name: driver });
  }

  /** From now on; a simulated node does so from the first volume on, as there are many, and few have any. */
  follow(): Informer<CSIDriver> {
    if (this.#informer !== undefined) return this.#informer;
    this.#informer = new Informer(csiDrivers, this.#ports);
    void this.#informer.run(this.#signal);
    return this.#informer;
  }
}
