// The patch types of PATCH, by content type.
import type { JsonObject } from '@drydock/api/json.ts';
import { applyJsonPatch } from '@drydock/api/patch/json-patch.ts';
import { applyMergePatch } from '@drydock/api/patch/merge-patch.ts';
import { applyStrategicMergePatch } from '@drydock/api/patch/strategic-merge.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import type { RequestBody } from '../request.ts';

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
      throw apiError('UnsupportedMediaType', '415: Unsupported Media Type', {});
  }
}
