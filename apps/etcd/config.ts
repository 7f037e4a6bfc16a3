// What the flags say, checked as etcd checks it before it starts.
import { clusterId, memberId } from '@drydock/etcd/server/members.ts';
import { type ListenUrl, parseInitialCluster, parseUrls, UrlError } from '@drydock/etcd/server/urls.ts';
import type { TlsSettings } from '@drydock/etcd/tls/settings.ts';
import { FlagError, type Values } from '@drydock/foundation/flags.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import type { etcdFlags } from './flags.ts';
import { clientTls, peerTls } from './tls-files.ts';

/** Least ratio of election timeout to heartbeat interval, and longest election timeout. */
const electionHeartbeatsMin = 5;
const electionMsMax = 50_000;

export interface EtcdConfig {
  readonly dataDir: string;
  readonly clientUrls: readonly ListenUrl[];
  readonly metricsUrls: readonly ListenUrl[];
  readonly peerUrls: readonly ListenUrl[];
  readonly advertiseClientUrls: readonly string[];
  readonly advertisePeerUrls: readonly string[];
  readonly tls: TlsSettings | undefined;
  readonly peerTls: TlsSettings | undefined;
  /** Of the cluster that the flags describe; a member with data has its own. */
  readonly initial: readonly { readonly id: bigint; readonly name: string; readonly peerUrls: readonly string[] }[];
  readonly initialId: bigint;
  readonly initialClusterId: bigint;
}

/** Throws FlagError for what is malformed, StartupError for what does not go together. `given`: the flags that were. */
export function readConfig(flags: Values<typeof etcdFlags>, given: ReadonlySet<string>): EtcdConfig {
  const required = '--advertise-client-urls is required when --listen-client-urls is set explicitly';
  if (given.has('listen-client-urls') && !given.has('advertise-client-urls')) throw new StartupError(required);
  const election = flags['election-timeout'];
  const heartbeat = flags['heartbeat-interval'];
  if (heartbeat <= 0 || election <= 0)
    throw new StartupError('--heartbeat-interval and --election-timeout must be >0 (in milliseconds)');
  if (electionHeartbeatsMin * heartbeat > election) {
    throw new StartupError(
      `--election-timeout[${election}ms] should be at least as 5 times as --heartbeat-interval[${heartbeat}ms]`,
    );
  }
  if (election > electionMsMax)
    throw new StartupError(`--election-timeout[${election}ms] is too long, and should be set less than 50000ms`);
  const state = flags['initial-cluster-state'];
  if (state !== 'new' && state !== 'existing')
    throw new FlagError(`invalid value "${state}" for flag -initial-cluster-state: invalid value`);
  const own = urls('initial-advertise-peer-urls', flags['initial-advertise-peer-urls']).map((url) => url.text);
  const described = flags['initial-cluster'] === '' ? new Map([[flags.name, own]]) : initialCluster(flags['initial-cluster']);
  const token = flags['initial-cluster-token'];
  const initial = [...described].map(([name, peerUrls]) => ({ id: memberId(peerUrls, token), name, peerUrls }));
  return {
    dataDir: flags['data-dir'] === '' ? `${flags.name}.etcd` : flags['data-dir'],
    clientUrls: urls('listen-client-urls', flags['listen-client-urls']),
    metricsUrls: flags['listen-metrics-urls'].length === 0 ? [] : urls('listen-metrics-urls', flags['listen-metrics-urls']),
    peerUrls: urls('listen-peer-urls', flags['listen-peer-urls']),
    advertiseClientUrls: urls('advertise-client-urls', flags['advertise-client-urls']).map((url) => url.text),
    tls: clientTls(flags),
    peerTls: peerTls(flags),
    advertisePeerUrls: own,
    initial,
    initialId: initial.find(({ name }) => name === flags.name)?.id ?? 0n,
    initialClusterId: clusterId(initial.map(({ id }) => id)),
  };
}

/** Only a member without data must be part of what the flags describe. */
export function checkBootstrap(config: EtcdConfig, flags: Values<typeof etcdFlags>): void {
  const own = config.initial.find(({ name }) => name === flags.name);
  if (own === undefined)
    throw new StartupError(`couldn't find local name "${flags.name}" in the initial cluster configuration`);
  const advertised = urls('initial-advertise-peer-urls', flags['initial-advertise-peer-urls']).map((url) => url.text);
  if (advertised.join() !== own.peerUrls.join()) {
    throw new StartupError(
      `--initial-cluster has ${flags.name}=${own.peerUrls.join(',')} but missing from --initial-advertise-peer-urls=${advertised.join(',')}`,
    );
  }
}

function urls(flag: string, texts: readonly string[]): ListenUrl[] {
  try {
    return parseUrls(texts);
  } catch (error) {
    if (error instanceof UrlError)
      throw new FlagError(`invalid value "${texts.join(',')}" for flag -${flag}: ${error.message}`);
    throw error;
  }
}

function initialCluster(text: string): Map<string, string[]> {
  try {
    return parseInitialCluster(text);
  } catch (error) {
    if (error instanceof UrlError) throw new StartupError(`error setting up initial cluster: ${error.message}`);
    throw error;
  }
}
