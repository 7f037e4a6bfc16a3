// The Service `kubernetes` in the namespace default, and the addresses behind it: every server keeps a lease, and all servers
// whose lease lives are its endpoints (pkg/controlplane/controller/kubernetesservice, reconcilers/lease.go).
import { serviceNameLabel } from '@drydock/api/endpoint-slices.ts';
import type { EndpointSlice, Endpoints, Service } from '@drydock/api/generated/types.ts';
import { endpointSlices, endpoints, type KubeObject, type Resource, services } from '@drydock/api/resource.ts';
import { type Clock, formatTime } from '@drydock/foundation/clock.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { IpAllocator } from '../services/ip-allocator.ts';
import { prefixEnd } from '../storage/etcd-codec.ts';
import { objectKey } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Store } from '../storage/store.ts';

export interface KubernetesServiceOptions {
  readonly store: Store;
  readonly objects: ObjectStore;
  readonly ips: IpAllocator;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly advertiseAddress: string;
  readonly securePort: number;
  /** --endpoint-reconciler-type. */
  readonly reconciler: 'lease' | 'none';
}

const leasePrefix = '/registry/masterleases/';
const leaseSeconds = 15;
/** Upstream's interval between reconciliations. */
export const endpointIntervalMs = 10_000;
const servicePort = 443;
const name = 'kubernetes';
const namespace = 'default';

export class KubernetesService {
  readonly #options: KubernetesServiceOptions;

  constructor(options: KubernetesServiceOptions) {
    this.#options = options;
  }

  /** Makes the Service what it has to be. */
  async ensureService(): Promise<void> {
    const { ips, securePort } = this.#options;
    const clusterIP = ips.range.at(1n);
    const spec: Service['spec'] = {
      clusterIP,
      clusterIPs: [clusterIP],
      internalTrafficPolicy: 'Cluster',
      ipFamilies: [ips.range.family],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'https', port: servicePort, protocol: 'TCP', targetPort: securePort }],
      sessionAffinity: 'None',
      type: 'ClusterIP',
    };
    const labels = { component: 'apiserver', provider: 'kubernetes' };
    const created = await this.#ensure(
      services,
      { labels },
      { spec, status: { loadBalancer: {} } },
      (found) =>
        ({
          ...found,
          spec: { ...(found as Service).spec, ports: spec?.ports, type: 'ClusterIP' },
        }) as KubeObject,
    );
    if (created) await ips.allocate(clusterIP, { namespace, name });
  }

  /** Renews this server's lease and makes the endpoints what the living leases say. */
  async reconcile(): Promise<void> {
    const { store, reconciler, advertiseAddress } = this.#options;
    if (reconciler === 'none') return;
    const lease = await store.grantLease(leaseSeconds);
    const value = Buffer.from(
      JSON.stringify({
        kind: 'Endpoints',
        apiVersion: 'v1',
        metadata: {},
        subsets: [{ addresses: [{ ip: advertiseAddress }] }],
      }),
    );
    await store.txn({ guards: [], writes: [{ op: 'put', key: leasePrefix + advertiseAddress, value, lease }] });
    await this.#publish();
  }

  /** Takes this server out of the endpoints. */
  async leave(): Promise<void> {
    const { store, reconciler, advertiseAddress } = this.#options;
    if (reconciler === 'none') return;
    await store.txn({ guards: [], writes: [{ op: 'delete', key: leasePrefix + advertiseAddress }] });
    await this.#publish();
  }

  async #publish(): Promise<void> {
    const { store, securePort } = this.#options;
    const { kvs } = await store.range({ key: leasePrefix, rangeEnd: prefixEnd(leasePrefix), keysOnly: true });
    const addresses = kvs.map((kv) => kv.key.slice(leasePrefix.length)).sort();
    const ports = [{ name: 'https', port: securePort, protocol: 'TCP' }];
    const subsets: Endpoints['subsets'] = addresses.length === 0 ? [] : [{ addresses: addresses.map((ip) => ({ ip })), ports }];
    await this.#ensure(
      endpoints,
      { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      { subsets },
      (found) => ({ ...found, subsets }) as KubeObject,
    );
    const slice: Partial<EndpointSlice> = {
      addressType: addresses[0]?.includes(':') ? 'IPv6' : 'IPv4',
      endpoints: addresses.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
      ports,
    };
    await this.#ensure(
      endpointSlices,
      { labels: { [serviceNameLabel]: name } },
      slice,
      (found) => ({ ...found, ...slice }) as KubeObject,
    );
  }

  /** Creates or changes the object of that type called `kubernetes`; true where it was created. */
  async #ensure(resource: Resource, meta: object, body: object, change: (found: KubeObject) => KubeObject): Promise<boolean> {
    const { objects, clock, random } = this.#options;
    let created = false;
    await objects.update(objectKey(resource, namespace, name), undefined, (current) => {
      created = current === undefined;
      if (current !== undefined) return { put: change(current.object) };
      const metadata = { name, namespace, uid: random.uuid(), creationTimestamp: formatTime(clock.wallMs()), ...meta };
      const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
      return { put: { kind: resource.kind, apiVersion, metadata, ...body } as KubeObject };
    });
    return created;
  }
}
