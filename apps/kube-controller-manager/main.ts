// The kube-controller-manager process: upstream's flags into a set of running controllers, under one lease.
import { hostname } from 'node:os';
import process from 'node:process';
import { delegatedAccess } from '@drydock/client/access/flags.ts';
import { connect } from '@drydock/client/connect.ts';
import { EventRecorder } from '@drydock/client/events.ts';
import type { ClientConfig } from '@drydock/client/kubeconfig.ts';
import { kubeconfigOfFlag } from '@drydock/client/kubeconfig-flag.ts';
import { checkTimings, leadUntil, runElection } from '@drydock/client/leader-election.ts';
import { Leadership } from '@drydock/client/leadership.ts';
import { startRate } from '@drydock/client/rate-flags.ts';
import { servingService } from '@drydock/client/serving.ts';
import { isEnabled, namedButMissing, unknownController } from '@drydock/controllers/enabled.ts';
import { type ManagerPorts, startControllers } from '@drydock/controllers/manager.ts';
import { startFeatureGates } from '@drydock/foundation/feature-gates.ts';
import { runProgram, StartupError } from '@drydock/foundation/program.ts';
import { flags, ignoredFlags } from './flags.ts';
import { managerOptions } from './options.ts';

const collector = { name: 'garbage-collector-controller', alias: 'garbagecollector' };

await runProgram({
  name: 'kube-controller-manager',
  flags,
  dialect: { style: 'pflag', ignored: ignoredFlags },
  async start({ flags: { values: v }, log, clock, random, lifecycle, fatal }) {
    const gates = startFeatureGates(v['feature-gates'], 'components', ['MaxUnavailableStatefulSet'], log);
    const unknown = unknownController(v.controllers);
    if (unknown !== undefined) throw new StartupError(`${JSON.stringify(unknown)} is not in the list of known controllers`);
    const missing = namedButMissing(v.controllers);
    if (missing.length > 0) log.warn({ controllers: missing }, 'these controllers are not part of this program yet');
    const enabled =
      v['enable-garbage-collector'] || !isEnabled(collector, v.controllers)
        ? v.controllers
        : ['-garbagecollector', ...v.controllers];
    const options = managerOptions(v, gates);
    const timings = {
      leaseDurationMs: v['leader-elect-lease-duration'],
      renewDeadlineMs: v['leader-elect-renew-deadline'],
      retryPeriodMs: v['leader-elect-retry-period'],
    };
    const wrong = v['leader-elect'] ? checkTimings(timings) : undefined;
    if (wrong !== undefined) throw new StartupError(wrong);

    const rate = startRate(v['kube-api-qps'], v['kube-api-burst']);

    const config = await kubeconfigOfFlag(v.kubeconfig);
    const client = await connect(config, { clock, random, userAgent: 'kube-controller-manager' });
    const stopped = new AbortController();
    let leading = false;
    const election = { running: Promise.resolve() };

    if (v['secure-port'] !== 0) {
      const access = await delegatedAccess(v, { clock, random, log, userAgent: 'kube-controller-manager' });
      await lifecycle.start(access.service);
      const serving = servingService({
        component: 'kube-controller-manager',
        address: v['bind-address'],
        port: v['secure-port'],
        certFile: v['tls-cert-file'],
        keyFile: v['tls-private-key-file'],
        guard: access.guard,
        clock,
        random: random.stream('serving'),
        unhealthy: () => undefined,
        metrics: () => metricsText(leading, v['leader-elect-resource-name']),
      });
      await lifecycle.start(serving);
    }

    const lead = (leadership: Leadership): void => {
      leading = true;
      const signal = leadership.held;
      const ports: ManagerPorts = {
        client,
        clock,
        random,
        log,
        leadership,
        rate,
        connectAs: v['use-service-account-credentials']
          ? (token) => connect(withToken(config, token), { clock, random, userAgent: 'kube-controller-manager' })
          : undefined,
        recorder: (component, own) => {
          const recorder = new EventRecorder({ client: own, clock, log, component });
          signal.addEventListener('abort', () => void recorder.stop(), { once: true });
          return ({ about, type, reason, message }) => recorder.record(about, type, reason, message);
        },
      };
      startControllers(enabled, options, ports).catch((error) => {
        if (!signal.aborted) fatal(error, 'controllers could not start');
      });
    };

    await lifecycle.start({
      name: 'controllers',
      async start() {
        if (!v['leader-elect']) {
          const alone = new Leadership(clock);
          election.running = leadUntil(alone, stopped.signal);
          lead(alone);
          return;
        }
        election.running = runElection(
          {
            client,
            clock,
            random,
            log,
            lease: { namespace: v['leader-elect-resource-namespace'], name: v['leader-elect-resource-name'] },
            identity: `${hostname()}_${random.stream('identity').uuid()}`,
            timings,
            onStartedLeading: lead,
            // What runs under a lost lease must end at once, whatever it is in the middle of.
            onLost: () => fatal(new Error('leader election lost'), 'leader election lost'),
            onNewLeader: (leader) => log.info({ leader }, 'new leader'),
          },
          stopped.signal,
        );
      },
      async stop() {
        stopped.abort();
        await election.running;
        client.close();
      },
    });
  },
});

/**
 * The same connection in another's name. Over REST a client certificate would win over the token, as upstream has it; on our own
 * wire the token wins.
 */
function withToken(config: ClientConfig, token: string): ClientConfig {
  const named = { ...config, token, tokenFile: undefined };
  return config.server.startsWith('grpcs://') ? named : { ...named, cert: undefined, key: undefined };
}

function metricsText(leading: boolean, lease: string): string {
  const { rss, heapUsed } = process.memoryUsage();
  return [
    '# TYPE leader_election_master_status gauge',
    `leader_election_master_status{name=${JSON.stringify(lease)}} ${leading ? 1 : 0}`,
    '# TYPE process_resident_memory_bytes gauge',
    `process_resident_memory_bytes ${rss}`,
    '# TYPE nodejs_heap_size_used_bytes gauge',
    `nodejs_heap_size_used_bytes ${heapUsed}`,
    '',
  ].join('\n');
}
