// The zone's view of the cluster, on informers.
import { serviceOfSlice } from '@drydock/api/endpoint-slices.ts';
import type { EndpointSlice, Namespace, Service } from '@drydock/api/generated/types.ts';
import { endpointSlices, namespaces, services } from '@drydock/api/resource.ts';
import type { Informer } from '@drydock/client/informer.ts';
import type { InformerFactory } from '@drydock/client/informer-factory.ts';
import { canonicalIP } from './canonical-ip.ts';
import type { ClusterView } from './zone.ts';

const byService = 'service';
const byIP = 'ip';

export class InformerView implements ClusterView {
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #namespaces: Informer<Namespace>;

  constructor(factory: InformerFactory) {
    this.#services = factory.of(services);
    this.#slices = factory.of(endpointSlices);
    this.#namespaces = factory.of(namespaces);
    this.#services.index(byIP, ({ spec }) => (spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : [])).map(canonicalIP));
    this.#slices.index(byService, (slice) => {
      const name = serviceOfSlice(slice);
      return name === undefined ? [] : [`${slice.metadata?.namespace}/${name}`];
    });
    this.#slices.index(byIP, ({ endpoints }) => [
      ...new Set((endpoints ?? []).flatMap(({ addresses }) => addresses.map(canonicalIP))),
    ]);
  }

  get ready(): boolean {
    return this.#services.hasSynced && this.#slices.hasSynced && this.#namespaces.hasSynced;
  }

  service(namespace: string, name: string): Service | undefined {
    return this.#services.get({ namespace, name });
  }

  hasNamespace(namespace: string): boolean {
    return this.#namespaces.get({ name: namespace }) !== undefined;
  }

  slices(namespace: string, name: string): Iterable<EndpointSlice> {
    return this.#slices.lookup(byService, `${namespace}/${name}`);
  }

  servicesByIP(ip: string): Iterable<Service> {
    return this.#services.lookup(byIP, ip);
  }

  slicesByIP(ip: string): Iterable<EndpointSlice> {
    return this.#slices.lookup(byIP, ip);
  }
}
