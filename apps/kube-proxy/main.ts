// The kube-proxy process: services and endpoint slices into nftables rules of this network namespace.

import { readFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { connect } from '@drydock/client/connect.ts';
import { KubeconfigError } from '@drydock/client/kubeconfig.ts';
import { limited } from '@drydock/client/rate-limit.ts';
import { parseHostPort, type StatusRoutes, statusServer } from '@drydock/client/status-server.ts';
import { featureGates } from '@drydock/foundation/feature-gates.ts';
import { FlagError } from '@drydock/foundation/flags.ts';
import { runProgram, StartupError } from '@drydock/foundation/program.ts';
import { ConfigError, readConfig } from '@drydock/proxy/config.ts';
import { flags, ignoredFlags, refusedFlags } from '@drydock/proxy/flags.ts';
import { nftSink } from '@drydock/proxy/nft.ts';
import { tableName } from '@drydock/proxy/plan.ts';
import { ProxyServer } from '@drydock/proxy/server.ts';
import { setConntrack, setOomScore } from './kernel-settings.ts';

/** Errors of the user's making are printed as they are. */
function asStartupError(error: unknown): unknown {
  return error instanceof ConfigError || error instanceof KubeconfigError || error instanceof FlagError
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

const localAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).filter(({ family }) => family === 'IPv4').map(({ address }) => address),
  );

await runProgram({
  name: 'kube-proxy',
  flags,
  dialect: { style: 'pflag', ignored: ignoredFlags, refused: refusedFlags },
  async start({ flags: { values }, log, clock, random, lifecycle }) {
    if (values.cleanup) {
      await nftSink().apply([`add table ip ${tableName}`, `delete table ip ${tableName}`]);
      process.exit(0);
    }
    try {
      const config = readConfig(values, await readFile(values.config), hostname());
      for (const text of [...config.warnings, ...featureGates(config.featureGates, []).warnings]) log.warn({}, text);
      setOomScore(config.oomScoreAdj, log);
      setConntrack(config.conntrack, log);
      if (values['init-only']) process.exit(0);
      const connected = await connect(config.kubeconfig, { clock, random, userAgent: 'kube-proxy/drydock' });
      const client = limited(connected, clock, config.apiRate);
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
