// What a crash between allocating and storing leaves behind: addresses and ports that no service uses, and the reverse.
import type { IPAddress, Service } from '@drydock/api/generated/types.ts';
import { services } from '@drydock/api/resource.ts';
import { type Clock, parseTime } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Caches } from '../registry/caches.ts';
import { type IpAllocator, ipAddresses } from './ip-allocator.ts';
import type { PortAllocator } from './port-allocator.ts';

/** How long an address may have no service: a create may be under way. */
const graceMs = 60_000;
/** Upstream's interval between repairs. */
export const repairIntervalMs = 180_000;

export interface RepairParts {
  readonly ips: IpAllocator;
  readonly ports: PortAllocator;
  readonly caches: Caches;
  readonly clock: Clock;
  readonly log: Log;
}

export class Repair {
  readonly #parts: RepairParts;
  /** Ports without a service at the last pass; a port is given back at the second. */
  #suspects = new Set<number>();

  constructor(parts: RepairParts) {
    this.#parts = parts;
  }

  /** One pass. */
  async run(): Promise<void> {
    const { caches, ips, ports, clock, log } = this.#parts;
    await Promise.all([caches.of(services).start(), caches.of(ipAddresses).start()]);
    const used = new Map<string, Service>();
    const usedPorts = new Set<number>();
    for (const service of caches.list<Service>(services)) {
      const address = service.spec?.clusterIP ?? '';
      if (address !== '' && address !== 'None') used.set(address, service);
      for (const port of service.spec?.ports ?? []) if (port.nodePort) usedPorts.add(port.nodePort);
      if (service.spec?.healthCheckNodePort) usedPorts.add(service.spec.healthCheckNodePort);
    }
    for (const address of caches.list<IPAddress>(ipAddresses)) {
      const name = address.metadata?.name ?? '';
      const ref = address.spec?.parentRef;
      const owner = used.get(name);
      const fits = owner?.metadata?.namespace === ref?.namespace && owner?.metadata?.name === ref?.name && owner !== undefined;
      const age = clock.wallMs() - (parseTime(address.metadata?.creationTimestamp as string | undefined) ?? 0);
      if (fits || age < graceMs || ref === undefined) continue;
      log.warn({ address: name }, 'releasing an address that no service uses');
      await ips.release(name, { namespace: ref.namespace ?? '', name: ref.name });
    }
    for (const [address, service] of used) {
      const { namespace = '', name = '' } = service.metadata ?? {};
      if (caches.peek(ipAddresses, '', address) === undefined && ips.range.contains(address))
        await ips.allocate(address, { namespace, name });
    }
    await this.#repairPorts(usedPorts, ports);
  }

  async #repairPorts(used: ReadonlySet<number>, ports: PortAllocator): Promise<void> {
    const taken = await ports.taken();
    const leaked = taken.filter((port) => !used.has(port));
    await ports.release(leaked.filter((port) => this.#suspects.has(port)));
    this.#suspects = new Set(leaked);
    for (const port of used) if (!taken.includes(port)) await ports.allocate(port);
  }
}
