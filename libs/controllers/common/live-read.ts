// A look at the apiserver where a cache is not enough.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import type { Target } from './action.ts';

/** The object as the apiserver has it; undefined where there is none. Throws ApiError. */
export async function readLive<T extends KubeObject>(
  client: ApiClient,
  resource: Resource<T>,
  key: Target,
): Promise<T | undefined> {
  try {
    return await client.get(resource, key);
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  }
}
