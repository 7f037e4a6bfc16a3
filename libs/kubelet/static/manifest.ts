// From the text of a manifest to a pod that the kubelet runs by itself (pkg/kubelet/config/common.go): the name tells the node, the
// uid is a digest of the manifest, and nothing of it needs the API server.
import { createHash } from 'node:crypto';
import { applyDefaults } from '@drydock/api/defaults.ts';
import { decodeObject } from '@drydock/api/fields.ts';
import type { Pod, Volume } from '@drydock/api/generated/types.ts';
import { pods } from '@drydock/api/resource.ts';
import { findResource } from '@drydock/api/scheme.ts';
import { type FieldError, fieldErrorText, forbidden } from '@drydock/api/validate/field-error.ts';
import { validateCreate } from '@drydock/api/validate/validate.ts';
import { parseFirstYaml } from '@drydock/foundation/lazy-yaml.ts';
import { hashAnnotation, type SourceName, sourceAnnotation } from './static-pod.ts';

export interface Origin {
  readonly source: SourceName;
  /** The path or the URL that the manifest was read from. */
  readonly from: string;
  readonly nodeName: string;
}

/** A manifest that is no pod, or one that cannot run. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

/** Reads a manifest of one pod, as JSON or YAML. Throws ManifestError. */
export function readPod(text: string, origin: Origin): Pod {
  const value = parsed(text);
  if (!isPod(value))
    throw new ManifestError(`couldn't parse as pod(invalid pod: ${described(value)}), please check config file`);
  return podOf(value, origin);
}

/** Reads a manifest of one pod or of a list of pods. Throws ManifestError: a list is taken whole or not at all. */
export function readPods(text: string, origin: Origin): Pod[] {
  const value = parsed(text);
  if (isPod(value)) return [podOf(value, origin)];
  const { kind, apiVersion, items } = (value ?? {}) as { kind?: unknown; apiVersion?: unknown; items?: unknown };
  if (kind !== 'PodList' || apiVersion !== 'v1' || !Array.isArray(items))
    throw new ManifestError(`couldn't parse as single or multiple pods: ${described(value)}`);
  return items.map((item) => podOf({ apiVersion: 'v1', kind: 'Pod', ...(item as object) }, origin));
}

function parsed(text: string): unknown {
  try {
    return /^\s*\{/.test(text) ? JSON.parse(text) : parseFirstYaml(text);
  } catch (cause) {
    throw new ManifestError(`couldn't parse as pod(${(cause as Error).message}), please check config file`, { cause });
  }
}

function isPod(value: unknown): value is object {
  const { kind, apiVersion } = (value ?? {}) as { kind?: unknown; apiVersion?: unknown };
  return kind === 'Pod' && apiVersion === 'v1';
}

function described(value: unknown): string {
  const { kind, apiVersion } = (value ?? {}) as { kind?: unknown; apiVersion?: unknown };
  if (typeof kind !== 'string' || kind === '') return "Object 'Kind' is missing";
  if (typeof apiVersion !== 'string' || apiVersion === '') return "Object 'apiVersion' is missing";
  return `no pod, but kind ${JSON.stringify(kind)} of version ${JSON.stringify(apiVersion)}`;
}

function podOf(value: object, { source, from, nodeName }: Origin): Pod {
  const info = findResource('', 'v1', pods.resource);
  if (info === undefined) throw new Error('pods are not in the scheme');
  const text = JSON.stringify(value);
  let pod: Pod;
  try {
    pod = decodeObject(info, text, 'Ignore').object as Pod;
  } catch (cause) {
    throw new ManifestError((cause as Error).message, { cause });
  }
  const { name = '', namespace = '' } = pod.metadata ?? {};
  if (name === '') throw new ManifestError('invalid pod: metadata.name: Required value: a static pod has a name');
  const uid = createHash('md5')
    .update(text)
    .update(source === 'file' ? `host:${nodeName}file:${from}` : `url:${from}`)
    .digest('hex');
  const tolerations = [...(pod.spec?.tolerations ?? [])];
  if (source === 'file' && !tolerations.some((each) => each.operator === 'Exists' && each.effect === 'NoExecute' && !each.key))
    // Not to be evicted when the node has trouble.
    tolerations.push({ operator: 'Exists', effect: 'NoExecute' });
  pod = {
    ...pod,
    metadata: {
      ...pod.metadata,
      name: `${name}-${nodeName.toLowerCase()}`,
      namespace: namespace === '' ? 'default' : namespace,
      // Whatever uid the manifest has: folders are named after it.
      uid,
      annotations: { ...pod.metadata?.annotations, [hashAnnotation]: uid, [sourceAnnotation]: source },
    },
    spec: { ...pod.spec, containers: pod.spec?.containers ?? [], nodeName, ...(tolerations.length > 0 ? { tolerations } : {}) },
    status: { phase: 'Pending' },
  };
  applyDefaults(info, pod);
  const errors = [...validateCreate(info, pod), ...references(pod)];
  if (errors.length > 0) throw new ManifestError(`invalid pod: ${errors.map(fieldErrorText).join(', ')}`);
  return pod;
}

/** What a pod that is known to no API server cannot have of it. */
function references(pod: Pod): FieldError[] {
  const { spec } = pod;
  if (spec === undefined) return [];
  const found: FieldError[] = [];
  const refuse = (field: string, what: string) => found.push(forbidden(field, `static pods may not reference ${what}`));
  if ((spec.serviceAccountName ?? '') !== '') refuse('spec.serviceAccountName', 'serviceaccounts');
  if ((spec.resourceClaims ?? []).length > 0) refuse('spec.resourceClaims', 'resourceclaims');
  if ((spec.imagePullSecrets ?? []).length > 0) refuse('spec.imagePullSecrets', 'secrets');
  (spec.volumes ?? []).forEach((volume, i) => {
    const what = referenced(volume);
    if (what !== undefined) refuse(`spec.volumes[${i}]`, what);
  });
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  for (const { name, env = [], envFrom = [] } of containers) {
    const field = `spec.containers[${name}]`;
    if (env.some(({ valueFrom }) => valueFrom?.secretKeyRef !== undefined)) refuse(`${field}.env`, 'secrets');
    if (env.some(({ valueFrom }) => valueFrom?.configMapKeyRef !== undefined)) refuse(`${field}.env`, 'configmaps');
    if (envFrom.some(({ secretRef }) => secretRef !== undefined)) refuse(`${field}.envFrom`, 'secrets');
    if (envFrom.some(({ configMapRef }) => configMapRef !== undefined)) refuse(`${field}.envFrom`, 'configmaps');
  }
  return found;
}

function referenced(volume: Volume): string | undefined {
  if (volume.secret !== undefined) return 'secrets';
  if (volume.configMap !== undefined) return 'configmaps';
  if (volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined) return 'persistentvolumeclaims';
  for (const source of volume.projected?.sources ?? []) {
    if (source.serviceAccountToken !== undefined) return 'serviceaccounts';
    if (source.secret !== undefined) return 'secrets';
    if (source.configMap !== undefined) return 'configmaps';
    if (source.clusterTrustBundle !== undefined) return 'clustertrustbundles';
  }
  return undefined;
}
