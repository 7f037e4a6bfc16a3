// The kube-controller-manager process: upstream's flags into a set of running controllers, under one lease.
import { hostname } from 'node:os';
import process from 'node:process';
import { builtInResources, servedResources } from '@drydock/controllers/common/resource-list.ts';
import { managerControllers } from '@drydock/controllers/controllers.ts';
import { isEnabled } from '@drydock/controllers/enabled.ts';
import { startManager } from '@drydock/controllers/manager-process.ts';
import { startFeatureGates } from '@drydock/foundation/feature-gates.ts';
import { runProgram } from '@drydock/foundation/program.ts';
import { flags, ignoredFlags } from './flags.ts';
import { managerOptions } from './options.ts';

/** The gates that a controller here hangs on. */
const actedOn = ['MaxUnavailableStatefulSet', 'HPAScaleToZero', 'HPAConfigurableTolerance'] as const;
const collector = { name: 'garbage-collector-controller', alias: 'garbagecollector' };

await runProgram({
  name: 'kube-controller-manager',
  flags,
  dialect: { style: 'pflag', ignored: ignoredFlags },
  async start(context) {
    const { values: v } = context.flags;
    const gates = startFeatureGates(v['feature-gates'], 'components', actedOn, context.log);
    const options = managerOptions(v, gates);
    const manager = {
      component: 'kube-controller-manager',
      set: managerControllers,
      enabled:
        v['enable-garbage-collector'] || !isEnabled(collector, v.controllers)
          ? v.controllers
          : ['-garbagecollector', ...v.controllers],
      optionsOf: async (client: Parameters<typeof servedResources>[0]) => {
        const resources = await servedResources(client, builtInResources('list', 'watch', 'delete'));
        context.log.info({ resources: resources.length }, 'resources that the apiserver serves');
        return { ...options, resources };
      },
      host: { name: hostname(), memoryUsage: () => process.memoryUsage() },
    };
    await startManager(manager, v, context);
  },
});
