// Cluster addresses: each is an IPAddress object, so that two apiservers cannot hand out the same one
// (pkg/registry/core/service/ipallocator).
import type { IPAddress } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { type Clock, formatTime } from '@drydock/foundation/clock.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { Caches } from '../registry/caches.ts';
import { objectKey } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { IpRange } from './ip-range.ts';

export const ipAddresses = {
  group: 'networking.k8s.io',
  version: 'v1',
  resource: 'ipaddresses',
  kind: 'IPAddress',
  namespaced: false,
};

export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

/** Random picks before the range is walked from a random start. */
const randomPicksMax = 16;

export class IpAllocator {
  readonly range: IpRange;
  readonly #objects: ObjectStore;
  readonly #caches: Caches;
  readonly #clock: Clock;
  readonly #random: RandomStream;

  constructor(range: IpRange, objects: ObjectStore, caches: Caches, clock: Clock, random: RandomStream) {
    this.range = range;
    this.#objects = objects;
    this.#caches = caches;
    this.#clock = clock;
    this.#random = random;
  }

  /** Takes `address` for the service; false where it is taken. */
  async allocate(address: string, service: ServiceName): Promise<boolean> {
    const object: IPAddress = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IPAddress',
      metadata: {
        name: address,
        uid: this.#random.uuid(),
        creationTimestamp: formatTime(this.#clock.wallMs()),
        labels: {
          'ipaddress.kubernetes.io/ip-family': this.range.family,
          'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
        },
      },
      spec: { parentRef: { resource: 'services', namespace: service.namespace, name: service.name } },
    };
    return (await this.#objects.create(objectKey(ipAddresses, '', address), object as KubeObject)) !== undefined;
  }

  /** Takes a free address; undefined where the range is full. */
  async allocateNext(service: ServiceName): Promise<string | undefined> {
    await this.#caches.of(ipAddresses).start();
    const from = this.range.dynamicOffset;
    return (await this.#pick(from, this.range.size, service)) ?? (await this.#pick(1n, from - 1n, service));
  }

  /** A free address with an offset from `first` to `last`. */
  async #pick(first: bigint, last: bigint, service: ServiceName): Promise<string | undefined> {
    const count = last - first + 1n;
    if (count <= 0n) return undefined;
    const span = Number(count > 2n ** 31n ? 2n ** 31n : count);
    for (let i = 0; i < Math.min(randomPicksMax, span); i++) {
      const address = this.range.at(first + BigInt(this.#random.int(span)));
      if (!this.#known(address) && (await this.allocate(address, service))) return address;
    }
    const start = this.#random.int(span);
    for (let i = 0; i < span; i++) {
      const address = this.range.at(first + BigInt((start + i) % span));
      if (!this.#known(address) && (await this.allocate(address, service))) return address;
    }
    return undefined;
  }

  #known(address: string): boolean {
    return this.#caches.peek(ipAddresses, '', address) !== undefined;
  }

  /** Gives an address back, if it is that service's. */
  async release(address: string, service: ServiceName): Promise<void> {
    await this.#objects.update(objectKey(ipAddresses, '', address), undefined, (current) => {
      const ref = (current?.object as IPAddress | undefined)?.spec?.parentRef;
      if (current === undefined || ref?.namespace !== service.namespace || ref.name !== service.name) return { keep: true };
      return { remove: true, object: current.object };
    });
  }
}
