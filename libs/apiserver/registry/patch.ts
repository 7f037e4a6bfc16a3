// The patch types of PATCH, by content type.
import type { JsonObject } from '@drydock/api/json.ts';
import { applyJsonPatch } from '@drydock/api/patch/json-patch.ts';
import { applyMergePatch } from '@drydock/api/patch/merge-patch.ts';
import { applyStrategicMergePatch } from '@drydock/api/patch/strategic-merge.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import type { RequestBody } from '../request.ts';
import { jsonText } from './decode.ts';

type Apply = (target: { readonly modelName: string }, original: JsonObject, text: string) => JsonObject;

const patches: ReadonlyMap<string, Apply> = new Map<string, Apply>([
  ['application/json-patch+json', (_target, original, text) => applyJsonPatch(original, text)],
  ['application/merge-patch+json', (_target, original, text) => applyMergePatch(original, text)],
  [
    'application/strategic-merge-patch+json',
    ({ modelName }, original, text) => applyStrategicMergePatch(modelName, original, text),
  ],
]);

const applyTypes: ReadonlySet<string> = new Set(['application/apply-patch+yaml', 'application/apply-patch+cbor']);

/** Fails with UnsupportedMediaType, whether there is an object to patch or not. Undefined: there is no patch at all. */
export function checkPatchType(contentType: string | undefined): void {
  if (contentType === undefined || patches.has(contentType)) return;
  const what = applyTypes.has(contentType) ? ': server-side apply is not served' : '';
  throw apiError('UnsupportedMediaType', `415: Unsupported Media Type${what}`, {});
}

/** The outcome of a patch on `current`, not yet checked. Fails with UnsupportedMediaType for other content types. */
export function applyPatch(target: { readonly modelName: string }, current: KubeObject, body: RequestBody): JsonObject {
  checkPatchType(body.contentType);
  const apply = patches.get(body.contentType);
  return apply?.(target, current as unknown as JsonObject, jsonText(body.bytes)) ?? {};
}
