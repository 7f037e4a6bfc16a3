// What makes, enlarges and deletes volumes for claims, beside the driver: with an identity of its own, for this node alone, so that no
// lease is needed.
import { connect } from '@drydock/client/connect.ts';
import { EventRecorder } from '@drydock/client/events.ts';
import { kubeconfigOfFlag } from '@drydock/client/kubeconfig-flag.ts';
import { Leadership } from '@drydock/client/leadership.ts';
import { startRate } from '@drydock/client/rate-flags.ts';
import type { VolumeDriver } from '@drydock/controllers/common/volume-driver.ts';
import { type ManagerPorts, startControllers } from '@drydock/controllers/manager.ts';
import { type StorageOptions, storageControllers } from '@drydock/controllers/storage-controllers.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import type { ProgramContext } from '@drydock/foundation/program.ts';
import type { flags } from './flags.ts';

type Context = Pick<ProgramContext<typeof flags>, 'log' | 'clock' | 'random' | 'lifecycle' | 'fatal'>;

/** How long writes under way may take when the process ends. */
const patienceMs = 5_000;

/** Runs until the context's lifecycle ends. Throws StartupError where flags are wrong. */
export async function startProvisioning(driver: VolumeDriver, v: Values<typeof flags>, context: Context): Promise<void> {
  const { log, clock, random, lifecycle, fatal } = context;
  const own = random.stream('csi-local');
  const client = await connect(await kubeconfigOfFlag(v.kubeconfig), { clock, random, userAgent: 'csi-local/drydock' });
  const leadership = new Leadership(clock);
  const recorders: EventRecorder[] = [];
  const ports: ManagerPorts = {
    client,
    connectAs: undefined,
    clock,
    random,
    log,
    leadership,
    rate: startRate(v['kube-api-qps'], v['kube-api-burst']),
    recorder: (component, client) => {
      const recorder = new EventRecorder({ client, clock, log, component });
      recorders.push(recorder);
      return ({ about, type, reason, message }) => recorder.record(about, type, reason, message);
    },
  };
  const { name, nodeName } = driver;
  // Named as upstream's: who it was is told apart, also on one node.
  const identity = `${clock.wallMs()}-${own.int(10_000)}-${name}-${nodeName}`;
  const options: StorageOptions = { driver, identity, random: own, capacityNamespace: v['capacity-namespace'] };
  await lifecycle.start({
    name: 'provisioning',
    async start() {
      const set = storageControllers(name, `${name}_${nodeName}_${own.uuid()}`);
      startControllers(set, ['*'], () => options, ports).catch((error) => {
        if (!leadership.held.aborted) fatal(error, 'controllers could not start');
      });
    },
    async stop() {
      await leadership.giveUp(patienceMs);
      for (const recorder of recorders) await recorder.stop();
      client.close();
    },
  });
}
