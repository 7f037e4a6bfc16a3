// Adapter: what `up` does through the API: makes the lab's own objects and follows the nodes until they are Ready.
import { type BootstrapObject, isNodeReady } from './bootstrap.ts';
import { LabError } from './errors.ts';
import { AdminApi } from './machine/api.ts';
import { pause } from './machine/probe.ts';
import type { StartListener } from './starter.ts';
import { membersOf, nodesOf, portOf, type Topology } from './topology.ts';

/** Between attempts of a request that could not be served yet. */
const retryMs = 50;

/**
 * Creates what is missing; retries until an apiserver takes it, or with `once` asks each apiserver once and lets it be.
 * Rejects where an object is refused for good.
 */
export async function createObjects(
  topology: Topology,
  objects: readonly BootstrapObject[],
  once: boolean,
  signal: AbortSignal,
): Promise<void> {
  const apis = apiservers(topology);
  try {
    await Promise.all(
      objects.map((object) => createUntilDone(apis, object, once ? apis.length : Number.POSITIVE_INFINITY, signal)),
    );
  } finally {
    for (const api of apis) api.close();
  }
}

/**
 * Resolves when all nodes are Ready; each node is reported as it becomes Ready. `since` gives for each worker the wall
 * time in milliseconds from which on a report counts: an earlier one is of a kubelet that has died.
 */
export async function waitForNodes(
  topology: Topology,
  since: (worker: string) => number,
  listener: StartListener,
  signal: AbortSignal,
): Promise<void> {
  const waiting = new Set(nodesOf(topology).map((member) => member.name));
  for (const name of waiting) listener(`node ${name}`, 'waiting');
  const apis = apiservers(topology);
  const onEvent = (event: { type: string; object: unknown }): boolean => {
    const name = (event.object as { metadata?: { name?: string } }).metadata?.name ?? '';
    if (event.type !== 'DELETED' && isNodeReady(event.object, since(name)) && waiting.delete(name)) {
      listener(`node ${name}`, 'ready');
    }
    return waiting.size === 0;
  };
  try {
    for (let attempt = 0; waiting.size > 0; attempt++) {
      const seen = await apis[attempt % apis.length]?.watch('/api/v1/nodes?watch=true', onEvent, signal);
      if (seen !== true) await pause(signal, retryMs);
    }
  } finally {
    for (const api of apis) api.close();
  }
}

async function createUntilDone(
  apis: readonly AdminApi[],
  object: BootstrapObject,
  attempts: number,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    signal.throwIfAborted();
    const api = apis[attempt % apis.length];
    const answer = await api?.send('POST', object.path, object.body).catch(() => undefined);
    if (answer?.status === 201) return;
    if (answer?.status === 409 && (await isComplete(api, object))) return;
    // A Service that exists is refused for its address before it is refused for its name.
    if (answer?.status === 422 && answer.body.includes('already allocated')) return;
    if (answer?.status === 400 || answer?.status === 422) {
      throw new LabError('start-failed', `the apiserver refuses ${object.path}: ${answer.body}`);
    }
    await pause(signal, retryMs);
  }
}

/** Gives an object that was there what it lacks; false where that has to be tried again. */
async function isComplete(api: AdminApi | undefined, { completes }: BootstrapObject): Promise<boolean> {
  if (completes === undefined) return true;
  const there = await api?.send('GET', completes.path).catch(() => undefined);
  if (there?.status !== 200) return false;
  if (completes.isComplete(JSON.parse(there.body))) return true;
  return (await api?.send('PATCH', completes.path, completes.body).catch(() => undefined))?.status === 200;
}

/** A connection to each apiserver: `up` does not depend on any one of them, nor on the balancer. */
function apiservers(topology: Topology): AdminApi[] {
  return membersOf(topology, 'apiserver').map(
    (member) => new AdminApi(`https://${member.address}:${portOf(topology, member, 'apiserver-https')}`, topology.paths),
  );
}
