// Pods that differ in one thing each from one that every level lets in, for what PodSecurity makes of them.

const confined = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

/** A container that every level lets in, with `context` over its security context. */
const container = (context: object = {}, more: object = {}) => ({
  name: 'c',
  image: 'i',
  securityContext: { ...confined, ...context },
  ...more,
});

interface PodParts {
  readonly spec?: object;
  readonly annotations?: Readonly<Record<string, string>>;
}

const inSpec = (spec: object): PodParts => ({ spec });
const ofContainer = (context: object): PodParts => inSpec({ containers: [container(context)] });
const ofPod = (securityContext: object): PodParts => inSpec({ securityContext });
const ofVolumes = (...sources: object[]): PodParts =>
  inSpec({ volumes: sources.map((source, index) => ({ name: `v${index}`, ...source })) });
const bare = { name: 'c', image: 'i' };
const probe = { httpGet: { port: 80, host: '10.0.0.1' } };
const sysctl = (...names: string[]) => ofPod({ sysctls: names.map((name) => ({ name, value: '1' })) });

/** What makes each pod different, by what it is called. */
export const podSecurityCases: Readonly<Record<string, PodParts>> = {
  'nothing that any level forbids': {},
  'a bare container': inSpec({ containers: [bare] }),
  'three bare containers of three kinds': inSpec({
    containers: [bare, { ...bare, name: 'd' }],
    initContainers: [{ ...bare, name: 'init' }],
  }),
  'one bare container of two': inSpec({ containers: [container(), { ...bare, name: 'd' }] }),
  'a context without anything': inSpec({ containers: [{ ...bare, securityContext: {} }] }),
  'confinement in the pod': inSpec({
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [{ ...bare, securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } }],
  }),
  'everything at once': inSpec({
    hostNetwork: true,
    hostPID: true,
    containers: [{ ...bare, ports: [{ containerPort: 80, hostPort: 80 }], securityContext: { privileged: true } }],
    volumes: [{ name: 'v', hostPath: { path: '/' } }],
  }),

  'a privileged container': ofContainer({ privileged: true, allowPrivilegeEscalation: true }),
  'two privileged containers': inSpec({
    containers: ['c', 'd'].map((name) => ({ ...container({ privileged: true, allowPrivilegeEscalation: true }), name })),
  }),
  'a privileged init container': inSpec({
    initContainers: [{ ...container({ privileged: true, allowPrivilegeEscalation: true }), name: 'init' }],
  }),
  'the host network': inSpec({ hostNetwork: true }),
  'all namespaces of the host': inSpec({ hostNetwork: true, hostPID: true, hostIPC: true }),
  'a path of the host': ofVolumes({ hostPath: { path: '/' } }),
  'two paths of the host': ofVolumes({ hostPath: { path: '/' } }, { hostPath: { path: '/etc' } }),
  'a port of the host': inSpec({ containers: [container({}, { ports: [{ containerPort: 80, hostPort: 80 }] })] }),
  'ports of the host': inSpec({
    containers: [
      container(
        {},
        {
          ports: [
            { containerPort: 80, hostPort: 80 },
            { containerPort: 9, hostPort: 9 },
          ],
        },
      ),
      { ...container({}, { ports: [{ containerPort: 1, hostPort: 80, protocol: 'UDP' }] }), name: 'd' },
    ],
  }),

  'a capability of the default ones': ofContainer({ capabilities: { drop: ['ALL'], add: ['CHOWN'] } }),
  'the capability to bind low ports': ofContainer({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }),
  'capabilities beyond the default ones': ofContainer({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN', 'NET_ADMIN'] } }),
  'capabilities with their prefix': ofContainer({ capabilities: { drop: ['CAP_ALL'], add: ['CAP_CHOWN'] } }),
  'all capabilities': ofContainer({ capabilities: { drop: ['ALL'], add: ['ALL'] } }),
  'capabilities that are not dropped': ofContainer({ capabilities: { drop: ['NET_RAW'] } }),
  'an escalation of privileges': ofContainer({ allowPrivilegeEscalation: true }),
  'an escalation of privileges that is not forbidden': ofContainer({ allowPrivilegeEscalation: undefined }),

  'no AppArmor': ofContainer({ appArmorProfile: { type: 'Unconfined' } }),
  'no AppArmor in the pod': ofPod({ appArmorProfile: { type: 'Unconfined' } }),
  'AppArmor of the runtime': ofContainer({ appArmorProfile: { type: 'RuntimeDefault' } }),
  'AppArmor of the host': ofPod({ appArmorProfile: { type: 'Localhost', localhostProfile: 'p' } }),
  'no AppArmor by annotation': { annotations: { 'container.apparmor.security.beta.kubernetes.io/c': 'unconfined' } },
  'AppArmor by annotation': { annotations: { 'container.apparmor.security.beta.kubernetes.io/c': 'localhost/p' } },

  'a type of SELinux that is allowed': ofContainer({ seLinuxOptions: { type: 'container_init_t', level: 's0:c1,c2' } }),
  'the type container_engine_t': ofContainer({ seLinuxOptions: { type: 'container_engine_t' } }),
  'another type of SELinux': ofContainer({ seLinuxOptions: { type: 'unconfined_t' } }),
  'another type, user and role of SELinux': inSpec({
    securityContext: { seLinuxOptions: { type: 'bad_t', user: 'u', role: 'r' } },
    containers: [container({ seLinuxOptions: { type: 'worse_t' } })],
  }),
  'a user of SELinux': ofPod({ seLinuxOptions: { user: 'u' } }),

  'an unmasked /proc': ofContainer({ procMount: 'Unmasked' }),
  'an unmasked /proc in a user namespace': inSpec({ hostUsers: false, containers: [container({ procMount: 'Unmasked' })] }),
  'no seccomp': ofContainer({ seccompProfile: { type: 'Unconfined' } }),
  'no seccomp in the pod': inSpec({
    securityContext: { seccompProfile: { type: 'Unconfined' } },
    containers: [container({ seccompProfile: undefined })],
  }),
  'no seccomp in the pod, but in its container': ofPod({ seccompProfile: { type: 'Unconfined' } }),
  'seccomp that nobody names': ofContainer({ seccompProfile: undefined }),
  'seccomp of the host': ofContainer({ seccompProfile: { type: 'Localhost', localhostProfile: 'p' } }),
  'seccomp by annotation': {
    annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' },
    ...ofContainer({ seccompProfile: undefined }),
  },
  'seccomp of a container by annotation': {
    annotations: { 'container.seccomp.security.alpha.kubernetes.io/c': 'unconfined' },
    ...ofContainer({ seccompProfile: undefined }),
  },

  'safe sysctls': sysctl('kernel.shm_rmid_forced', 'net.ipv4.ping_group_range'),
  'sysctls of 1.27': sysctl('net.ipv4.ip_local_reserved_ports'),
  'sysctls of 1.29': sysctl('net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout'),
  'sysctls of 1.32': sysctl('net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'),
  'unsafe sysctls': sysctl('kernel.msgmax', 'net.core.somaxconn', 'kernel.shm_rmid_forced'),

  'a process of a Windows host': inSpec({
    hostNetwork: true,
    securityContext: { windowsOptions: { hostProcess: true } },
  }),
  'a probe of another host': inSpec({ containers: [container({}, { livenessProbe: probe })] }),
  'probes and hooks of other hosts': inSpec({
    containers: [
      container({}, { readinessProbe: { tcpSocket: { port: 80, host: '10.0.0.1' } }, lifecycle: { preStop: probe } }),
      { ...container({}, { startupProbe: probe }), name: 'd' },
    ],
  }),
  'probes of two other hosts': inSpec({
    containers: [container({}, { livenessProbe: probe, readinessProbe: { tcpSocket: { port: 80, host: 'example.com' } } })],
  }),
  'a probe of the own host': inSpec({
    containers: [container({}, { livenessProbe: { httpGet: { port: 80, host: '127.0.0.1' } } })],
  }),

  'every type of volume that is allowed': ofVolumes(
    { configMap: { name: 'm' } },
    { csi: { driver: 'd' } },
    { downwardAPI: {} },
    { emptyDir: {} },
    { persistentVolumeClaim: { claimName: 'p' } },
    { projected: {} },
    { secret: { secretName: 's' } },
    { image: { reference: 'r' } },
  ),
  'volumes of the network': ofVolumes(
    { nfs: { server: 's', path: '/' } },
    { iscsi: { targetPortal: 't', iqn: 'iqn.2001-04.com.example:a', lun: 0 } },
  ),
  'volumes of the network and of the host': ofVolumes({ nfs: { server: 's', path: '/' } }, { hostPath: { path: '/' } }),

  'root that is not forbidden': ofContainer({ runAsNonRoot: undefined }),
  'root allowed in the pod': inSpec({
    securityContext: { runAsNonRoot: false },
    containers: [container({ runAsNonRoot: undefined })],
  }),
  'root allowed in a container': inSpec({
    securityContext: { runAsNonRoot: true },
    containers: [container({ runAsNonRoot: false })],
  }),
  'root allowed in a user namespace': inSpec({ hostUsers: false, containers: [container({ runAsNonRoot: undefined })] }),
  'the user root': ofContainer({ runAsUser: 0 }),
  'the user root in the pod': ofPod({ runAsUser: 0 }),
  'the user root in pod and containers': inSpec({
    securityContext: { runAsUser: 0 },
    containers: [container({ runAsUser: 0 })],
  }),
  'the user root in a user namespace': inSpec({ hostUsers: false, containers: [container({ runAsUser: 0 })] }),
  'another user': ofContainer({ runAsUser: 1000 }),

  'a pod of Windows': inSpec({
    os: { name: 'windows' },
    containers: [{ ...bare, securityContext: { runAsNonRoot: true } }],
  }),
};

/** The pod of a case, as it is sent. */
export function podOf({ spec, annotations }: PodParts): object {
  return {
    metadata: { name: 'p', ...(annotations === undefined ? {} : { annotations }) },
    spec: { containers: [container()], ...spec },
  };
}
