// What the flags mean together: contradictions, names of modes and plugins, TLS.
import { choosePlugins } from '@drydock/apiserver/admission/plugin-names.ts';
import { servedPlugins } from '@drydock/apiserver/admission/plugins.ts';
import type { ServingOptions } from '@drydock/apiserver/http/front-end.ts';
import { type PortRange, parsePortRange } from '@drydock/apiserver/services/port-range.ts';
import type { FeatureGates } from '@drydock/foundation/feature-gates.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import { tlsPolicy } from '@drydock/foundation/serving/tls-policy.ts';
import type { flags } from './flags.ts';

type FlagValues = Values<typeof flags>;

export interface Settled {
  readonly admissionPlugins: readonly string[];
  readonly anonymousAuth: boolean;
  readonly serving: ServingOptions;
  readonly nodePortRange: PortRange;
}

const upstreamModes: readonly string[] = ['Node', 'AlwaysAllow', 'AlwaysDeny', 'ABAC', 'Webhook', 'RBAC'];
const servedModes: readonly string[] = ['Node', 'AlwaysAllow', 'AlwaysDeny', 'RBAC'];

/** Throws StartupError with upstream's words. */
export function settle(v: FlagValues, gates: Pick<FeatureGates, 'enabled'>, log: Pick<Log, 'warn'>): Settled {
  const nodePortRange = portsOf(v['service-node-port-range']);
  checkModes(v['authorization-mode']);
  if (!v['allow-privileged']) throw new StartupError('--allow-privileged=false is not served here: privileged pods are let in');
  const streams = v['http2-max-streams-per-connection'];
  if (streams < 0) throw new StartupError('--http2-max-streams-per-connection can not be negative value');
  return {
    admissionPlugins: pluginsOf(v, gates, log),
    nodePortRange,
    anonymousAuth: anonymousAuthOf(v, log),
    serving: {
      http1Only: v['disable-http2-serving'],
      maxStreams: streams,
      hsts: v['strict-transport-security-directives'],
      tls: asStartupError(() =>
        tlsPolicy({
          minVersion: v['tls-min-version'],
          cipherSuites: v['tls-cipher-suites'],
          curves: v['tls-curve-preferences'],
        }),
      ),
    },
  };
}

function portsOf(text: string): PortRange {
  try {
    return parsePortRange(text);
  } catch (error) {
    const why = `invalid argument ${JSON.stringify(text)} for "--service-node-port-range" flag: ${(error as Error).message}`;
    throw new StartupError(why, { cause: error });
  }
}

function checkModes(modes: readonly string[]): void {
  for (const mode of modes) {
    if (!upstreamModes.includes(mode)) throw new StartupError(`authorization-mode ${JSON.stringify(mode)} is not a valid mode`);
    if (!servedModes.includes(mode)) throw new StartupError(`authorization-mode ${JSON.stringify(mode)} is not served here`);
  }
  if (new Set(modes).size < modes.length) {
    const list = modes.map((mode) => JSON.stringify(mode)).join(' ');
    throw new StartupError(`authorization-mode [${list}] has mode specified more than once`);
  }
}

function pluginsOf(v: FlagValues, gates: Pick<FeatureGates, 'enabled'>, log: Pick<Log, 'warn'>): readonly string[] {
  const choice = asStartupError(() =>
    choosePlugins(v['enable-admission-plugins'], v['disable-admission-plugins'], servedPlugins, gates.enabled),
  );
  if (choice.missing.length > 0)
    log.warn(
      { plugins: choice.missing },
      'admission plugins that are on by default do not exist here: what they would refuse or change is let in as it is',
    );
  return choice.run;
}

/** As upstream: where everybody may do everything, nobody is let in without saying who they are. */
function anonymousAuthOf(v: FlagValues, log: Pick<Log, 'warn'>): boolean {
  if (!v['anonymous-auth'] || !v['authorization-mode'].includes('AlwaysAllow')) return v['anonymous-auth'];
  log.warn(
    {},
    'AnonymousAuth is not allowed with the AlwaysAllow authorizer. Resetting AnonymousAuth to false. You should use a different authorizer',
  );
  return false;
}

function asStartupError<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new StartupError((error as Error).message, { cause: error });
  }
}
