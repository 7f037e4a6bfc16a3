// What the parts of NodeRestriction share.
import type { CSIDriver, Node, Pod } from '@drydock/api/generated/types.ts';
import { type ApiError, apiError } from '@drydock/api/status.ts';
import type { Attributes } from '../authz/authorizer.ts';
import { forbiddenObject } from '../registry/errors.ts';
import type { AdmissionRequest } from './admission.ts';

export interface NodeLookups {
  pod(namespace: string, name: string): Promise<Pod | undefined>;
  node(name: string): Promise<Node | undefined>;
  csiDriver(name: string): Promise<CSIDriver | undefined>;
  /** The driver of the persistent volume that a claim is bound to. */
  driverOfClaim(namespace: string, claim: string): Promise<string | undefined>;
  allowed(attributes: Attributes): boolean;
}

/** The name in the request, or of the object that it creates. */
export function named(request: AdmissionRequest): string {
  return request.name || (request.object?.metadata?.name ?? '');
}

export function refuse(request: AdmissionRequest, why: string): ApiError {
  return forbiddenObject(request.info, named(request), why);
}

/** What a lister of upstream's says of an object that it has not. */
export function notFoundObject(kind: string, name: string): ApiError {
  return apiError('NotFound', `${kind} ${JSON.stringify(name)} not found`, { name, kind });
}
