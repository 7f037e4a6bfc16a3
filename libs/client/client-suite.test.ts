// The compliance suite of the ApiClient port: in memory always; on real apiservers where kubeconfigs are named, e.g.
// DRYDOCK_TEST_KUBECONFIGS=upstream.kubeconfig,ours-grpc.kubeconfig (separated by commas).
import process from 'node:process';
import type { Namespace } from '@drydock/api/generated/types.ts';
import { namespaces } from '@drydock/api/resource.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { connect } from './connect.ts';
import { clientSuite } from './testing/client-suite.ts';
import { MemoryApi } from './testing/memory-api.ts';

clientSuite('memory', async () => {
  const clock = new VirtualClock();
  const client = new MemoryApi({ clock, random: new SeededRandom(1) });
  return { client, namespace: 'default', pass: (ms) => clock.advanceAsync(ms), compact: () => client.store.compact() };
});

for (const path of (process.env.DRYDOCK_TEST_KUBECONFIGS ?? '').split(',').filter((text) => text !== '')) {
  clientSuite(path, async () => {
    const client = await connect(path, { clock: new SystemClock(), random: new SystemRandom() });
    const made = await client.create<Namespace>(namespaces, { metadata: { generateName: 'client-suite-' } });
    return { client, namespace: made.metadata?.name ?? '' };
  });
}
