// Defaults of pods and pod templates (pkg/apis/core/v1/defaults.go).
import type {
  Container,
  DownwardAPIVolumeFile,
  EphemeralContainer,
  HTTPGetAction,
  Lifecycle,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Probe,
  ResourceRequirements,
  Volume,
} from '../generated/types.ts';
import { isObject } from '../json.ts';
import { roundQuantities } from './quantities.ts';
import { defaultVolumeSource } from './volumes.ts';

/** Octal 0644: the mode of files in volumes. */
export const defaultFileMode = 420;
const serviceAccountTokenExpirationSeconds = 3600;

export function defaultPod(pod: Pod): void {
  const spec = pod.spec;
  if (spec === undefined) return;
  for (const container of containersOf(spec)) requestsFromLimits(container);
  if (spec.resources !== undefined) podRequestsFromLimits(spec);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork === true) {
    for (const container of containersOf(spec)) hostPorts(container);
  }
  defaultPodSpec(spec);
}

export function defaultPodTemplate(template: PodTemplateSpec | undefined): void {
  if (template?.spec !== undefined) defaultPodSpec(template.spec);
}

export function defaultPodSpec(spec: PodSpec): void {
  if (spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  else if (spec.serviceAccount) spec.serviceAccountName = spec.serviceAccount;
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  spec.terminationGracePeriodSeconds ??= 30;
  spec.securityContext ??= {};
  spec.schedulerName ||= 'default-scheduler';
  for (const container of spec.containers ?? []) defaultContainer(container);
  for (const container of spec.initContainers ?? []) defaultContainer(container);
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container);
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  roundQuantities(spec.overhead);
  if (spec.resources !== undefined) roundResources(spec.resources);
}

/** Defaults come before validation, so a list that is required may be missing here. */
function containersOf(spec: PodSpec): Container[] {
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
}

function requestsFromLimits(container: Container): void {
  const resources = container.resources;
  if (resources?.limits === undefined) return;
  resources.requests ??= {};
  for (const [name, limit] of Object.entries(resources.limits)) resources.requests[name] ??= limit;
}

/** Pod-level requests: from the containers' sum upstream adds those of overcommittable resources; here limits fill gaps. */
function podRequestsFromLimits(spec: PodSpec): void {
  const { limits, requests } = spec.resources ?? {};
  if (limits === undefined || spec.resources === undefined) return;
  const filled: Record<string, string> = { ...requests };
  const named = new Set((spec.containers ?? []).flatMap(({ resources }) => Object.keys(resources?.requests ?? {})));
  for (const [name, limit] of Object.entries(limits)) if (!named.has(name)) filled[name] ??= limit;
  if (Object.keys(filled).length > 0) spec.resources.requests = filled;
}

function hostPorts(container: Container): void {
  for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
}

function defaultContainer(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ||= pullPolicyOf(container.image ?? '');
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe !== undefined) defaultProbe(probe);
  }
  if (container.lifecycle !== undefined) defaultLifecycle(container.lifecycle);
  for (const variable of container.env ?? []) {
    if (variable.value === '') delete variable.value;
    if (variable.valueFrom?.resourceFieldRef !== undefined) variable.valueFrom.resourceFieldRef.divisor ??= '0';
    if (variable.valueFrom?.fieldRef !== undefined) variable.valueFrom.fieldRef.apiVersion ||= 'v1';
    if (variable.valueFrom?.fileKeyRef !== undefined) variable.valueFrom.fileKeyRef.optional ??= false;
  }
  if (container.resources !== undefined) roundResources(container.resources);
}

/** `Always` for the tag latest, also when no tag is given; `IfNotPresent` for others and for digests. */
export function pullPolicyOf(image: string): string {
  const [name = ''] = image.split('@');
  const digest = image.includes('@');
  const tag = /:([^/:]+)$/.exec(name)?.[1];
  if (tag === undefined && digest) return 'IfNotPresent';
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  if (probe.httpGet !== undefined) defaultHttpGet(probe.httpGet);
  if (probe.grpc !== undefined) probe.grpc.service ??= '';
}

function defaultLifecycle(lifecycle: Lifecycle): void {
  for (const hook of [lifecycle.postStart, lifecycle.preStop]) if (hook?.httpGet !== undefined) defaultHttpGet(hook.httpGet);
}

function defaultHttpGet(action: HTTPGetAction): void {
  action.path ||= '/';
  action.scheme ||= 'HTTP';
}

function roundResources(resources: ResourceRequirements): void {
  roundQuantities(resources.limits);
  roundQuantities(resources.requests);
}

function defaultDownwardItem(item: DownwardAPIVolumeFile): void {
  if (item.fieldRef !== undefined) item.fieldRef.apiVersion ||= 'v1';
  if (item.resourceFieldRef !== undefined) item.resourceFieldRef.divisor ??= '0';
}

function defaultVolume(volume: Volume): void {
  const source = Object.entries(volume).some(([key, value]) => key !== 'name' && isObject(value));
  if (!source) volume.emptyDir = {};
  if (volume.secret !== undefined) volume.secret.defaultMode ??= defaultFileMode;
  if (volume.configMap !== undefined) volume.configMap.defaultMode ??= defaultFileMode;
  if (volume.hostPath !== undefined) volume.hostPath.type ??= '';
  if (volume.downwardAPI !== undefined) {
    volume.downwardAPI.defaultMode ??= defaultFileMode;
    for (const item of volume.downwardAPI.items ?? []) defaultDownwardItem(item);
  }
  if (volume.projected !== undefined) {
    volume.projected.defaultMode ??= defaultFileMode;
    for (const { serviceAccountToken, downwardAPI } of volume.projected.sources ?? []) {
      if (serviceAccountToken !== undefined) serviceAccountToken.expirationSeconds ??= serviceAccountTokenExpirationSeconds;
      for (const item of downwardAPI?.items ?? []) defaultDownwardItem(item);
    }
  }
  if (volume.ephemeral?.volumeClaimTemplate !== undefined)
    volume.ephemeral.volumeClaimTemplate.spec.volumeMode ??= 'Filesystem';
  if (volume.image !== undefined) volume.image.pullPolicy ||= pullPolicyOf(volume.image.reference ?? '');
  defaultVolumeSource(volume);
}
