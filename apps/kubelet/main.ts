// The kubelet process: the pods of one node, through a container engine.
import { mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { connect } from '@drydock/client/connect.ts';
import { KubeconfigError } from '@drydock/client/kubeconfig.ts';
import { statusServer } from '@drydock/client/status-server.ts';
import { startFeatureGates } from '@drydock/foundation/feature-gates.ts';
import { runProgram, StartupError } from '@drydock/foundation/program.ts';
import { ConfigError, flags, ignoredFlags, readConfig } from '@drydock/kubelet/config.ts';
import { hostCgroupFs } from '@drydock/kubelet/container/cgroup-fs.ts';
import { openEngine } from '@drydock/kubelet/engine/open.ts';
import { Kubelet } from '@drydock/kubelet/kubelet.ts';
import { firstAddress, machineFacts, measure } from '@drydock/kubelet/node/machine.ts';
import { healthAnswer } from '@drydock/kubelet/server/health.ts';
import { kubeletServers } from '@drydock/kubelet/server/servers.ts';

async function readFile(path: string): Promise<unknown> {
  if (path === '') return undefined;
  try {
    const text = readFileSync(path, 'utf8');
    // Most configurations that programs write are JSON; the reader of YAML takes 6 MB, so it is loaded only for YAML.
    if (/^\s*\{/.test(text)) return JSON.parse(text);
    const { parse } = await import('yaml');
    return parse(text);
  } catch (cause) {
    throw new StartupError(`--config: ${(cause as Error).message}`, { cause });
  }
}

await runProgram({
  name: 'kubelet',
  flags,
  dialect: { style: 'pflag', ignored: ignoredFlags },
  async start({ flags: { values, given }, log, clock, random, lifecycle }) {
    startFeatureGates(values['feature-gates'], 'pairs', [], log);
    try {
      const read = readConfig(values, await readFile(values.config), hostname(), given);
      const config = { ...read, nodeIp: read.nodeIp || firstAddress() };
      mkdirSync(`${config.rootDir}/pods`, { recursive: true });
      const client = await connect(config.kubeconfig, { clock, random, userAgent: 'kubelet/drydock' });
      const engine = await openEngine(config.endpoint, clock);
      const kubelet = new Kubelet({
        config,
        client,
        engine,
        clock,
        random,
        log,
        facts: machineFacts(config.rootDir),
        measure: () => measure(config.rootDir),
        cgroupFs: hostCgroupFs('/sys/fs/cgroup', (pid) => process.kill(pid, 'SIGKILL')),
      });
      if (config.healthzPort > 0)
        await lifecycle.start(
          statusServer(
            'healthz',
            { host: config.healthzAddress, port: config.healthzPort },
            { '/healthz': () => healthAnswer(kubelet.health()) },
          ),
        );
      await lifecycle.start(kubelet);
      for (const server of await kubeletServers({ config, client, engine, clock, log, kubelet })) await lifecycle.start(server);
      log.info({ node: config.nodeName, endpoint: config.endpoint }, 'started');
    } catch (error) {
      throw error instanceof ConfigError || error instanceof KubeconfigError
        ? new StartupError(error.message, { cause: error })
        : error;
    }
  },
});
