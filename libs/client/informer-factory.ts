// One informer per resource and process, whoever asks.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { groupResourceOf } from '@drydock/api/resource.ts';
import { Informer, type InformerOptions, type InformerPorts } from './informer.ts';

export class InformerFactory {
  readonly #ports: InformerPorts;
  readonly #informers = new Map<string, Informer<KubeObject>>();
  readonly #running: Promise<void>[] = [];
  #signal: AbortSignal | undefined;

  constructor(ports: InformerPorts) {
    this.#ports = ports;
  }

  /** The informer of a resource; the same arguments give the same one. Starts at once where `start` has been called. */
  of<T extends KubeObject>(resource: Resource<T>, options: Omit<InformerOptions<T>, 'transform'> = {}): Informer<T> {
    const known = this.#informers.has(nameOf('full', resource, options));
    const informer = this.#get('full', resource, options);
    const metadata = this.#informers.get(nameOf('metadata', resource, options));
    // Metadata alone was asked for first: from now on one watch serves both.
    if (!known && metadata !== undefined) metadata.feedFrom(informer as unknown as Informer<KubeObject>);
    if (!known && this.#signal !== undefined) this.#running.push(informer.run(this.#signal));
    return informer;
  }

  /** As `of`, where metadata is enough: what nobody reads in full is kept without its content. */
  metadataOf(resource: Resource): Informer<KubeObject> {
    const full = this.#informers.get(nameOf('full', resource, {}));
    if (full !== undefined) return full;
    const known = this.#informers.has(nameOf('metadata', resource, {}));
    const informer = this.#get('metadata', resource, { transform: metadataOnly });
    if (!known && this.#signal !== undefined) this.#running.push(informer.run(this.#signal));
    return informer;
  }

  /** Starts every informer, and those asked for later, until the signal aborts. */
  start(signal: AbortSignal): void {
    if (this.#signal !== undefined) return;
    this.#signal = signal;
    for (const informer of this.#informers.values()) this.#running.push(informer.run(signal));
  }

  /** Resolves when every informer there is has its first list. */
  async synced(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.synced()));
  }

  /** Resolves when every informer there is shows everything that was committed before this call. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.refresh()));
  }

  /** Resolves when all have ended; call it after the signal has aborted. */
  async stopped(): Promise<void> {
    await Promise.all(this.#running);
  }

  #get<T extends KubeObject>(kept: string, resource: Resource<T>, options: InformerOptions<T>): Informer<T> {
    const name = nameOf(kept, resource, options);
    const known = this.#informers.get(name) as Informer<T> | undefined;
    if (known !== undefined) return known;
    const informer = new Informer(resource, this.#ports, options);
    this.#informers.set(name, informer as unknown as Informer<KubeObject>);
    return informer;
  }
}

function nameOf<T extends KubeObject>(kept: string, resource: Resource<T>, options: InformerOptions<T>): string {
  const { namespace, labelSelector, fieldSelector } = options;
  return JSON.stringify([kept, groupResourceOf(resource), resource.version, namespace, labelSelector, fieldSelector]);
}

function metadataOnly(object: KubeObject): KubeObject {
  const { apiVersion, kind, metadata } = object;
  const { managedFields: _dropped, ...kept } = metadata ?? {};
  return { apiVersion, kind, metadata: kept };
}
