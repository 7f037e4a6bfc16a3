// The files of configMap, secret, downwardAPI and projected volumes: pure (pkg/volume/{configmap,secret,downwardapi,projected}).
import type { DownwardAPIVolumeFile, KeyToPath, Pod, VolumeProjection } from '@drydock/api/generated/types.ts';
import { fieldText, type NodeFacts, resourceText } from '../container/downward.ts';
import type { References } from '../container/env.ts';
import type { PayloadFile } from './atomic-writer.ts';
import { fsGroupOf, fsUserOf } from './ownership.ts';

/** A volume that cannot be made now; the text is that of the FailedMount event. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}

export const defaultFileMode = 0o644;

export interface PayloadContext {
  readonly pod: Pod;
  readonly references: References;
  readonly facts: NodeFacts;
  /** The token for an audience, which the caller has asked for before. */
  readonly token: (audience: string, expirationSeconds: number) => string;
  /** Aborts when the pod is to end: what others do for its volumes is not waited for then. */
  readonly ending?: AbortSignal;
}

const servedSources = new Set(['configMap', 'secret', 'downwardAPI', 'serviceAccountToken']);

type Files = Map<string, PayloadFile>;

export function configMapFiles(
  context: PayloadContext,
  name: string,
  items: readonly KeyToPath[] | undefined,
  mode: number,
  optional = false,
): Files {
  const namespace = context.pod.metadata?.namespace ?? '';
  const map = context.references.configMap(namespace, name);
  if (map === undefined && !optional) throw new VolumeError(`configmap "${name}" not found`);
  const data = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(map?.data ?? {})) data.set(key, Buffer.from(value));
  for (const [key, value] of Object.entries(map?.binaryData ?? {})) data.set(key, Buffer.from(value, 'base64'));
  return select(data, items, mode, optional, 'configmap references non-existent config key');
}

export function secretFiles(
  context: PayloadContext,
  name: string,
  items: readonly KeyToPath[] | undefined,
  mode: number,
  optional = false,
): Files {
  const namespace = context.pod.metadata?.namespace ?? '';
  const secret = context.references.secret(namespace, name);
  if (secret === undefined && !optional) throw new VolumeError(`secret "${name}" not found`);
  const data = new Map(
    Object.entries(secret?.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64') as Uint8Array]),
  );
  return select(data, items, mode, optional, 'references non-existent secret key');
}

function select(
  data: ReadonlyMap<string, Uint8Array>,
  items: readonly KeyToPath[] | undefined,
  mode: number,
  optional: boolean,
  missing: string,
): Files {
  if (items === undefined || items.length === 0) return new Map([...data].map(([key, value]) => [key, { data: value, mode }]));
  const files: Files = new Map();
  for (const { key, path, mode: own } of items) {
    const value = data.get(key);
    if (value !== undefined) files.set(path, { data: value, mode: own ?? mode });
    else if (!optional) throw new VolumeError(`${missing}: ${key}`);
  }
  return files;
}

export function downwardFiles({ pod, facts }: PayloadContext, items: readonly DownwardAPIVolumeFile[], mode: number): Files {
  const files: Files = new Map();
  for (const item of items) {
    const selector = item.resourceFieldRef;
    const container = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].find(
      ({ name }) => name === selector?.containerName,
    );
    const text =
      item.fieldRef !== undefined
        ? fieldText(pod, item.fieldRef, facts)
        : selector !== undefined && container !== undefined
          ? resourceText(container, selector, facts)
          : undefined;
    if (text === undefined) throw new VolumeError(`unsupported field of downwardAPI file ${item.path}`);
    files.set(item.path, { data: Buffer.from(text), mode: item.mode ?? mode });
  }
  return files;
}

export function projectedFiles(context: PayloadContext, sources: readonly VolumeProjection[], mode: number): Files {
  const files: Files = new Map();
  const add = (more: Files) => {
    for (const [path, file] of more) files.set(path, file);
  };
  const uid = fsUserOf(context.pod);
  const isPrivate = uid !== undefined || fsGroupOf(context.pod) !== undefined;
  for (const source of sources) {
    const { configMap, secret, downwardAPI, serviceAccountToken } = source;
    const other = Object.keys(source).find((kind) => !servedSources.has(kind));
    if (other !== undefined) throw new VolumeError(`projected source ${other} cannot be served by this kubelet`);
    if (configMap !== undefined) add(configMapFiles(context, configMap.name ?? '', configMap.items, mode, configMap.optional));
    if (secret !== undefined) add(secretFiles(context, secret.name ?? '', secret.items, mode, secret.optional));
    if (downwardAPI !== undefined) add(downwardFiles(context, downwardAPI.items ?? [], mode));
    if (serviceAccountToken !== undefined) {
      const { audience = '', expirationSeconds = 3600, path } = serviceAccountToken;
      const token = context.token(audience, Number(expirationSeconds));
      // A token is for its owner alone where all containers are one user or the volume has a group (which may read it then).
      files.set(path, { data: Buffer.from(token), mode: isPrivate ? 0o600 : mode, uid });
    }
  }
  return files;
}
