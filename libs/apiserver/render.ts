// The last step of a request: objects in the version and form that the client asked for.
import { convert } from '@drydock/api/conversion.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo } from '@drydock/api/scheme.ts';
import { tableOf } from '@drydock/api/table.ts';

import { groupVersionOf } from './registry/traits.ts';
import type { Rendering } from './registry/watch-view.ts';
import type { ListResult, OutputForm } from './request.ts';

/** How watchers of `info` that asked for `form` see objects of the storage version. */
export function renderingOf(info: ResourceInfo, form: OutputForm, nowMs: () => number): Rendering {
  const version = groupVersionOf(info);
  if (form.as === 'object') return { key: version, render: (stored) => convert(stored, version) };
  const key = `${version} ${form.as} ${form.version} ${form.includeObject}`;
  if (form.as === 'partial') return { key, render: (stored) => partial(convert(stored, version), form.version) };
  const row = (stored: KubeObject, withoutColumns: boolean) =>
    table(
      info,
      [convert(stored, version)],
      form,
      { resourceVersion: stored.metadata?.resourceVersion },
      nowMs(),
      withoutColumns,
    );
  return {
    key,
    render: (stored) => row(stored, true),
    first: { key: `${key} first`, render: (stored) => row(stored, false) },
  };
}

/** One object in the form asked for. A Status stays what it is. */
export function renderObject(info: ResourceInfo, object: KubeObject, form: OutputForm, nowMs: number): unknown {
  if (form.as === 'object' || object.kind === 'Status') return object;
  if (form.as === 'partial') return partial(object, form.version);
  return table(info, [object], form, { resourceVersion: object.metadata?.resourceVersion }, nowMs, false);
}

/** A list in the form asked for. Items of a typed list carry neither kind nor apiVersion, as upstream encodes them. */
export function renderList(info: ResourceInfo, list: ListResult, form: OutputForm, nowMs: number): unknown {
  const metadata = list.header.metadata as Readonly<Record<string, unknown>>;
  if (form.as === 'table') return table(info, list.items, form, metadata, nowMs, false);
  if (form.as === 'partial') {
    const items = list.items.map((item) => partial(item, form.version));
    return { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.version}`, metadata, items };
  }
  return { ...list.header, items: list.items.map(({ kind: _kind, apiVersion: _version, ...item }) => item) };
}

function table(
  info: ResourceInfo,
  objects: readonly KubeObject[],
  form: OutputForm,
  metadata: Readonly<Record<string, unknown>>,
  nowMs: number,
  withoutColumns: boolean,
): object {
  const result = tableOf(info, objects, { nowMs, includeObject: form.includeObject, metadata, withoutColumns });
  return form.version === 'v1' ? result : { ...result, apiVersion: `meta.k8s.io/${form.version}` };
}

function partial(object: KubeObject, version: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}
