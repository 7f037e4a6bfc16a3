// KubeletConfiguration (kubelet.config.k8s.io/v1beta1) of a node in a lab.
import type { TimingValues } from '../timings.ts';

interface Taint {
  readonly key: string;
  readonly effect: string;
}

/** What keeps pods away from control-plane nodes; kubeadm's. */
export const controlPlaneTaint: Taint = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' };

export interface KubeletConfigSource {
  readonly address: string;
  readonly port: number;
  readonly healthzPort: number;
  readonly authorityFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly cgroupRoot: string;
  readonly clusterDns: string;
  readonly endpoint: string;
  readonly podLogsDir: string;
  /** Folder of the manifests of static pods. */
  readonly manifests: string;
  /** Undefined for a kubelet of ours, which has no such plugins. */
  readonly volumePluginDir: string | undefined;
  /** What the node has when it registers; undefined: none. */
  readonly taints: readonly Taint[] | undefined;
  readonly timings: TimingValues;
}

/** The text of the file, in JSON, which needs no YAML parser in the kubelet. Several kubelets share one machine here, hence the thresholds and the own cgroup. */
export function kubeletConfig(source: KubeletConfigSource): string {
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: source.address,
    port: source.port,
    healthzBindAddress: source.address,
    healthzPort: source.healthzPort,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: source.authorityFile } },
    authorization: { mode: 'Webhook' },
    tlsCertFile: source.certificateFile,
    tlsPrivateKeyFile: source.keyFile,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: source.cgroupRoot,
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    clusterDomain: 'cluster.local',
    clusterDNS: [source.clusterDns],
    containerRuntimeEndpoint: source.endpoint,
    resolvConf: '/dev/null',
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'nodefs.available': '1%', 'imagefs.available': '1%', 'memory.available': '50Mi' },
    podLogsDir: source.podLogsDir,
    staticPodPath: source.manifests,
    registerWithTaints: source.taints,
    volumePluginDir: source.volumePluginDir,
    nodeStatusUpdateFrequency: source.timings['node-status-update-frequency'],
    nodeLeaseDurationSeconds: Number(source.timings['node-lease-duration-seconds']),
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
