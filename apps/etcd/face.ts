// How the process shows itself: usage, version, and the log's lines for the moments that tools around etcd wait for.
import { hexId } from '@drydock/etcd/server/members.ts';
import { addressOf } from '@drydock/etcd/server/urls.ts';
import { clusterVersion, serverVersion } from '@drydock/etcd/server/version.ts';
import { FlagError, type Values } from '@drydock/foundation/flags.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { createZapLog, type ZapLevel, zapLevels } from '@drydock/foundation/zap-log.ts';
import type { EtcdConfig } from './config.ts';
import type { etcdFlags } from './flags.ts';

export const version = `etcd Version: ${serverVersion}`;

export const usage = `Usage:

  etcd [flags]
    Start an etcd server.

  etcd --version
    Show the version of etcd.

  etcd -h | --help
    Show the help information about etcd.

  etcd --config-file
    Path to the server configuration file. Note that if a configuration file is provided, other command line flags and environment variables will be ignored.

  etcd gateway
    Run the stateless pass-through etcd TCP connection forwarding proxy.
`;

/** `--v` from here on means debugging. */
const debugVerbosity = 4;

/** Throws FlagError. */
export function logOf(flags: Values<typeof etcdFlags> | undefined): Log {
  const level = flags?.['log-level'] ?? 'info';
  const format = flags?.['log-format'] ?? 'json';
  if (!zapLevels.includes(level as ZapLevel)) throw new FlagError(`unrecognized level: ${JSON.stringify(level)}`);
  if (format !== 'json' && format !== 'console') throw new FlagError(`unknown log format: ${format}`);
  const debug = flags !== undefined && flags.v >= debugVerbosity;
  return createZapLog({
    level: debug ? 'debug' : (level as ZapLevel),
    format,
    outputs: flags?.['log-outputs'] ?? ['default'],
  });
}

export function explain(log: Log, error: Error): void {
  if (error instanceof FlagError) log.warn({ error: error.message }, 'failed to verify flags');
  else log.error({ error: error.message }, 'etcd cannot start');
}

interface Served {
  readonly config: EtcdConfig;
  readonly name: string;
  readonly id: bigint;
  readonly clusterId: bigint;
}

export function sayStarting(log: Log, { config, name }: Pick<Served, 'config' | 'name'>, joining: boolean): void {
  const fields = {
    'etcd-version': serverVersion,
    name,
    'data-dir': config.dataDir,
    'initial-cluster-state': joining ? 'existing' : 'new',
  };
  log.info(fields, 'starting an etcd server');
}

/** The ports are open. */
export function sayServing(log: Log, { config, id }: Served): void {
  log.info(
    {
      'local-member-id': hexId(id),
      'initial-advertise-peer-urls': config.advertisePeerUrls,
      'listen-peer-urls': config.peerUrls.map((url) => url.text),
      'advertise-client-urls': config.advertiseClientUrls,
      'listen-client-urls': config.clientUrls.map((url) => url.text),
      'listen-metrics-urls': config.metricsUrls.map((url) => url.text),
    },
    'now serving peer/client/metrics',
  );
}

/** The cluster knows where this member serves. `begun`: it is one that this member has begun with others. */
export function sayReady(log: Log, { config, name, id, clusterId }: Served, begun: boolean): void {
  const ids = { 'cluster-id': hexId(clusterId), 'local-member-id': hexId(id) };
  const known = { 'cluster-version': clusterVersion.replace(/\.\d+$/, '') };
  if (begun) log.info({ ...ids, ...known }, 'set initial cluster version');
  log.info(known, 'enabled capabilities for version');
  const attributes = `{Name:${name} ClientURLs:[${config.advertiseClientUrls.join(' ')}]}`;
  log.info(
    { 'local-member-id': hexId(id), 'local-member-attributes': attributes, 'cluster-id': hexId(clusterId) },
    'published local member to cluster through raft',
  );
  log.info({}, 'ready to serve client requests');
  for (const url of config.clientUrls) {
    const how = url.secure
      ? 'serving client traffic securely'
      : 'serving client traffic insecurely; this is strongly discouraged!';
    log.info({ traffic: 'grpc+http', address: addressOf(url) }, how);
  }
}

export function sayClosing(log: Log, { config, name }: Served, when: 'closing' | 'closed'): void {
  log.info(
    {
      name,
      'data-dir': config.dataDir,
      'advertise-peer-urls': config.advertisePeerUrls,
      'advertise-client-urls': config.advertiseClientUrls,
    },
    `${when} etcd server`,
  );
}
