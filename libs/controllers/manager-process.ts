// What a controller manager is as a process, whatever its set of controllers: a port about itself, one lease, and under it the
// controllers.
import type { ApiClient } from '@drydock/client/api-client.ts';
import { startServing } from '@drydock/client/component-serving.ts';
import { connect } from '@drydock/client/connect.ts';
import { EventRecorder } from '@drydock/client/events.ts';
import type { ClientConfig } from '@drydock/client/kubeconfig.ts';
import { kubeconfigOfFlag } from '@drydock/client/kubeconfig-flag.ts';
import { checkTimings } from '@drydock/client/leader-election.ts';
import { leaderService } from '@drydock/client/leader-service.ts';
import type { Leadership } from '@drydock/client/leadership.ts';
import { startRate } from '@drydock/client/rate-flags.ts';
import type { FlagSet, Values } from '@drydock/foundation/flags.ts';
import { type ProgramContext, StartupError } from '@drydock/foundation/program.ts';
import { namedButMissing, unknownController } from './enabled.ts';
import type { ControllerSet } from './entry.ts';
import { type ManagerPorts, startControllers } from './manager.ts';
import type { managerFlags } from './manager-flags.ts';

/** The process, as far as it is the operating system's. */
export interface ManagerHost {
  readonly name: string;
  /** Bytes. */
  memoryUsage(): { readonly rss: number; readonly heapUsed: number };
}

export interface Manager<Options> {
  readonly component: string;
  readonly set: ControllerSet<Options>;
  /** What --controllers comes to. */
  readonly enabled: readonly string[];
  /** What the controllers are told; may ask the apiserver. */
  optionsOf(client: ApiClient): Options | Promise<Options>;
  readonly host: ManagerHost;
}

type Context = Pick<ProgramContext<FlagSet>, 'log' | 'clock' | 'random' | 'lifecycle' | 'fatal'>;

/** Starts the manager; its services end with the context's lifecycle. Throws StartupError where flags are wrong. */
export async function startManager<Options>(
  manager: Manager<Options>,
  v: Values<ReturnType<typeof managerFlags>>,
  { log, clock, random, lifecycle, fatal }: Context,
): Promise<void> {
  const { component, set } = manager;
  const unknown = unknownController(v.controllers, set);
  if (unknown !== undefined) throw new StartupError(`${JSON.stringify(unknown)} is not in the list of known controllers`);
  const missing = namedButMissing(v.controllers, set);
  if (missing.length > 0) log.warn({ controllers: missing }, 'these controllers are not part of this program yet');
  const timings = {
    leaseDurationMs: v['leader-elect-lease-duration'],
    renewDeadlineMs: v['leader-elect-renew-deadline'],
    retryPeriodMs: v['leader-elect-retry-period'],
  };
  const wrong = v['leader-elect'] ? checkTimings(timings) : undefined;
  if (wrong !== undefined) throw new StartupError(wrong);

  const rate = startRate(v['kube-api-qps'], v['kube-api-burst']);

  const config = await kubeconfigOfFlag(v.kubeconfig);
  const client = await connect(config, { clock, random, userAgent: component });
  let leading = false;

  await startServing(component, v, { clock, random, log, lifecycle }, () =>
    metricsText(leading, v['leader-elect-resource-name'], manager.host),
  );

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
        ? (token) => connect(withToken(config, token), { clock, random, userAgent: component })
        : undefined,
      recorder: (source, own) => {
        const recorder = new EventRecorder({ client: own, clock, log, component: source });
        signal.addEventListener('abort', () => void recorder.stop(), { once: true });
        return ({ about, type, reason, message }) => recorder.record(about, type, reason, message);
      },
    };
    startControllers(set, manager.enabled, (reader) => manager.optionsOf(reader), ports).catch((error) => {
      if (!signal.aborted) fatal(error, 'controllers could not start');
    });
  };

  await lifecycle.start(
    leaderService({
      name: 'controllers',
      client,
      clock,
      random,
      log,
      lease: { namespace: v['leader-elect-resource-namespace'], name: v['leader-elect-resource-name'] },
      timings,
      elects: v['leader-elect'],
      host: manager.host.name,
      lead,
      fatal,
    }),
  );
}

/**
 * The same connection in another's name. Over REST a client certificate would win over the token, as upstream has it; on our own
 * wire the token wins.
 */
function withToken(config: ClientConfig, token: string): ClientConfig {
  const named = { ...config, token, tokenFile: undefined };
  return config.server.startsWith('grpcs://') ? named : { ...named, cert: undefined, key: undefined };
}

function metricsText(leading: boolean, lease: string, host: ManagerHost): string {
  const { rss, heapUsed } = host.memoryUsage();
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
