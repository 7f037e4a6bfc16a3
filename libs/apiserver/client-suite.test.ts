// The compliance suite of the ApiClient port on a whole apiserver of ours, over both of its wires: what the API in memory promises to
// the tests of controllers, scheduler and kubelet is what they meet in a cluster.
import type { Namespace } from '@drydock/api/generated/types.ts';
import { namespaces } from '@drydock/api/resource.ts';
import { connect } from '@drydock/client/connect.ts';
import { clientSuite } from '@drydock/client/testing/client-suite.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { afterAll, beforeAll } from 'vitest';
import { freePort, WireServer } from './testing/wire.ts';

let server: WireServer;
beforeAll(async () => {
  server = await WireServer.start({ grpcPort: await freePort() });
  await server.operator();
}, 60_000);
afterAll(() => server.stop());

for (const transport of ['grpc', 'rest'] as const) {
  clientSuite(transport, async () => {
    const config = await server.clientConfig(transport, 'operator');
    const client = await connect(config, { clock: new SystemClock(), random: new SystemRandom() });
    const made = await client.create<Namespace>(namespaces, { metadata: { generateName: 'client-suite-' } });
    return { client, namespace: made.metadata?.name ?? '' };
  });
}
