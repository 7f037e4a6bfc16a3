// Distributing endpoints over slices with as few writes as possible (upstream's reconcileByPortMapping).
import type { Endpoint, EndpointSlice } from '@drydock/api/generated/types.ts';
import { semanticEqual } from '../common/equality.ts';
import { endpointKey } from './endpoint.ts';

interface Kept {
  readonly slice: EndpointSlice;
  readonly endpoints: Endpoint[];
  changed: boolean;
}

export interface Packed {
  readonly kept: readonly Kept[];
  readonly creates: readonly Endpoint[][];
  readonly deletes: readonly EndpointSlice[];
}

/**
 * Endpoints stay in the slice they are in. New ones go first into slices that are written anyway, the fullest first, then into
 * the untouched slice that the rest fits best, then into new slices. A slice that would be empty is deleted.
 */
export function packEndpoints(existing: readonly EndpointSlice[], wanted: ReadonlyMap<string, Endpoint>, max: number): Packed {
  const missing = new Map(wanted);
  const kept: Kept[] = [];
  const deletes: EndpointSlice[] = [];
  for (const slice of existing) {
    const entry = keepWanted(slice, missing);
    if (entry.endpoints.length === 0) deletes.push(slice);
    else kept.push(entry);
  }
  const fill = (endpoints: Endpoint[]) => {
    for (const [key, endpoint] of missing) {
      if (endpoints.length >= max) return;
      endpoints.push(endpoint);
      missing.delete(key);
    }
  };
  const written = kept.filter((entry) => entry.changed).sort((a, b) => b.endpoints.length - a.endpoints.length);
  for (const entry of written) fill(entry.endpoints);

  const creates: Endpoint[][] = [];
  while (missing.size > 0) {
    const room = missing.size >= max ? undefined : bestFit(kept, missing.size, max);
    if (room === undefined) {
      const endpoints: Endpoint[] = [];
      fill(endpoints);
      creates.push(endpoints);
    } else {
      room.changed = true;
      fill(room.endpoints);
    }
  }
  return { kept, creates, deletes };
}

/** The endpoints of `slice` that are still wanted, as they are now; those are taken out of `missing`. */
function keepWanted(slice: EndpointSlice, missing: Map<string, Endpoint>): Kept {
  const entry: Kept = { slice, endpoints: [], changed: false };
  for (const endpoint of slice.endpoints ?? []) {
    const key = endpointKey(endpoint);
    const now = missing.get(key);
    if (now === undefined) {
      entry.changed = true;
      continue;
    }
    missing.delete(key);
    entry.endpoints.push(now);
    if (!semanticEqual(now, endpoint)) entry.changed = true;
  }
  return entry;
}

/** The untouched slice that would be fullest after taking `count` more. */
function bestFit(kept: readonly Kept[], count: number, max: number): Kept | undefined {
  let best: Kept | undefined;
  for (const entry of kept) {
    if (entry.changed || entry.endpoints.length + count > max) continue;
    if (best === undefined || entry.endpoints.length > best.endpoints.length) best = entry;
  }
  return best;
}
