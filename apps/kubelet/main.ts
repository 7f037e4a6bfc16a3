// The kubelet process: the pods of one node, through a container engine.
import { mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { connect } from '@drydock/client/connect.ts';
import { KubeconfigError } from '@drydock/client/kubeconfig.ts';
import { statusServer } from '@drydock/client/status-server.ts';
import { type FeatureGates, featureGates, readGateFlag } from '@drydock/foundation/feature-gates.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { runProgram, StartupError } from '@drydock/foundation/program.ts';
import {
  ConfigError,
  DecodeError,
  flags,
  ignoredFlags,
  type KubeletConfig,
  readConfig,
  refusedFlags,
} from '@drydock/kubelet/config.ts';
import { hostCgroupFs } from '@drydock/kubelet/container/cgroup-fs.ts';
import { openEngine } from '@drydock/kubelet/engine/open.ts';
import { Kubelet } from '@drydock/kubelet/kubelet.ts';
import { firstAddress, machineFacts, measure, nodeUsage } from '@drydock/kubelet/node/machine.ts';
import { machineProblems } from '@drydock/kubelet/node/machine-demands.ts';
import { healthAnswer } from '@drydock/kubelet/server/health.ts';
import { kubeletServers } from '@drydock/kubelet/server/servers.ts';
import { staticSources } from '@drydock/kubelet/static/open.ts';
import { hostGit } from '@drydock/kubelet/volumes/git-repo.ts';
import { loadFailure, readDocument } from './document.ts';

/** Undefined where the file is not there. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Says in the log what is to be said of a configuration that is taken; gives its gates. Throws StartupError for a gate that cannot be set. */
function startGates(
  { strictWarning, withoutEffect, featureGates: ofFile }: KubeletConfig,
  gates: readonly string[],
  log: Log,
): FeatureGates {
  if (strictWarning !== undefined) log.warn({ err: strictWarning }, 'Using lenient decoding as strict decoding failed');
  for (const field of withoutEffect) log.warn({ field }, 'field accepted but it has no effect here');
  const settings = new Map([...Object.entries(ofFile), ...readGateFlag(gates, 'pairs')]);
  const gatesOn = featureGates(settings, ['GitRepoVolumeDriver']);
  for (const warning of gatesOn.warnings) log.warn({}, warning);
  return gatesOn;
}

await runProgram({
  name: 'kubelet',
  flags,
  dialect: { style: 'pflag', ignored: ignoredFlags, refused: refusedFlags },
  async start({ flags: { values, given }, log, clock, random, lifecycle }) {
    const document = await readDocument(values.config, log);
    try {
      const read = readConfig(values, document, hostname(), given);
      const gates = startGates(read, values['feature-gates'], log);
      // A simulated pod takes no memory and has no cgroup.
      const problems = read.endpoint.startsWith('hollow://') ? [] : machineProblems(read.machine, readIfThere);
      if (problems.length > 0) throw new ConfigError(`failed to run Kubelet: ${problems.join(', ')}`);
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
        git: gates.enabled('GitRepoVolumeDriver') ? hostGit : undefined,
        facts: machineFacts(config.rootDir),
        measure: () => measure(config.rootDir),
        staticSources: staticSources(config, clock, log),
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
      for (const server of await kubeletServers({ config, client, engine, clock, log, kubelet, nodeUsage }))
        await lifecycle.start(server);
      log.info({ node: config.nodeName, endpoint: config.endpoint }, 'started');
    } catch (error) {
      if (error instanceof DecodeError) throw new StartupError(loadFailure(values.config, error), { cause: error });
      throw error instanceof ConfigError || error instanceof KubeconfigError
        ? new StartupError(error.message, { cause: error })
        : error;
    }
  },
});
