// The config maps and secrets that pods of this node refer to, each followed by a watch of its own, as the node authorizer
// allows nothing wider.
import type { ConfigMap, Pod, Secret } from '@drydock/api/generated/types.ts';
import { configMaps, type KubeObject, type Resource, secrets } from '@drydock/api/resource.ts';
import { Informer, type InformerPorts } from '@drydock/client/informer.ts';
import type { References } from '../container/env.ts';
import { everyContainerOf } from '../pod/observation.ts';
import { VolumeError } from './payload.ts';

/** How long a sync waits for the first state of what it refers to. */
const firstStateMs = 5_000;

interface Followed {
  readonly informer: Informer<KubeObject>;
  readonly stop: AbortController;
  readonly users: Set<string>;
}

export class ReferenceCache implements References {
  readonly #ports: InformerPorts;
  readonly #changed: (podUid: string) => void;
  readonly #followed = new Map<string, Followed>();

  constructor(ports: InformerPorts, changed: (podUid: string) => void) {
    this.#ports = ports;
    this.#changed = changed;
  }

  configMap(namespace: string, name: string): ConfigMap | undefined {
    return this.#followed.get(`configmaps/${namespace}/${name}`)?.informer.get({ namespace, name }) as ConfigMap | undefined;
  }

  secret(namespace: string, name: string): Secret | undefined {
    return this.#followed.get(`secrets/${namespace}/${name}`)?.informer.get({ namespace, name }) as Secret | undefined;
  }

  /**
   * Follows what the pod refers to; resolves when the first state of all is there. Throws VolumeError, in upstream's words, where
   * it has not come in time: what is not known is not missing, and what is optional must not be taken from a pod that has it.
   */
  async follow(pod: Pod): Promise<void> {
    const uid = pod.metadata?.uid ?? '';
    const { maps, secretNames } = referencesOf(pod);
    const namespace = pod.metadata?.namespace ?? '';
    const all = [...maps]
      .map((name) => this.#follow(configMaps, namespace, name, uid))
      .concat([...secretNames].map((name) => this.#follow(secrets, namespace, name, uid)));
    const late = new AbortController();
    await Promise.race([
      Promise.all(all.map(({ informer }) => informer.synced())),
      this.#ports.clock.sleep(firstStateMs, late.signal).catch(() => {}),
    ]);
    late.abort();
    const unknown = all.find(({ informer }) => !informer.hasSynced);
    if (unknown !== undefined) {
      const { kind } = unknown.informer.resource;
      throw new VolumeError(`failed to sync ${kind.toLowerCase()} cache: timed out waiting for the condition`);
    }
  }

  release(podUid: string): void {
    for (const [key, followed] of this.#followed) {
      followed.users.delete(podUid);
      if (followed.users.size > 0) continue;
      followed.stop.abort();
      this.#followed.delete(key);
    }
  }

  stop(): void {
    for (const { stop } of this.#followed.values()) stop.abort();
  }

  #follow<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string, uid: string): Followed {
    const key = `${resource.resource}/${namespace}/${name}`;
    let followed = this.#followed.get(key);
    if (followed === undefined) {
      const informer = new Informer(resource, this.#ports, {
        namespace,
        fieldSelector: `metadata.name=${name}`,
      }) as unknown as Informer<KubeObject>;
      const made: Followed = { informer, stop: new AbortController(), users: new Set() };
      this.#followed.set(key, made);
      informer.subscribe(() => {
        for (const user of made.users) this.#changed(user);
      });
      void informer.run(made.stop.signal);
      followed = made;
    }
    followed.users.add(uid);
    return followed;
  }
}

function referencesOf(pod: Pod): { maps: Set<string>; secretNames: Set<string> } {
  const maps = new Set<string>();
  const secretNames = new Set<string>();
  const add = (set: Set<string>, name: string | undefined) => {
    if (name !== undefined && name !== '') set.add(name);
  };
  for (const container of everyContainerOf(pod)) {
    for (const { configMapRef, secretRef } of container.envFrom ?? []) {
      add(maps, configMapRef?.name);
      add(secretNames, secretRef?.name);
    }
    for (const { valueFrom } of container.env ?? []) {
      add(maps, valueFrom?.configMapKeyRef?.name);
      add(secretNames, valueFrom?.secretKeyRef?.name);
    }
  }
  for (const { configMap, secret, projected } of pod.spec?.volumes ?? []) {
    add(maps, configMap?.name);
    add(secretNames, secret?.secretName);
    for (const source of projected?.sources ?? []) {
      add(maps, source.configMap?.name);
      add(secretNames, source.secret?.name);
    }
  }
  return { maps, secretNames };
}
