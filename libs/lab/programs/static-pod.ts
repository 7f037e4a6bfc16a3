// A program of the control plane as a static pod: the manifest that kubeadm would write for it, with the lab's paths mounted where
// kubeadm's nodes have them.
import { stringifyYaml } from '@drydock/foundation/lazy-yaml.ts';
import { labVariable, nameVariable } from '../machine/spawn.ts';
import { type Purpose, portOf } from '../topology.ts';
import { type ProcessSpec, type ProgramContext, pkiFile } from './process-spec.ts';
import { workerFolders } from './worker.ts';

/** What a program's manifest differs in, as kubeadm has it. */
interface Component {
  readonly image: string;
  readonly requests: Readonly<Record<string, string>>;
  readonly port: Purpose;
  readonly scheme: 'HTTP' | 'HTTPS';
  /** Paths that the probes ask for; kubeadm gives kube-controller-manager no readiness probe. */
  readonly live: string;
  readonly ready: string | undefined;
  readonly started: string;
  /** Annotation that tells where it is reached. */
  readonly advertises?: readonly [annotation: string, port: Purpose, prefix: string];
}

/** The version in the names of the images; what they run is this repository. */
const version = 'v1.36.2';

const components = {
  etcd: {
    image: 'registry.k8s.io/etcd:3.6.6-0',
    requests: { cpu: '100m', memory: '100Mi' },
    port: 'etcd-metrics',
    scheme: 'HTTP',
    live: '/livez',
    ready: '/readyz',
    started: '/readyz',
    advertises: ['kubeadm.kubernetes.io/etcd.advertise-client-urls', 'etcd-client', 'https://'],
  },
  'kube-apiserver': {
    image: `registry.k8s.io/kube-apiserver:${version}`,
    requests: { cpu: '250m' },
    port: 'apiserver-https',
    scheme: 'HTTPS',
    live: '/livez',
    ready: '/readyz',
    started: '/livez',
    advertises: ['kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint', 'apiserver-https', ''],
  },
  'kube-scheduler': {
    image: `registry.k8s.io/kube-scheduler:${version}`,
    requests: { cpu: '100m' },
    port: 'scheduler',
    scheme: 'HTTPS',
    live: '/livez',
    ready: '/readyz',
    started: '/livez',
  },
  'kube-controller-manager': {
    image: `registry.k8s.io/kube-controller-manager:${version}`,
    requests: { cpu: '200m' },
    port: 'controller-manager',
    scheme: 'HTTPS',
    live: '/healthz',
    ready: undefined,
    started: '/healthz',
  },
} as const satisfies Record<string, Component>;
type ComponentName = keyof typeof components;

/** The images that the manifests name. */
export const controlPlaneImages: readonly string[] = Object.values(components).map(({ image }) => image);

interface Mount {
  readonly name: string;
  /** On the node, that is on this machine. */
  readonly host: string;
  readonly inside: string;
  readonly type: 'Directory' | 'DirectoryOrCreate' | 'File';
  readonly isWritten?: boolean;
}

/** The folders of the repository that a program of ours is read from; not all of it: labs and their keys lie in it, too. */
const sourceFolders = ['apps', 'libs', 'proto', 'node_modules'] as const;

/** The same program, run by the kubelet of its node from a manifest. */
export function asStaticPod(context: ProgramContext, spec: ProcessSpec): ProcessSpec {
  const { topology } = context;
  const name = spec.program as ComponentName;
  return {
    ...spec,
    staticPod: {
      file: `${workerFolders(topology, spec.member).manifests}/${name}.yaml`,
      text: stringifyYaml(manifest(context, name, spec), { aliasDuplicateObjects: false }),
      container: name,
      logs: `${workerFolders(topology, spec.member).dir}/pods`,
      pod: `${namespace}_${name}-${spec.member.name}_`,
    },
  };
}

const namespace = 'kube-system';

function manifest({ topology }: ProgramContext, name: ComponentName, spec: ProcessSpec): object {
  const { member } = spec;
  const component: Component = components[name];
  const { advertises, image, requests } = component;
  const mounts = mountsOf(topology.paths, name, spec);
  const probe = (path: string, timing: object) => ({
    httpGet: { host: member.address, path, port: probePort, scheme: component.scheme },
    ...timing,
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(advertises === undefined
        ? {}
        : {
            annotations: {
              [advertises[0]]: `${advertises[2]}${member.address}:${portOf(topology, member, advertises[1])}`,
            },
          }),
      labels: { component: name, tier: 'control-plane' },
      name,
      namespace,
    },
    spec: {
      containers: [
        {
          command: spec.argv.map((word) => insideOf(word, mounts)),
          // By these the lab finds the process.
          env: Object.entries({
            ...spec.env,
            NODE_COMPILE_CACHE: `${topology.paths.repo}/node_modules/.cache/compile`,
            [labVariable]: topology.paths.dir,
            [nameVariable]: spec.name,
          }).map(([variable, value]) => ({ name: variable, value })),
          image,
          imagePullPolicy: 'IfNotPresent',
          livenessProbe: probe(component.live, {
            initialDelaySeconds: 10,
            periodSeconds: 10,
            timeoutSeconds: 15,
            failureThreshold: 8,
          }),
          name,
          ports: [{ containerPort: portOf(topology, member, component.port), name: probePort, protocol: 'TCP' }],
          ...(component.ready === undefined
            ? {}
            : { readinessProbe: probe(component.ready, { periodSeconds: 1, timeoutSeconds: 15, failureThreshold: 3 }) }),
          resources: { requests },
          startupProbe: probe(component.started, {
            initialDelaySeconds: 10,
            periodSeconds: 10,
            timeoutSeconds: 15,
            failureThreshold: 24,
          }),
          volumeMounts: mounts.map((mount) => ({
            mountPath: mount.inside,
            name: mount.name,
            ...(mount.isWritten === true ? {} : { readOnly: true }),
          })),
        },
      ],
      hostNetwork: true,
      priority: 2_000_001_000,
      priorityClassName: 'system-node-critical',
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      volumes: mounts.map((mount) => ({ hostPath: { path: mount.host, type: mount.type }, name: mount.name })),
    },
  };
}

const probePort = 'probe-port';

function mountsOf(paths: ProgramContext['topology']['paths'], name: ComponentName, spec: ProcessSpec): Mount[] {
  const sources = sourceFolders.map((folder): Mount => {
    const path = `${paths.repo}/${folder}`;
    // At its own place: what Node has compiled of it is found by it.
    return { name: `drydock-${folder.replace('_', '-')}`, host: path, inside: path, type: 'Directory' };
  });
  if (name === 'etcd')
    return [
      ...spec.folders.map(
        (host): Mount => ({ name: 'etcd-data', host, inside: '/var/lib/etcd', type: 'DirectoryOrCreate', isWritten: true }),
      ),
      { name: 'etcd-certs', host: pkiFile(paths, 'etcd'), inside: '/etc/kubernetes/pki/etcd', type: 'Directory' },
      ...sources,
    ];
  const kubeconfigs = spec.kubeconfigs.map(
    ({ path, certificate }): Mount => ({
      name: 'kubeconfig',
      host: path,
      inside: `/etc/kubernetes/${certificate.replace('kube-', '')}.conf`,
      type: 'File',
    }),
  );
  const certificates: Mount = {
    name: 'k8s-certs',
    host: pkiFile(paths, '').slice(0, -1),
    inside: '/etc/kubernetes/pki',
    type: 'Directory',
  };
  return [...kubeconfigs, ...(name === 'kube-scheduler' ? [] : [certificates]), ...sources];
}

/** A word of a command line with the paths that it has inside. */
export function insideOf(word: string, mounts: readonly Pick<Mount, 'host' | 'inside'>[]): string {
  return mounts.reduce((text, { host, inside }) => {
    const at = text.indexOf(host);
    const end = at + host.length;
    const isWhole = at >= 0 && (end === text.length || text[end] === '/') && (at === 0 || text[at - 1] === '=');
    return isWhole ? `${text.slice(0, at)}${inside}${text.slice(end)}` : text;
  }, word);
}
