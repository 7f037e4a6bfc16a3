// The last step of a request: objects in the version and form that the client asked for.
import type { KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo } from '@drydock/api/scheme.ts';
import { convert, tableOf } from './machinery.ts';
import { groupVersionOf } from './registry/traits.ts';
import type { Rendering } from './registry/reader.ts';
import type { ListResult, OutputForm } from './request.ts';

/** How watchers of `info` that asked for `form` see objects of the storage version. */
export function renderingOf(info: ResourceInfo, form: OutputForm): Rendering {
  const version = groupVersionOf(info);
  const key = form.as === 'object' ? version : `${version} ${form.as} ${form.version} ${form.includeObject}`;
  const render = (stored: KubeObject): unknown => {
    const object = convert(stored, version);
    if (form.as === 'object') return object;
    return form.as === 'partial' ? partial(object, form.version) : tableOf(info, [object], {}, form, false);
  };
  return { key, render };
}

/** One object in the form asked for. A Status stays what it is. */
export function renderObject(info: ResourceInfo, object: KubeObject, form: OutputForm): unknown {
  if (form.as === 'object' || object.kind === 'Status') return object;
  if (form.as === 'partial') return partial(object, form.version);
  return tableOf(info, [object], { resourceVersion: object.metadata?.resourceVersion }, form, true);
}

/** A list in the form asked for. Items of a typed list carry neither kind nor apiVersion, as upstream encodes them. */
export function renderList(info: ResourceInfo, list: ListResult, form: OutputForm): unknown {
  if (form.as === 'table') return tableOf(info, list.items, list.header.metadata as object, form, true);
  if (form.as === 'partial') {
    const items = list.items.map((item) => ({ ...partial(item, form.version) }));
    return { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.version}`, metadata: list.header.metadata, items };
  }
  return { ...list.header, items: list.items.map(({ kind: _kind, apiVersion: _version, ...item }) => item) };
}

function partial(object: KubeObject, version: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}
