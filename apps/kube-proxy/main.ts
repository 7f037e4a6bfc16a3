// The kube-proxy process: services and endpoint slices into nftables rules of this network namespace.

import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, hostname, networkInterfaces } from 'node:os';
import { connect } from '@drydock/client/connect.ts';
import { KubeconfigError } from '@drydock/client/kubeconfig.ts';
import { limited } from '@drydock/client/rate-limit.ts';
import { parseHostPort, type StatusRoutes, statusServer } from '@drydock/client/status-server.ts';
import { spawnSync } from '@drydock/foundation/child-process.ts';
import { startFeatureGates } from '@drydock/foundation/feature-gates.ts';
import { runProgram, StartupError } from '@drydock/foundation/program.ts';
import { ConfigError, flags, ignoredFlags, type ProxyConfig, readConfig } from '@drydock/proxy/config.ts';
import { nftSink } from '@drydock/proxy/nft.ts';
import { tableName } from '@drydock/proxy/plan.ts';
import { ProxyServer } from '@drydock/proxy/server.ts';

/** Errors of the user's making are printed as they are. */
function asStartupError(error: unknown): unknown {
  return error instanceof ConfigError || error instanceof KubeconfigError
    ? new StartupError(error.message, { cause: error })
    : error;
}

async function readFile(path: string): Promise<unknown> {
  if (path === '') return undefined;
  try {
    const { parse } = await import('yaml');
    return parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new StartupError(`--config: ${(cause as Error).message}`, { cause });
  }
}

/** Raises the limit of tracked connections, as upstream does; returns what went wrong. */
function setConntrackMax({ conntrackMaxPerCore, conntrackMin }: ProxyConfig): string | undefined {
  if (conntrackMaxPerCore <= 0) return undefined;
  const wanted = Math.max(conntrackMaxPerCore * availableParallelism(), conntrackMin);
  const file = '/proc/sys/net/netfilter/nf_conntrack_max';
  if (!existsSync(file)) return `${file} does not exist`;
  if (Number(readFileSync(file, 'utf8')) >= wanted) return undefined;
  const { status, stderr } = spawnSync('sysctl', ['-qw', `net.netfilter.nf_conntrack_max=${wanted}`], { encoding: 'utf8' });
  return status === 0 ? undefined : (stderr ?? 'sysctl cannot be run').trim();
}

const localAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).filter(({ family }) => family === 'IPv4').map(({ address }) => address),
  );

await runProgram({
  name: 'kube-proxy',
  flags,
  dialect: { style: 'pflag', ignored: ignoredFlags },
  async start({ flags: { values }, log, clock, random, lifecycle }) {
    startFeatureGates(values['feature-gates'], 'pairs', [], log);
    if (values.cleanup) {
      await nftSink().apply([`add table ip ${tableName}`, `delete table ip ${tableName}`]);
      process.exit(0);
    }
    try {
      const config = readConfig(values, await readFile(values.config), hostname());
      const connected = await connect(config.kubeconfig, { clock, random, userAgent: 'kube-proxy/drydock' });
      const client = limited(connected, clock, config.apiRate);
      const problem = setConntrackMax(config);
      if (problem !== undefined) log.warn({ problem }, 'the limit of tracked connections was not raised');
      const server = new ProxyServer({ config, client, clock, random, log, sink: nftSink(), localAddresses });
      const listen = async (name: string, text: string, routes: StatusRoutes): Promise<void> => {
        if (text === '') return;
        const address = parseHostPort(text);
        if (address === undefined) throw new StartupError(`${name}-bind-address: expected HOST:PORT, got "${text}"`);
        try {
          await lifecycle.start(statusServer(name, address, routes));
        } catch (err) {
          if (config.bindAddressHardFail) throw err;
          log.error({ err, address: text }, `${name} server could not be started`);
        }
      };
      await listen('healthz', config.healthzBindAddress, server.healthRoutes);
      await listen('metrics', config.metricsBindAddress, server.metricsRoutes);
      await lifecycle.start(server);
      log.info({ node: config.nodeName, mode: 'nftables' }, 'started');
    } catch (error) {
      throw asStartupError(error);
    }
  },
});
