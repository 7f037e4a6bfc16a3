// The kube-apiserver process: upstream's flags into an ApiServer.
import { readFileSync } from 'node:fs';
import { fieldGates } from '@drydock/api/disabled-fields.ts';
import { ruleGates } from '@drydock/api/validate/gates.ts';
import { pluginGates } from '@drydock/apiserver/admission/plugin-names.ts';
import { ApiServer } from '@drydock/apiserver/server.ts';
import { EtcdClient } from '@drydock/apiserver/storage/etcd-client.ts';
import { startFeatureGates } from '@drydock/foundation/feature-gates.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import { runProgram, StartupError } from '@drydock/foundation/program.ts';
import { flags } from './flags.ts';
import { settle } from './settle.ts';
import { ignoredFlags, refusedFlags } from './unserved-flags.ts';

await runProgram({
  name: 'kube-apiserver',
  flags,
  dialect: { style: 'pflag', ignored: ignoredFlags, refused: refusedFlags },
  async start({ flags: { values: v }, log, clock, random, lifecycle }) {
    const gates = startFeatureGates(v['feature-gates'], 'components', [...fieldGates, ...ruleGates, ...pluginGates], log);
    const read = (flag: string, file: string): string => {
      try {
        return readFileSync(file, 'utf8');
      } catch (error) {
        throw new StartupError(`--${flag}: ${(error as Error).message}`);
      }
    };
    const optional = (flag: string, file: string) => (file === '' ? undefined : read(flag, file));
    const need = (flag: string, value: string): string => {
      if (value === '') throw new StartupError(`--${flag} is required`);
      return value;
    };
    const settled = settle(v, gates, log);
    if (v['etcd-servers'].length === 0) throw new StartupError('--etcd-servers must be specified');
    const clientCa = optional('client-ca-file', v['client-ca-file']);
    const store = new EtcdClient({
      endpoints: v['etcd-servers'],
      caFile: v['etcd-cafile'],
      certFile: v['etcd-certfile'],
      keyFile: v['etcd-keyfile'],
      clock,
      log,
    });
    const requestHeaderCa = optional('requestheader-client-ca-file', v['requestheader-client-ca-file']);
    const address = v['advertise-address'] || (v['bind-address'] === '0.0.0.0' ? '127.0.0.1' : v['bind-address']);
    const issuers = v['service-account-issuer'];
    const server = new ApiServer({
      gateEnabled: gates.enabled,
      store,
      clock,
      random: random.stream('apiserver'),
      log,
      bindAddress: v['bind-address'],
      securePort: v['secure-port'],
      grpcPort: v['grpc-port'],
      advertiseAddress: address,
      serviceCidr: v['service-cluster-ip-range'][0] ?? '',
      nodePortRange: settled.nodePortRange,
      endpointReconciler: v['endpoint-reconciler-type'] === 'none' ? 'none' : 'lease',
      compactionIntervalMs: v['etcd-compaction-interval'],
      tls: {
        cert: read('tls-cert-file', need('tls-cert-file', v['tls-cert-file'])),
        key: read('tls-private-key-file', need('tls-private-key-file', v['tls-private-key-file'])),
        clientCa,
        proxyCa: requestHeaderCa,
      },
      anonymousAuth: settled.anonymousAuth,
      serving: settled.serving,
      requestHeader: {
        usernameHeaders: v['requestheader-username-headers'],
        uidHeaders: v['requestheader-uid-headers'],
        groupHeaders: v['requestheader-group-headers'],
        extraPrefixes: v['requestheader-extra-headers-prefix'],
        allowedNames: v['requestheader-allowed-names'],
        enabled: requestHeaderCa !== undefined,
      },
      serviceAccount: {
        issuers,
        audiences: v['api-audiences'].length > 0 ? v['api-audiences'] : issuers,
        verificationPems: v['service-account-key-file'].map((file) => read('service-account-key-file', file)),
        extendExpiration: v['service-account-extend-token-expiration'],
        maxExpirationSeconds: v['service-account-max-token-expiration'] / 1000,
        signingPem: optional('service-account-signing-key-file', v['service-account-signing-key-file']),
      },
      kubelet: {
        tls: {
          ca: optional('kubelet-certificate-authority', v['kubelet-certificate-authority']),
          cert: optional('kubelet-client-certificate', v['kubelet-client-certificate']),
          key: optional('kubelet-client-key', v['kubelet-client-key']),
        },
        addressTypes: v['kubelet-preferred-address-types'],
      },
      aggregation: {
        clientPair: proxyPair(v, optional),
        toEndpoints: v['enable-aggregator-routing'],
      },
      authorizationModes: v['authorization-mode'],
      admissionPlugins: settled.admissionPlugins,
      authenticationConfig: {
        ...(clientCa === undefined ? {} : { 'client-ca-file': clientCa }),
        ...(requestHeaderCa === undefined
          ? {}
          : {
              'requestheader-client-ca-file': requestHeaderCa,
              'requestheader-allowed-names': JSON.stringify(v['requestheader-allowed-names']),
              'requestheader-username-headers': JSON.stringify(v['requestheader-username-headers']),
              'requestheader-uid-headers': JSON.stringify(v['requestheader-uid-headers']),
              'requestheader-group-headers': JSON.stringify(v['requestheader-group-headers']),
              'requestheader-extra-headers-prefix': JSON.stringify(v['requestheader-extra-headers-prefix']),
            }),
      },
      defaultTolerations: {
        notReadySeconds: v['default-not-ready-toleration-seconds'],
        unreachableSeconds: v['default-unreachable-toleration-seconds'],
      },
      eventTtlSeconds: v['event-ttl'] / 1000,
      requestTimeoutMs: v['request-timeout'],
      maxReadsInFlight: v['max-requests-inflight'],
      maxWritesInFlight: v['max-mutating-requests-inflight'],
    });
    await lifecycle.start({ name: 'apiserver', start: () => server.start(), stop: () => server.stop() });
  },
});

/** Fails where only one of both is given. */
function proxyPair(v: Values<typeof flags>, read: (flag: string, file: string) => string | undefined) {
  const cert = read('proxy-client-cert-file', v['proxy-client-cert-file']);
  const key = read('proxy-client-key-file', v['proxy-client-key-file']);
  if ((cert === undefined) !== (key === undefined))
    throw new StartupError('--proxy-client-cert-file and --proxy-client-key-file belong together');
  return cert === undefined || key === undefined ? undefined : { cert, key };
}
