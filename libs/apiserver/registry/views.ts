// What an update of a subresource shows of its object and what it may change of it.
import type { Scale } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { scaleOf } from '@drydock/api/scale.ts';
import { findKind, type ResourceInfo, type SubresourceInfo } from '@drydock/api/scheme.ts';
import { invalidError } from '@drydock/api/validate/invalid-error.ts';
import { validateScale } from '@drydock/api/validate/scale.ts';
import { conflict } from './errors.ts';

/** A way to look at an object: whole, or as a Scale. */
export interface View {
  /** Group, version and kind of what the client sends. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly modelName: string;
  /** The table row of the kind, where it has one: for defaults and checks of fields. */
  readonly info: ResourceInfo | undefined;
  read(object: KubeObject): KubeObject;
  /** A new object with the viewed part replaced; throws an ApiError where that part is no valid one. */
  write(object: KubeObject, viewed: KubeObject): KubeObject;
}

/** The view for a request to `info`, or to its `subresource`. */
export function viewOf(info: ResourceInfo, subresource: SubresourceInfo | undefined): View {
  if (subresource?.name === 'scale') return scaleView(info, subresource);
  const identity = { read: (object: KubeObject) => object, write: (_object: KubeObject, viewed: KubeObject) => viewed };
  if (subresource !== undefined && subresource.kind !== info.kind) {
    const { group, version, kind, modelName } = subresource;
    return { group, version, kind, modelName, info: findKind(group, version, kind), ...identity };
  }
  const { group, version, kind, modelName } = info;
  return { group, version, kind, modelName, info, ...identity };
}

interface Scalable {
  metadata?: KubeObject['metadata'];
  spec?: object;
}

function scaleView(info: ResourceInfo, subresource: SubresourceInfo): View {
  return {
    group: subresource.group,
    version: subresource.version,
    kind: subresource.kind,
    modelName: subresource.modelName,
    info: findKind(subresource.group, subresource.version, subresource.kind),
    read: (object) => scaleOf(info, object) as KubeObject,
    write: (object, viewed) => {
      const scale = viewed as Scale;
      const { metadata = {}, spec } = object as Scalable;
      const errors = validateScale(scale);
      if (errors.length > 0) throw invalidError(subresource, metadata.name ?? '', errors);
      const uid = scale.metadata?.uid;
      if (uid !== undefined && uid !== metadata.uid) {
        throw conflict(
          { group: info.group, resource: `${info.resource}/scale` },
          metadata.name ?? '',
          `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`,
        );
      }
      const resourceVersion = scale.metadata?.resourceVersion;
      return {
        ...object,
        metadata: { ...metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
        spec: { ...spec, replicas: scale.spec?.replicas ?? 0 },
      } as KubeObject;
    },
  };
}
