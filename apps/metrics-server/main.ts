// The metrics-server process: upstream's flags into rounds over the kubelets, and the API metrics.k8s.io of what they say.
import { runProgram } from '@drydock/foundation/program.ts';
import { flags, ignoredFlags, refusedFlags } from './flags.ts';
import { startMetricsServer } from './start.ts';

await runProgram({
  name: 'metrics-server',
  flags,
  dialect: { style: 'pflag', ignored: ignoredFlags, refused: refusedFlags },
  async start(context) {
    const { values } = context.flags;
    await startMetricsServer(values, context);
    context.log.info({ port: values['secure-port'], resolutionMs: values['metric-resolution'] }, 'serving metrics.k8s.io');
  },
});
