// What the pipeline uses of the API library, in one place.
import type { KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo } from '@drydock/api/scheme.ts';
import { apiError } from '@drydock/api/status.ts';
import { type JsonObject } from '@drydock/api/json.ts';
import { applyJsonPatch } from '@drydock/api/patch/json-patch.ts';
import { applyMergePatch } from '@drydock/api/patch/merge-patch.ts';
import { applyStrategicMergePatch } from '@drydock/api/patch/strategic-merge.ts';
import { matchesFields, parseFieldSelector } from '@drydock/api/selectors/field.ts';
import { matchesLabels, parseLabelSelector } from '@drydock/api/selectors/label.ts';


import type { RequestBody } from './request.ts';

/** A label selector as a test; fails with BadRequest. */
export function labelSelection(text: string): (object: KubeObject) => boolean {
  const selector = parseLabelSelector(text);
  return (object) => matchesLabels(selector, object.metadata?.labels);
}

/** A field selector as a test; fails with BadRequest. */
export function fieldSelection(info: ResourceInfo, text: string): (object: KubeObject) => boolean {
  const selector = parseFieldSelector(info, text);
  return (object) => matchesFields(info, selector, object);
}

/** The outcome of a patch on `current`, not yet checked. Fails with UnsupportedMediaType for server-side apply. */
export function applyPatch(target: { readonly modelName: string }, current: KubeObject, body: RequestBody): JsonObject {
  const text = body.bytes.toString();
  const original = current as unknown as JsonObject;
  switch (body.contentType) {
    case 'application/json-patch+json':
      return applyJsonPatch(original, text);
    case 'application/merge-patch+json':
      return applyMergePatch(original, text);
    case 'application/strategic-merge-patch+json':
      return applyStrategicMergePatch(target.modelName, original, text);
    default:
      throw apiError(
        'UnsupportedMediaType',
        '415: Unsupported Media Type',
        {},
      );
  }
}

/** The object in another group version; it may be the same object. */
export function convert(object: KubeObject, _to: string): KubeObject { return object; }
export function openApiV2(): string { return '{"swagger":"2.0","info":{"title":"Kubernetes","version":"v1.36.2"},"paths":{},"definitions":{}}'; }
export function openApiV3Index(): object { return { paths: {} }; }
export function openApiV3(_gv: string): string | undefined { return undefined; }
