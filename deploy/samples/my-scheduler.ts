// A scheduler of one's own: each pod that asks for `schedulerName: my-scheduler` goes to the ready node that has the fewest pods.
//
//   eval "$(./drydock env)" && npx node deploy/samples/my-scheduler.ts        (it runs until Ctrl-C)
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import { type KubeObject, nodes, pods } from '@drydock/api/resource.ts';
import { connect } from '@drydock/client/connect.ts';
import { EventRecorder, referenceTo } from '@drydock/client/events.ts';
import { sleepOn } from '@drydock/foundation/clock.ts';
import { createLog } from '@drydock/foundation/pino-log.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';

const [clock, log] = [new SystemClock(), createLog('my-scheduler')];
const client = await connect(process.env.KUBECONFIG ?? '', { clock, random: new SystemRandom(), userAgent: 'my-scheduler' });
const events = new EventRecorder({ client, clock, log, component: 'my-scheduler' });

const wellOff = ({ spec, status }: Node): boolean =>
  !spec?.unschedulable && !spec?.taints?.length && !!status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True');

async function place(pod: Pod): Promise<void> {
  const { namespace = '', name = '' } = pod.metadata ?? {};
  const { items: all } = await client.list<Pod>(pods);
  const load = (node: Node): number => all.filter(({ spec }) => spec?.nodeName === node.metadata?.name).length;
  const [node] = (await client.list<Node>(nodes)).items.filter(wellOff).sort((a, b) => load(a) - load(b));
  const target = { apiVersion: 'v1', kind: 'Node', name: node?.metadata?.name };
  if (node === undefined) return events.record(referenceTo(pods, pod), 'Warning', 'FailedScheduling', 'no node is ready');
  const binding: KubeObject = { apiVersion: 'v1', kind: 'Binding', metadata: { namespace, name }, target } as KubeObject;
  await client.create<Pod, KubeObject>(pods, binding, { subresource: 'binding' });
  events.record(referenceTo(pods, pod), 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${target.name}`);
}

/** Pods that have no node yet, at first and as they come; every half minute those that are left are looked at once more. */
const waiting = { fieldSelector: 'spec.schedulerName=my-scheduler,spec.nodeName=', timeoutSeconds: 30 };
for (;;) {
  try {
    for await (const { type, object } of client.watch<Pod>(pods, waiting)) if (type === 'ADDED') await place(object);
  } catch (err) {
    log.warn({ err }, 'not placed, or no answer: again in a second');
    await sleepOn(clock, 1000);
  }
}
