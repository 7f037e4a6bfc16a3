// Steady work for a lab: deployments with their pods made, exposed, scaled, rolled out and removed, and what they leave behind
// (events) removed too, so that the lab holds the same amount at any time.
import type { Deployment, Service } from '@drydock/api/generated/types.ts';
import { deployments, events, type KubeObject, namespaces, services } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';

const namespace = 'soak';
/** Deployments that live at once; each goes through all steps, one a turn, and is removed. */
const alive = 8;

export class Churn {
  readonly #client: ApiClient;
  #turn = 0;
  #failures = 0;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  get turns(): number {
    return this.#turn;
  }

  get failures(): number {
    return this.#failures;
  }

  async prepare(): Promise<void> {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
    await this.#client.create(namespaces, object).catch((error: unknown) => {
      if (!hasReason(error, 'AlreadyExists')) throw error;
    });
  }

  /** One deployment comes, one is changed, one goes; now and then the events. What fails is counted: a soak is no test of answers. */
  async turn(): Promise<void> {
    const turn = this.#turn++;
    const name = (ago: number) => ({ namespace, name: `churn-${turn - ago}` });
    const steps = [
      this.#client.create(deployments, deployment(name(0).name)),
      this.#client.create(services, service(name(0).name)),
      this.#patch(name(2), { spec: { replicas: 3 } }),
      this.#patch(name(4), { spec: { template: { metadata: { annotations: { rolled: String(turn) } } } } }),
      this.#remove(deployments, name(alive)),
      this.#remove(services, name(alive)),
      ...(turn % 10 === 9 ? [this.#client.deleteCollection(events, { namespace })] : []),
    ];
    for (const { status } of await Promise.allSettled(steps)) if (status === 'rejected') this.#failures++;
  }

  async #patch(key: { namespace: string; name: string }, body: object): Promise<void> {
    if (this.#turn > alive) await this.#client.patch(deployments, key, { type: 'merge', body } as never);
  }

  async #remove(resource: typeof deployments | typeof services, key: { namespace: string; name: string }): Promise<void> {
    if (this.#turn > alive) await this.#client.delete<KubeObject>(resource as never, key);
  }
}

function deployment(name: string): Deployment {
  const labels = { app: name };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'drydock/echo:1' }] } },
    },
  };
}

function service(name: string): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
  };
}
