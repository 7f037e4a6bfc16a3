// The environment of a container (pkg/kubelet, makeEnvironmentVariables): services, envFrom, env, in that order.
import type { ConfigMap, Container, EnvVar, Pod, Secret, Service } from '@drydock/api/generated/types.ts';
import { fieldText, type NodeFacts, resourceText } from './downward.ts';
import { expand } from './expand.ts';

/** What a container refers to is missing or wrong: reason CreateContainerConfigError. */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError';
}

export interface References {
  configMap(namespace: string, name: string): ConfigMap | undefined;
  secret(namespace: string, name: string): Secret | undefined;
}

export interface EnvInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly services: Iterable<Service>;
  readonly references: References;
  readonly facts: NodeFacts;
}

/** Throws ContainerConfigError. */
export function environment(input: EnvInput): Map<string, string> {
  const { pod, container } = input;
  const namespace = pod.metadata?.namespace ?? '';
  const services = serviceVariables(input.services, namespace, pod.spec?.enableServiceLinks !== false);
  const result = new Map<string, string>();
  for (const source of container.envFrom ?? []) {
    const map = source.configMapRef ?? source.secretRef;
    if (map === undefined) continue;
    const data =
      source.configMapRef !== undefined
        ? configMapData(input, namespace, map.name ?? '', map.optional)
        : secretData(input, namespace, map.name ?? '', map.optional);
    for (const [key, value] of Object.entries(data ?? {})) result.set(`${source.prefix ?? ''}${key}`, value);
  }
  const own = new Map<string, string>();
  for (const variable of container.env ?? []) {
    const value =
      variable.value !== undefined || variable.valueFrom === undefined
        ? expand(variable.value ?? '', (name) => own.get(name) ?? result.get(name) ?? services.get(name))
        : valueFrom(input, namespace, variable);
    if (value === undefined) continue;
    own.set(variable.name, value);
    result.set(variable.name, value);
  }
  for (const [key, value] of services) if (!result.has(key)) result.set(key, value);
  return result;
}

function valueFrom(input: EnvInput, namespace: string, { valueFrom: source }: EnvVar): string | undefined {
  if (source?.fieldRef !== undefined) return fieldText(input.pod, source.fieldRef, input.facts);
  if (source?.resourceFieldRef !== undefined) {
    const named = source.resourceFieldRef.containerName;
    const container = [...(input.pod.spec?.containers ?? []), ...(input.pod.spec?.initContainers ?? [])].find(
      ({ name }) => name === named,
    );
    return resourceText(container ?? input.container, source.resourceFieldRef, input.facts);
  }
  const reference = source?.configMapKeyRef ?? source?.secretKeyRef;
  if (reference === undefined) return undefined;
  const isMap = source?.configMapKeyRef !== undefined;
  const data = (isMap ? configMapData : secretData)(input, namespace, reference.name ?? '', reference.optional);
  const value = data?.[reference.key];
  if (value === undefined && reference.optional !== true) {
    throw new ContainerConfigError(
      `couldn't find key ${reference.key} in ${isMap ? 'ConfigMap' : 'Secret'} ${namespace}/${reference.name}`,
    );
  }
  return value;
}

function configMapData(
  input: EnvInput,
  namespace: string,
  name: string,
  optional = false,
): Readonly<Record<string, string>> | undefined {
  const map = input.references.configMap(namespace, name);
  if (map === undefined && !optional) throw new ContainerConfigError(`configmap "${name}" not found`);
  return map?.data ?? {};
}

function secretData(
  input: EnvInput,
  namespace: string,
  name: string,
  optional = false,
): Readonly<Record<string, string>> | undefined {
  const secret = input.references.secret(namespace, name);
  if (secret === undefined && !optional) throw new ContainerConfigError(`secret "${name}" not found`);
  return Object.fromEntries(
    Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
  );
}

/** SVC_SERVICE_HOST and its kin, of the pod's namespace; default's `kubernetes` in any case, unless the namespace has its own. */
export function serviceVariables(services: Iterable<Service>, namespace: string, links: boolean): Map<string, string> {
  const linked = new Map<string, Service>();
  for (const service of services) {
    const { name = '', namespace: home } = service.metadata ?? {};
    const ip = service.spec?.clusterIP ?? '';
    if (ip === '' || ip === 'None') continue;
    const master = home === 'default' && name === 'kubernetes';
    if ((links && home === namespace) || (master && !linked.has(name))) linked.set(name, service);
  }
  const result = new Map<string, string>();
  for (const [name, service] of linked) {
    const ip = service.spec?.clusterIP ?? '';
    const prefix = name.toUpperCase().replaceAll('-', '_');
    const ports = service.spec?.ports ?? [];
    const [first] = ports;
    if (first === undefined) continue;
    result.set(`${prefix}_SERVICE_HOST`, ip);
    result.set(`${prefix}_SERVICE_PORT`, String(first.port));
    for (const port of ports)
      if (port.name) result.set(`${prefix}_SERVICE_PORT_${port.name.toUpperCase().replaceAll('-', '_')}`, String(port.port));
    const url = (port: { protocol?: string | undefined; port: number }) =>
      `${(port.protocol ?? 'TCP').toLowerCase()}://${ip.includes(':') ? `[${ip}]` : ip}:${port.port}`;
    result.set(`${prefix}_PORT`, url(first));
    for (const port of ports) {
      const each = `${prefix}_PORT_${port.port}_${(port.protocol ?? 'TCP').toUpperCase()}`;
      result.set(each, url(port));
      result.set(`${each}_PROTO`, (port.protocol ?? 'TCP').toLowerCase());
      result.set(`${each}_PORT`, String(port.port));
      result.set(`${each}_ADDR`, ip);
    }
  }
  return result;
}
