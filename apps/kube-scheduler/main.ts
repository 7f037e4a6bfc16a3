// The kube-scheduler process: upstream's flags into one scheduler, under one lease.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import process from 'node:process';
import { connect } from '@drydock/client/connect.ts';
import { kubeconfigOfFlag } from '@drydock/client/kubeconfig-flag.ts';
import { checkTimings, leadUntil, runElection } from '@drydock/client/leader-election.ts';
import { Leadership } from '@drydock/client/leadership.ts';
import { servingService } from '@drydock/client/serving.ts';
import { startFeatureGates } from '@drydock/foundation/feature-gates.ts';
import { runProgram, StartupError } from '@drydock/foundation/program.ts';
import { ConfigError, defaultSchedulerConfig, parseSchedulerConfig, type SchedulerConfig } from '@drydock/scheduler/config.ts';
import { SchedulerRun } from '@drydock/scheduler/run.ts';
import { flags, ignoredFlags } from './flags.ts';

await runProgram({
  name: 'kube-scheduler',
  flags,
  dialect: { style: 'pflag', ignored: ignoredFlags },
  async start({ flags: { values: v, given }, log, clock, random, lifecycle, fatal }) {
    startFeatureGates(v['feature-gates'], 'components', [], log);
    const config = v.config === '' ? defaultSchedulerConfig : configFile(v.config);
    const timings = {
      leaseDurationMs: v['leader-elect-lease-duration'],
      renewDeadlineMs: v['leader-elect-renew-deadline'],
      retryPeriodMs: v['leader-elect-retry-period'],
    };
    const leaderElect = given.has('leader-elect') ? v['leader-elect'] : (config.leaderElect ?? v['leader-elect']);
    const wrong = leaderElect ? checkTimings(timings) : undefined;
    if (wrong !== undefined) throw new StartupError(wrong);

    const clientConfig = await kubeconfigOfFlag(v.kubeconfig || config.kubeconfig);
    const client = await connect(clientConfig, { clock, random, userAgent: 'kube-scheduler' });
    const run = new SchedulerRun(config, { client, clock, random, log });
    const stopped = new AbortController();
    let leading = false;
    let election = Promise.resolve();

    if (v['secure-port'] !== 0) {
      const serving = servingService({
        component: 'kube-scheduler',
        address: v['bind-address'],
        port: v['secure-port'],
        certFile: v['tls-cert-file'],
        keyFile: v['tls-private-key-file'],
        clock,
        random: random.stream('serving'),
        unhealthy: () => undefined,
        metrics: () => metricsText(leading, v['leader-elect-resource-name'], run),
      });
      await lifecycle.start(serving);
    }
    const lead = (leadership: Leadership): void => {
      leading = true;
      run.lead(leadership).catch((error) => {
        if (!leadership.held.aborted) fatal(error, 'the scheduler could not start');
      });
    };
    await lifecycle.start({
      name: 'scheduler',
      async start() {
        run.follow(stopped.signal);
        if (!leaderElect) {
          const alone = new Leadership(clock);
          election = leadUntil(alone, stopped.signal);
          lead(alone);
          return;
        }
        election = runElection(
          {
            client,
            clock,
            random,
            log,
            lease: { namespace: v['leader-elect-resource-namespace'], name: v['leader-elect-resource-name'] },
            identity: `${hostname()}_${random.stream('identity').uuid()}`,
            timings,
            onStartedLeading: lead,
            // Bindings decided under a lost lease must not be posted: the process ends, whatever it is in the middle of.
            onLost: () => fatal(new Error('leader election lost'), 'leader election lost'),
            onNewLeader: (leader) => log.info({ leader }, 'new leader'),
          },
          stopped.signal,
        );
      },
      async stop() {
        stopped.abort();
        await election;
        client.close();
      },
    });
  },
});

function configFile(path: string): SchedulerConfig {
  try {
    return parseSchedulerConfig(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof ConfigError || (error instanceof Error && 'code' in error)) {
      throw new StartupError(`--config ${path}: ${error.message}`);
    }
    throw error;
  }
}

function metricsText(leading: boolean, lease: string, run: SchedulerRun): string {
  const pending = Object.entries(run.pendingCounts() ?? {});
  return [
    '# TYPE leader_election_master_status gauge',
    `leader_election_master_status{name=${JSON.stringify(lease)}} ${leading ? 1 : 0}`,
    '# TYPE scheduler_pending_pods gauge',
    ...pending.map(([queue, count]) => `scheduler_pending_pods{queue="${queue}"} ${count}`),
    '# TYPE process_resident_memory_bytes gauge',
    `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
    '',
  ].join('\n');
}
