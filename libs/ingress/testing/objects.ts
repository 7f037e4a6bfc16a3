// Objects of an API server for tests, in few words.
import { serviceNameLabel, serviceOfSlice } from '@drydock/api/endpoint-slices.ts';
import type { EndpointSlice, HTTPIngressPath, Ingress, Secret, Service } from '@drydock/api/generated/types.ts';
import type { Observed } from '../plan.ts';

export const prefix = 'nginx.ingress.kubernetes.io';

/** A path to port 80 of a Service: `Prefix /foo web`. */
export function path(text: string): HTTPIngressPath {
  const [pathType = '', at = '/', name = 'web'] = text.split(' ');
  return { pathType, path: at, backend: { service: { name, port: { number: 80 } } } };
}

export interface IngressText {
  readonly name?: string;
  readonly namespace?: string;
  readonly host?: string;
  /** As `path` reads them. */
  readonly paths?: readonly string[];
  /** Without the prefix. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly tls?: NonNullable<Ingress['spec']>['tls'];
  /** Seconds after the hour it was made at. */
  readonly age?: number;
  readonly spec?: Ingress['spec'];
}

export function ingress(text: IngressText): Ingress {
  const { name = 'web', namespace = 'default', annotations = {}, age = 0 } = text;
  const rule = { ...(text.host === undefined ? {} : { host: text.host }), http: { paths: (text.paths ?? []).map(path) } };
  return {
    metadata: {
      name,
      namespace,
      uid: `uid-${namespace}-${name}`,
      creationTimestamp: `2026-01-01T00:00:${String(age).padStart(2, '0')}Z`,
      annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`${prefix}/${key}`, value])),
    },
    spec: {
      ...(text.paths === undefined ? {} : { rules: [rule] }),
      ...(text.tls === undefined ? {} : { tls: text.tls }),
      ...text.spec,
    },
  };
}

/** A Service with port 80 named http, to 8080. */
export function service(name: string, spec: Service['spec'] = {}): Service {
  return {
    metadata: { name, namespace: 'default' },
    spec: { clusterIP: '10.96.0.5', ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }], ...spec },
  };
}

export function slice(service: string, addresses: readonly string[], port = 8080): EndpointSlice {
  return {
    metadata: { name: `${service}-1`, namespace: 'default', labels: { [serviceNameLabel]: service } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  };
}

export function secret(name: string, data: Readonly<Record<string, string>>): Secret {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
  return { metadata: { name, namespace: 'default' }, data: Object.fromEntries(encoded) };
}

/** A cluster with these objects. */
export function cluster(
  ingresses: readonly Ingress[],
  services: readonly Service[] = [service('web')],
  slices: readonly EndpointSlice[] = services.map(({ metadata }) => slice(metadata?.name ?? '', ['10.244.1.5'])),
  secrets: readonly Secret[] = [],
): Observed {
  const named = <T extends Service | Secret>(list: readonly T[], namespace: string, name: string) =>
    list.find(({ metadata }) => metadata?.namespace === namespace && metadata.name === name);
  return {
    ingresses,
    service: (namespace, name) => named(services, namespace, name),
    slices: (namespace, name) =>
      slices.filter((slice) => slice.metadata?.namespace === namespace && serviceOfSlice(slice) === name),
    secret: (namespace, name) => named(secrets, namespace, name),
  };
}
