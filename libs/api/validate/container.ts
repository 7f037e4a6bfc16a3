// Rules of containers: names, images, ports, probes, lifecycle, mounts (pkg/apis/core/validation).
import type { Container, ContainerPort, HTTPGetAction, Lifecycle, Probe, Volume } from '../generated/types.ts';
import { dns1123LabelErrors, portNameErrors, portNumberErrors } from '../names.ts';
import { localPath, nonNegative, oneOf, validatePort } from './common.ts';
import { containerConfinement } from './confinement.ts';
import { validateEnv } from './env.ts';
import { duplicate, type FieldError, forbidden, invalid, notFound, required } from './field-error.ts';
import { validateResources } from './pod-resources.ts';

const pullPolicies = ['Always', 'IfNotPresent', 'Never'];
const messagePolicies = ['File', 'FallbackToLogsOnError'];
const protocols = ['SCTP', 'TCP', 'UDP'];
const schemes = ['HTTP', 'HTTPS'];

/** What containers may refer to in their pod. */
export interface PodContext {
  readonly volumes: ReadonlyMap<string, Volume>;
  readonly hostNetwork: boolean;
  /** Whether its users are those of the host. */
  readonly hostUsers: boolean;
}

export function validateContainers(containers: readonly Container[], path: string, context: PodContext): FieldError[] {
  if (containers.length === 0) return [required(path)];
  const names = new Set<string>();
  return containers.flatMap((container, index) => {
    const at = `${path}[${index}]`;
    const errors = validateContainer(container, at, context);
    for (const [field, probe] of probesOf(container)) errors.push(...validateProbe(probe, `${at}.${field}`, field));
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    return errors;
  });
}

export function validateInitContainers(
  containers: readonly Container[],
  regular: readonly Container[],
  path: string,
  context: PodContext,
): FieldError[] {
  const names = new Set(regular.map((container) => container.name));
  return containers.flatMap((container, index) => {
    const at = `${path}[${index}]`;
    const errors = validateContainer(container, at, context);
    const sidecar = container.restartPolicy === 'Always';
    if (container.restartPolicy !== undefined && !sidecar)
      errors.push(...oneOf(container.restartPolicy, ['Always'], `${at}.restartPolicy`));
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    if (sidecar) {
      for (const [field, probe] of probesOf(container)) errors.push(...validateProbe(probe, `${at}.${field}`, field));
    } else {
      if (container.lifecycle !== undefined)
        errors.push(forbidden(`${at}.lifecycle`, 'may not be set for init containers without restartPolicy=Always'));
      for (const [field] of probesOf(container)) {
        errors.push(forbidden(`${at}.${field}`, 'may not be set for init containers without restartPolicy=Always'));
      }
    }
    return errors;
  });
}

function validateContainer(container: Container, path: string, context: PodContext): FieldError[] {
  const errors: FieldError[] = [];
  if (!container.name) errors.push(required(`${path}.name`));
  else for (const text of dns1123LabelErrors(container.name)) errors.push(invalid(`${path}.name`, container.name, text));
  if (!container.image) errors.push(required(`${path}.image`));
  if (container.lifecycle !== undefined) errors.push(...validateLifecycle(container.lifecycle, `${path}.lifecycle`));
  errors.push(...oneOf(container.terminationMessagePolicy, messagePolicies, `${path}.terminationMessagePolicy`, true));
  errors.push(
    ...validatePorts(container.ports ?? [], `${path}.ports`, context),
    ...validateEnv(container.env ?? [], container.envFrom ?? [], path),
    ...validateMounts(container, `${path}.volumeMounts`, context),
    ...validateDevices(container, `${path}.volumeDevices`, context),
    ...oneOf(container.imagePullPolicy, pullPolicies, `${path}.imagePullPolicy`, true),
    ...validateResources(container.resources, `${path}.resources`),
  );
  errors.push(...containerConfinement(container.securityContext, `${path}.securityContext`, context.hostUsers));
  return errors;
}

function validatePorts(ports: readonly ContainerPort[], path: string, context: PodContext): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, index) => {
    const at = `${path}[${index}]`;
    const errors: FieldError[] = [];
    if (port.name) {
      const texts = portNameErrors(port.name);
      for (const text of texts) errors.push(invalid(`${at}.name`, port.name, text));
      if (texts.length === 0 && names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
      if (texts.length === 0) names.add(port.name);
    }
    if (port.containerPort === 0) errors.push(required(`${at}.containerPort`));
    else
      for (const text of portNumberErrors(port.containerPort))
        errors.push(invalid(`${at}.containerPort`, port.containerPort, text));
    if (port.hostPort)
      for (const text of portNumberErrors(port.hostPort)) errors.push(invalid(`${at}.hostPort`, port.hostPort, text));
    errors.push(...oneOf(port.protocol, protocols, `${at}.protocol`, true));
    if (context.hostNetwork && port.hostPort !== port.containerPort) {
      errors.push(invalid(`${at}.hostPort`, port.hostPort ?? 0, 'must match `containerPort` when `hostNetwork` is true'));
    }
    return errors;
  });
}

function validateMounts({ volumeMounts = [], volumeDevices = [] }: Container, path: string, context: PodContext): FieldError[] {
  const paths = new Set<string>();
  const devices = new Set(volumeDevices.map(({ name }) => name));
  const devicePaths = new Set(volumeDevices.map(({ devicePath }) => devicePath));
  return volumeMounts.flatMap((mount, index) => {
    const at = `${path}[${index}]`;
    const errors: FieldError[] = [];
    if (!mount.name) errors.push(required(`${at}.name`));
    if (!context.volumes.has(mount.name)) errors.push(notFound(`${at}.name`, mount.name));
    if (!mount.mountPath) errors.push(required(`${at}.mountPath`));
    if (paths.has(mount.mountPath)) errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must be unique'));
    paths.add(mount.mountPath);
    if (devices.has(mount.name)) errors.push(invalid(`${at}.name`, mount.name, 'must not already exist in volumeDevices'));
    if (devicePaths.has(mount.mountPath))
      errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must not already exist as a path in volumeDevices'));
    if (mount.subPath) errors.push(...localPath(mount.subPath, `${path}.subPath`));
    if (mount.subPathExpr) {
      if (mount.subPath)
        errors.push(invalid(`${path}.subPathExpr`, mount.subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
      errors.push(...localPath(mount.subPathExpr, `${path}.subPathExpr`));
    }
    return errors;
  });
}

function validateDevices(
  { volumeMounts = [], volumeDevices = [] }: Container,
  path: string,
  context: PodContext,
): FieldError[] {
  const names = new Set<string>();
  const paths = new Set<string>();
  const mounts = new Set(volumeMounts.map(({ name }) => name));
  const mountPaths = new Set(volumeMounts.map(({ mountPath }) => mountPath));
  return volumeDevices.flatMap(({ name, devicePath }, index) => {
    const [ofName, ofPath] = [`${path}[${index}].name`, `${path}[${index}].devicePath`];
    const errors: FieldError[] = [];
    const volume = context.volumes.get(name);
    if (!name) errors.push(required(ofName));
    if (names.has(name)) errors.push(invalid(ofName, name, 'must be unique'));
    if (volume === undefined) errors.push(notFound(ofName, name));
    else if (volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined) {
      const text = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
      errors.push(invalid(ofName, name, text));
    }
    if (!devicePath) errors.push(required(ofPath));
    if (paths.has(devicePath)) errors.push(invalid(ofPath, devicePath, 'must be unique'));
    if (devicePath?.split('/').includes('..')) errors.push(invalid(ofPath, devicePath, "can not contain backsteps ('..')"));
    else paths.add(devicePath);
    if (mounts.has(name)) errors.push(invalid(ofName, name, 'must not already exist in volumeMounts'));
    if (mountPaths.has(devicePath))
      errors.push(invalid(ofPath, devicePath, 'must not already exist as a path in volumeMounts'));
    if (name) names.add(name);
    return errors;
  });
}

function probesOf(container: Container): [string, Probe][] {
  const probes: [string, Probe | undefined][] = [
    ['livenessProbe', container.livenessProbe],
    ['readinessProbe', container.readinessProbe],
    ['startupProbe', container.startupProbe],
  ];
  return probes.flatMap(([field, probe]) => (probe === undefined ? [] : [[field, probe]]));
}

function validateProbe(probe: Probe, path: string, field: string): FieldError[] {
  const errors = validateHandler(probe, path);
  for (const key of [
    'initialDelaySeconds',
    'timeoutSeconds',
    'periodSeconds',
    'successThreshold',
    'failureThreshold',
  ] as const) {
    errors.push(...nonNegative(probe[key], `${path}.${key}`));
  }
  if (probe.terminationGracePeriodSeconds !== undefined && probe.terminationGracePeriodSeconds <= 0) {
    errors.push(
      invalid(`${path}.terminationGracePeriodSeconds`, probe.terminationGracePeriodSeconds, 'must be greater than 0'),
    );
  }
  if (field === 'readinessProbe') {
    if (probe.terminationGracePeriodSeconds !== undefined) {
      errors.push(
        invalid(
          `${path}.terminationGracePeriodSeconds`,
          probe.terminationGracePeriodSeconds,
          'must not be set for readinessProbes',
        ),
      );
    }
  } else if ((probe.successThreshold ?? 1) !== 1) {
    errors.push(invalid(`${path}.successThreshold`, probe.successThreshold, 'must be 1'));
  }
  return errors;
}

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & { sleep?: { seconds: number } | undefined };

function validateHandler(handler: Handler, path: string): FieldError[] {
  const errors: FieldError[] = [];
  let count = 0;
  const once = (field: string, check: () => FieldError[]): void => {
    if (count > 0) errors.push(forbidden(`${path}.${field}`, 'may not specify more than 1 handler type'));
    else errors.push(...check());
    count += 1;
  };
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  if (exec !== undefined) once('exec', () => ((exec.command ?? []).length === 0 ? [required(`${path}.exec.command`)] : []));
  if (httpGet !== undefined) once('httpGet', () => validateHttpGet(httpGet, `${path}.httpGet`));
  if (tcpSocket !== undefined) once('tcpSocket', () => validatePort(tcpSocket.port, `${path}.tcpSocket.port`));
  if (grpc !== undefined) once('grpc', () => validatePort(grpc.port, `${path}.grpc.port`));
  if (sleep !== undefined) once('sleep', () => nonNegative(sleep.seconds, `${path}.sleep.seconds`));
  if (count === 0) errors.push(required(path, 'must specify a handler type'));
  return errors;
}

function validateHttpGet(action: HTTPGetAction, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!action.path) errors.push(required(`${path}.path`));
  errors.push(...validatePort(action.port, `${path}.port`), ...oneOf(action.scheme, schemes, `${path}.scheme`, true));
  return errors;
}

function validateLifecycle(lifecycle: Lifecycle, path: string): FieldError[] {
  return (['postStart', 'preStop'] as const).flatMap((hook) => {
    const handler = lifecycle[hook];
    return handler === undefined ? [] : validateHandler(handler, `${path}.${hook}`);
  });
}
