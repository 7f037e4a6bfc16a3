// Nothing is created in a namespace that is missing or going away, and three namespaces stay for ever
// (plugin/pkg/admission namespace/lifecycle).
import type { Namespace } from '@drydock/api/generated/types.ts';
import { forbiddenObject, notFound } from '../registry/errors.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

const immortal: readonly string[] = ['default', 'kube-system', 'kube-public'];

/** @param find the namespace as it is now: from the cache, or from the store where the cache has none. */
export function namespaceLifecycle(find: (name: string) => Promise<Namespace | undefined>): AdmissionPlugin {
  const check = async (request: AdmissionRequest): Promise<void> => {
    const { operation, info, namespace, name, object } = request;
    if (info.group === '' && info.resource === 'namespaces') {
      if (operation === 'DELETE' && immortal.includes(name)) {
        throw forbiddenObject(info, name, 'this namespace may not be deleted');
      }
      return;
    }
    if (operation !== 'CREATE' || !info.namespaced || namespace === '') return;
    // Reviews decide nothing that lasts, and their namespace may be gone.
    if (info.resource === 'localsubjectaccessreviews') return;
    const found = await find(namespace);
    if (found === undefined) throw notFound({ group: '', resource: 'namespaces' }, namespace);
    if (found.metadata?.deletionTimestamp === undefined && found.status?.phase !== 'Terminating') return;
    const error = forbiddenObject(
      info,
      object?.metadata?.name ?? '',
      `unable to create new content in namespace ${namespace} because it is being terminated`,
    );
    error.status.details = {
      ...error.status.details,
      causes: [
        { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' },
      ],
    };
    throw error;
  };
  return {
    name: 'NamespaceLifecycle',
    mutate: check,
    validate: (request) => (request.operation === 'DELETE' ? check(request) : undefined),
  };
}
