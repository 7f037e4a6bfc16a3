// The kube-scheduler process: upstream's flags into one scheduler, under one lease.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import process from 'node:process';
import { startServing } from '@drydock/client/component-serving.ts';
import { connect } from '@drydock/client/connect.ts';
import { kubeconfigOfFlag } from '@drydock/client/kubeconfig-flag.ts';
import { checkTimings } from '@drydock/client/leader-election.ts';
import { leaderService } from '@drydock/client/leader-service.ts';
import type { Leadership } from '@drydock/client/leadership.ts';
import { startRate } from '@drydock/client/rate-flags.ts';
import { startFeatureGates } from '@drydock/foundation/feature-gates.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import { runProgram, StartupError } from '@drydock/foundation/program.ts';
import { defaultSchedulerConfig, parseSchedulerConfig, type SchedulerConfig } from '@drydock/scheduler/config.ts';
import { ConfigError } from '@drydock/scheduler/config-error.ts';
import { SchedulerRun } from '@drydock/scheduler/run.ts';
import { flags, ignoredFlags } from './flags.ts';

await runProgram({
  name: 'kube-scheduler',
  flags,
  dialect: { style: 'pflag', ignored: ignoredFlags },
  async start({ flags: { values: v, given }, log, clock, random, lifecycle, fatal }) {
    startFeatureGates(v['feature-gates'], 'components', [], log);
    const config = v.config === '' ? defaultSchedulerConfig : configFile(v.config);
    for (const field of config.withoutEffect) log.warn({ field }, 'field accepted but it has no effect here');
    const { leaderElect, timings, lease } = electionOf(config, v, given);
    const wrong = leaderElect ? checkTimings(timings) : undefined;
    if (wrong !== undefined) throw new StartupError(wrong);

    const { kubeconfig, qps, burst } = config.clientConnection;
    const rate = v.config === '' ? startRate(v['kube-api-qps'], v['kube-api-burst']) : startRate(qps, burst);
    const clientConfig = await kubeconfigOfFlag(v.kubeconfig || kubeconfig);
    const client = await connect(clientConfig, { clock, random, userAgent: 'kube-scheduler' });
    const run = new SchedulerRun(config, { client, rate, clock, random, log });
    let leading = false;

    await startServing('kube-scheduler', v, { clock, random, log, lifecycle }, () => metricsText(leading, lease.name, run));
    const lead = (leadership: Leadership): void => {
      leading = true;
      run.lead(leadership).catch((error) => {
        if (!leadership.held.aborted) fatal(error, 'the scheduler could not start');
      });
    };
    await lifecycle.start(
      leaderService({
        name: 'scheduler',
        client,
        clock,
        random,
        log,
        lease,
        timings,
        elects: leaderElect,
        host: hostname(),
        follow: (signal) => run.follow(signal),
        lead,
        fatal,
      }),
    );
  },
});

/** Flags that are given win over the file, the file over the flags' defaults. */
function electionOf({ leaderElection: file }: SchedulerConfig, v: Values<typeof flags>, given: ReadonlySet<string>) {
  const pick = <N extends keyof typeof v, T>(flag: N, fromFile: T | undefined): (typeof v)[N] | T =>
    given.has(flag) ? v[flag] : (fromFile ?? v[flag]);
  return {
    leaderElect: pick('leader-elect', file.leaderElect),
    timings: {
      leaseDurationMs: pick('leader-elect-lease-duration', file.leaseDurationMs),
      renewDeadlineMs: pick('leader-elect-renew-deadline', file.renewDeadlineMs),
      retryPeriodMs: pick('leader-elect-retry-period', file.retryPeriodMs),
    },
    lease: {
      name: pick('leader-elect-resource-name', file.resourceName),
      namespace: pick('leader-elect-resource-namespace', file.resourceNamespace),
    },
  };
}

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
