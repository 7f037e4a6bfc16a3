// How EndpointSlices belong to Services.
import type { EndpointSlice } from './generated/types.ts';

/** A slice's label that names its Service, in the slice's namespace. */
export const serviceNameLabel = 'kubernetes.io/service-name';

/** The name of the Service that the slice is of; undefined where it is of none. */
export function serviceOfSlice({ metadata }: EndpointSlice): string | undefined {
  return metadata?.labels?.[serviceNameLabel];
}
