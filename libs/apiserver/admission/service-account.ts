// Every pod runs as a service account and finds its token (plugin/pkg/admission/serviceaccount).
import type { Container, Pod, ServiceAccount, Volume } from '@drydock/api/generated/types.ts';
import { mirrorAnnotation } from '@drydock/api/validate/pod-annotations.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { secretsOf } from '../authz/pod-references.ts';
import { forbiddenObject } from '../registry/errors.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const tokenSeconds = 3607;
const defaultMode = 0o644;

/** @param find the service account as it is now. */
export function serviceAccountAdmission(
  find: (namespace: string, name: string) => Promise<ServiceAccount | undefined>,
  random: RandomStream,
): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    async mutate(request) {
      const pod = newPod(request);
      if (pod?.spec === undefined) return;
      const { spec } = pod;
      if (pod.metadata?.annotations?.[mirrorAnnotation] !== undefined) return checkMirror(request, pod);
      spec.serviceAccountName ||= 'default';
      spec.serviceAccount = spec.serviceAccountName;
      const account = await find(request.namespace, spec.serviceAccountName);
      const name = pod.metadata?.name ?? '';
      if (account === undefined) {
        const why = `error looking up service account ${request.namespace}/${spec.serviceAccountName}: serviceaccount ${JSON.stringify(spec.serviceAccountName)} not found`;
        throw forbiddenObject(request.info, name, why);
      }
      const mount = spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;
      if (mount) mountToken(pod, random);
      if ((spec.imagePullSecrets ?? []).length === 0 && (account.imagePullSecrets ?? []).length > 0) {
        spec.imagePullSecrets = (account.imagePullSecrets ?? []).map(({ name: secret }) => ({ name: secret }));
      }
    },
  };
}

function newPod(request: AdmissionRequest): Pod | undefined {
  const { info, operation, subresource } = request;
  if (info.group !== '' || info.resource !== 'pods' || subresource !== '' || operation !== 'CREATE') return undefined;
  return request.object as Pod;
}

function checkMirror(request: AdmissionRequest, pod: Pod): void {
  const refuse = (why: string) => forbiddenObject(request.info, pod.metadata?.name ?? '', why);
  if ((pod.spec?.serviceAccountName ?? '') !== '') throw refuse('a mirror pod may not reference service accounts');
  if (pod.spec !== undefined && secretsOf(pod.spec).size > 0) throw refuse('a mirror pod may not reference secrets');
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.projected?.sources?.some((source) => source.serviceAccountToken !== undefined)) {
      throw refuse('a mirror pod may not use ServiceAccountToken volume projections');
    }
  }
}

/** Adds the projected volume and mounts it in every container that does not mount something there itself. */
function mountToken(pod: Pod, random: RandomStream): void {
  const spec = pod.spec;
  if (spec === undefined) return;
  const known = (spec.volumes ?? []).find((volume) => volume.name.startsWith('kube-api-access-'));
  const name = known?.name ?? `kube-api-access-${random.suffix(5)}`;
  let needed = false;
  const add = (container: Container) => {
    if ((container.volumeMounts ?? []).some((mount) => mount.mountPath === mountPath)) return;
    needed = true;
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }];
  };
  for (const container of spec.initContainers ?? []) add(container);
  for (const container of spec.containers ?? []) add(container);
  if (needed && known === undefined) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
      ],
      defaultMode,
    },
  };
}
