// What a member is told to be: the flags under the names of the library.

import { gateway } from '@drydock/etcd/gateway/gateway.ts';
import { limits } from '@drydock/etcd/limits.ts';
import type { MemberSettings } from '@drydock/etcd/member.ts';
import type { Service } from '@drydock/etcd/rpc/service.ts';
import type { HttpOptions } from '@drydock/etcd/server/http.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { authSettings } from './auth-flags.ts';
import type { EtcdConfig } from './config.ts';
import type { etcdFlags } from './flags.ts';
import type { Identity } from './identity.ts';
import { upkeepSettings } from './space-flags.ts';

export function memberSettings(config: EtcdConfig, flags: Values<typeof etcdFlags>, identity: Identity): MemberSettings {
  return {
    ...identity,
    name: flags.name,
    initialClusterToken: flags['initial-cluster-token'],
    advertiseClientUrls: config.advertiseClientUrls,
    heartbeatMs: flags['heartbeat-interval'],
    electionMs: flags['election-timeout'],
    quotaBytes: flags['quota-backend-bytes'] === 0 ? limits.quotaBytes : flags['quota-backend-bytes'],
    maxTxnOps: flags['max-txn-ops'],
    maxRequestBytes: flags['max-request-bytes'],
    forceNewCluster: flags['force-new-cluster'],
    strictReconfigCheck: flags['strict-reconfig-check'],
    maxLearners: Math.max(flags['max-learners'], flags['experimental-max-learners']),
    watchProgressMs: flags['experimental-watch-progress-notify-interval'],
    auth: authSettings(flags),
    upkeep: upkeepSettings(flags),
    extensiveMetrics: flags.metrics === 'extensive',
    tuning: {
      heartbeatMs: flags['heartbeat-interval'],
      electionMs: flags['election-timeout'],
      snapshotCount: flags['snapshot-count'],
      catchUpEntries: flags['experimental-snapshot-catchup-entries'],
      preVote: flags['pre-vote'],
    },
  };
}

/** What is served over plain HTTP. A request in JSON is larger than the same in protobuf: its bytes are in base64. */
export function httpOptions(flags: Values<typeof etcdFlags>, services: readonly Service[], log: Log): HttpOptions {
  const bodyBytesMax = 2 * (flags['max-request-bytes'] + limits.requestOverheadBytes);
  return {
    cors: flags.cors,
    hosts: flags['host-whitelist'],
    log,
    ...(flags['enable-grpc-gateway'] ? { gateway: gateway(services, bodyBytesMax, flags['max-concurrent-streams']) } : {}),
  };
}
