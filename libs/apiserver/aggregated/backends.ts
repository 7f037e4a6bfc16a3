// Which APIServices lead to another server, and how that is reached.
import { serviceOfSlice } from '@drydock/api/endpoint-slices.ts';
import type { APIService, EndpointSlice, Service } from '@drydock/api/generated/types.ts';
import { apiServices, endpointSlices, services } from '@drydock/api/resource.ts';
import { groups } from '@drydock/api/scheme.ts';
import { apiError } from '@drydock/api/status.ts';
import type { Caches } from '../registry/caches.ts';
import { type BackendPlace, backendPlace, type NoPlace } from './place.ts';

export interface BackendOptions {
  readonly caches: Caches;
  /** --proxy-client-cert-file, --proxy-client-key-file: PEM texts. */
  readonly clientPair: { readonly cert: string; readonly key: string } | undefined;
  /** --enable-aggregator-routing. */
  readonly toEndpoints: boolean;
  readonly pick: (count: number) => number;
}

/** Of node:tls. */
export interface BackendTls {
  readonly servername: string;
  readonly rejectUnauthorized: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export class Backends {
  readonly #options: BackendOptions;

  constructor(options: BackendOptions) {
    this.#options = options;
  }

  /**
   * The APIService that gives `group/version` to another server. What is built in here is never given away. Fails while that is not
   * known: whoever cleans up after what is gone must not be told that it is.
   */
  find(group: string, version: string): APIService | undefined {
    if (isLocal(group, version)) return undefined;
    this.mustBeKnown();
    const found = this.#options.caches.peek(apiServices, '', `${version}.${group}`);
    return found?.spec?.service === undefined ? undefined : found;
  }

  /** Fails with Unavailable where the APIServices are not known yet, or for the moment. */
  mustBeKnown(): void {
    if (this.isKnown) return;
    const message = 'the request has been made before all known HTTP paths have been installed, please re-issue the request';
    throw apiError('ServiceUnavailable', message, { retryAfterSeconds: 5 });
  }

  get isKnown(): boolean {
    return this.#options.caches.of(apiServices).ready;
  }

  /** All of them, as far as they are known. */
  remote(): APIService[] {
    const all = [...this.#options.caches.list<APIService>(apiServices)];
    return all.filter(({ spec }) => spec?.service !== undefined && !isLocal(spec.group ?? '', spec.version ?? ''));
  }

  /** Fails where the store cannot be read. */
  async follow(): Promise<void> {
    await Promise.all([services, endpointSlices].map((resource) => this.#options.caches.of(resource).start()));
  }

  serviceOf({ spec }: APIService): Service | undefined {
    const { namespace = '', name = '' } = spec?.service ?? {};
    return this.#options.caches.peek(services, namespace, name);
  }

  slicesOf({ spec }: APIService): EndpointSlice[] {
    const { namespace = '', name = '' } = spec?.service ?? {};
    const all = [...this.#options.caches.list<EndpointSlice>(endpointSlices, namespace)];
    return all.filter((slice) => serviceOfSlice(slice) === name);
  }

  placeOf(apiService: APIService): BackendPlace | NoPlace {
    const { toEndpoints, pick } = this.#options;
    const service = this.serviceOf(apiService);
    const slices = toEndpoints ? this.slicesOf(apiService) : [];
    return backendPlace({ reference: apiService.spec?.service ?? {}, service, slices, toEndpoints, pick });
  }

  tlsOf({ spec }: APIService): BackendTls {
    const { name = '', namespace = '' } = spec?.service ?? {};
    return {
      servername: `${name}.${namespace}.svc`,
      rejectUnauthorized: spec?.insecureSkipTLSVerify !== true,
      ...(spec?.caBundle ? { ca: Buffer.from(spec.caBundle, 'base64').toString() } : {}),
      ...this.#options.clientPair,
    };
  }
}

function isLocal(group: string, version: string): boolean {
  return groups.some((each) => each.name === group && each.versions.includes(version));
}
