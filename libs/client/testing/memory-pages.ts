// Lists in pages: all of them show the state that the first of them had.
import type { ListMeta } from '@drydock/api/generated/types.ts';
import { cloneJson } from '@drydock/api/json.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import type { ObjectList } from '../api-client.ts';

export class Pages {
  /** By continue token, what is left. */
  readonly #rests = new Map<string, { readonly items: readonly KubeObject[]; readonly revision: number }>();

  /** @param limit objects per page; 0 is no limit. */
  first(items: readonly KubeObject[], revision: number, limit = 0): ObjectList<KubeObject> {
    const end = limit > 0 ? limit : items.length;
    const metadata: ListMeta = { resourceVersion: String(revision) };
    if (end < items.length) {
      metadata.continue = `page-${this.#rests.size}`;
      metadata.remainingItemCount = items.length - end;
      this.#rests.set(metadata.continue, { items: items.slice(end), revision });
    }
    return { metadata, items: cloneJson(items.slice(0, end)) };
  }

  next(token: string, limit: number | undefined): ObjectList<KubeObject> {
    const rest = this.#rests.get(token);
    if (rest === undefined) throw apiError('BadRequest', `continue key is not valid: ${token}`);
    return this.first(rest.items, rest.revision, limit);
  }
}
