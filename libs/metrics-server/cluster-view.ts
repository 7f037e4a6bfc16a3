// The nodes and the running pods, as the API server has them: who is measured, and under which labels. Of each only what is used is kept.
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import { nodes, pods } from '@drydock/api/resource.ts';
import { matchesLabels, type ParsedLabelSelector } from '@drydock/api/selectors/label.ts';
import { Informer, type InformerPorts } from '@drydock/client/informer.ts';
import type { PodId } from './points.ts';

export class ClusterView {
  readonly #nodes: Informer<Node>;
  readonly #pods: Informer<Pod>;
  readonly #selector: ParsedLabelSelector;

  /** @param selector --node-selector: other nodes do not exist here. */
  constructor(ports: InformerPorts, selector: ParsedLabelSelector) {
    this.#selector = selector;
    this.#nodes = new Informer(nodes, ports, { transform: nodeParts });
    this.#pods = new Informer(pods, ports, { fieldSelector: 'status.phase=Running', transform: podParts });
    this.#pods.index('namespace', ({ metadata }) => [metadata?.namespace ?? '']);
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#nodes.run(signal), this.#pods.run(signal)]);
  }

  async synced(): Promise<void> {
    await Promise.all([this.#nodes.synced(), this.#pods.synced()]);
  }

  /** Which of the two has no first list yet. */
  get missing(): 'node' | 'pod' | undefined {
    if (!this.#nodes.hasSynced) return 'node';
    return this.#pods.hasSynced ? undefined : 'pod';
  }

  nodes(): Node[] {
    return [...this.#nodes.list()].filter(({ metadata }) => matchesLabels(this.#selector, metadata?.labels));
  }

  node(name: string): Node | undefined {
    return this.#nodes.get({ name });
  }

  /** Of one namespace, or of all where it is empty. */
  pods(namespace: string): Iterable<Pod> {
    return namespace === '' ? this.#pods.list() : this.#pods.lookup('namespace', namespace);
  }

  pod(namespace: string, name: string): Pod | undefined {
    return this.#pods.get({ namespace, name });
  }

  /** Undefined where no such pod runs. */
  nodeOfPod(id: PodId): string | undefined {
    const [namespace = '', name = ''] = id.split('/');
    return this.pod(namespace, name)?.spec?.nodeName;
  }
}

function nodeParts({ apiVersion, kind, metadata, status }: Node): Node {
  const { addresses, conditions, daemonEndpoints } = status ?? {};
  const { annotations, ...own } = identityOf(metadata);
  return { apiVersion, kind, metadata: { ...own, annotations }, status: { addresses, conditions, daemonEndpoints } };
}

function podParts({ apiVersion, kind, metadata, spec }: Pod): Pod {
  const { annotations: _unread, ...own } = identityOf(metadata);
  return { apiVersion, kind, metadata: own, spec: { nodeName: spec?.nodeName, containers: [] } };
}

function identityOf({ namespace, name, uid, resourceVersion, labels, annotations }: NonNullable<Node['metadata']> = {}) {
  return { namespace, name, uid, resourceVersion, labels, annotations };
}
