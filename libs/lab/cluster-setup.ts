// Adapter: what `up` does through the API: makes the lab's own objects and follows the nodes until they are Ready.
import { type BootstrapObject, dnsObjects, isNodeReady, nodeObjects } from './bootstrap.ts';
import { LabError } from './errors.ts';
import { AdminApi } from './machine/api.ts';
import { pause } from './machine/probe.ts';
import type { StartListener } from './starter.ts';
import { membersOf, portOf, type Topology } from './topology.ts';

/** Between attempts of a request that could not be served yet. */
const retryMs = 50;

/** Creates what is missing; retries until the apiserver takes it. Rejects where an object is refused for good. */
export async function bootstrapObjectsUntilDone(topology: Topology, signal: AbortSignal): Promise<void> {
  await Promise.all(nodeObjects(topology).map((object) => createUntilDone(topology, object, signal)));
  // The Service waits for its namespace, the kubelets do not wait for the Service.
  dnsReady(topology, signal);
}

const pendingDns = new WeakMap<Topology, Promise<void>>();

function dnsReady(topology: Topology, signal: AbortSignal): void {
  const work = Promise.all(dnsObjects(topology).map((object) => createUntilDone(topology, object, signal))).then(() => {});
  work.catch(() => {});
  pendingDns.set(topology, work);
}

/** Resolves when all workers are Ready and kube-dns exists; each node is reported as it becomes Ready. */
export async function waitForNodes(topology: Topology, listener: StartListener, signal: AbortSignal): Promise<void> {
  const waiting = new Set(membersOf(topology, 'worker').map((member) => member.name));
  for (const name of waiting) listener(`node ${name}`, 'waiting');
  const api = anyApiserver(topology);
  try {
    while (waiting.size > 0) {
      const seen = await api.watch(
        '/api/v1/nodes?watch=true',
        (event) => {
          const { object } = event as { object: { metadata?: { name?: string } } };
          const name = object.metadata?.name ?? '';
          if (event.type !== 'DELETED' && isNodeReady(object) && waiting.delete(name)) listener(`node ${name}`, 'ready');
          return waiting.size === 0;
        },
        signal,
      );
      if (!seen) await pause(signal, retryMs);
    }
    await pendingDns.get(topology);
  } finally {
    api.close();
  }
}

async function createUntilDone(topology: Topology, object: BootstrapObject, signal: AbortSignal): Promise<void> {
  const apis = membersOf(topology, 'apiserver').map(
    (member) => new AdminApi(`https://${member.address}:${portOf(topology, member, 'apiserver-https')}`, topology.paths),
  );
  try {
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      const api = apis[attempt % apis.length];
      const answer = await api?.send('POST', object.path, object.body).catch(() => undefined);
      if (answer !== undefined && (answer.status === 201 || answer.status === 200 || answer.status === 409)) return;
      if (answer !== undefined && (answer.status === 400 || answer.status === 422)) {
        throw new LabError('start-failed', `the apiserver refuses ${object.path}: ${answer.body}`);
      }
      await pause(signal, retryMs);
    }
  } finally {
    for (const api of apis) api.close();
  }
}

function anyApiserver(topology: Topology): AdminApi {
  const [member] = membersOf(topology, 'apiserver');
  if (member === undefined) throw new RangeError('a lab has an apiserver');
  return new AdminApi(`https://${member.address}:${portOf(topology, member, 'apiserver-https')}`, topology.paths);
}
