// The cloud-controller-manager process, with the local provider: upstream's flags into the controllers of a cloud, under one lease.
import { hostname } from 'node:os';
import process from 'node:process';
import { cloudControllers } from '@drydock/controllers/cloud-controllers.ts';
import { startManager } from '@drydock/controllers/manager-process.ts';
import { startFeatureGates } from '@drydock/foundation/feature-gates.ts';
import { runProgram } from '@drydock/foundation/program.ts';
import { flags, ignoredFlags } from './flags.ts';
import { cloudOptions } from './options.ts';

await runProgram({
  name: 'cloud-controller-manager',
  flags,
  dialect: { style: 'pflag', ignored: ignoredFlags },
  async start(context) {
    const { values: v } = context.flags;
    startFeatureGates(v['feature-gates'], 'components', [], context.log);
    const options = await cloudOptions(v);
    const manager = {
      component: 'cloud-controller-manager',
      set: cloudControllers,
      enabled: v.controllers,
      optionsOf: () => options,
      host: { name: hostname(), memoryUsage: () => process.memoryUsage() },
    };
    await startManager(manager, v, context);
  },
});
