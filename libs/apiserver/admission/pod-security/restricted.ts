// The checks that the level `restricted` has beside or in place of those of `baseline`: what a hardened pod says and does not say
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted).
import type { PodSpec, Volume } from '@drydock/api/generated/types.ts';
import { procMount, seccompFields } from './baseline.ts';
import type { Check } from './check.ts';
import { containersOf, counted, distinct, namesOf, plural, quoted, setters } from './violation.ts';

const allowedVolumes = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
]);

/** Since 1.25 what Windows does not have is not asked of its pods. */
const isOfWindows = (spec: PodSpec, version: number) => version >= 25 && spec.os?.name === 'windows';

const allowPrivilegeEscalation: Check = (spec, _metadata, version) => {
  if (version < 8 || isOfWindows(spec, version)) return undefined;
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  if (bad.length === 0) return undefined;
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${counted('container', namesOf(bad))} must set securityContext.allowPrivilegeEscalation=false`,
  };
};

/** Before 1.22 the check of `baseline` holds. */
const capabilities: Check = (spec, _metadata, version) => {
  if (isOfWindows(spec, version)) return undefined;
  const forbidden = (added: readonly string[] = []) => added.filter((name) => name !== 'NET_BIND_SERVICE');
  const all = containersOf(spec);
  const kept = all.filter(({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'));
  const adding = all.filter(({ securityContext }) => forbidden(securityContext?.capabilities?.add).length > 0);
  const added = distinct(adding.flatMap(({ securityContext }) => forbidden(securityContext?.capabilities?.add)));
  const what = [
    ...(kept.length > 0 ? [`${counted('container', namesOf(kept))} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0
      ? [`${counted('container', namesOf(adding))} must not include ${quoted(added)} in securityContext.capabilities.add`]
      : []),
  ];
  return what.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: what.join('; ') };
};

const restrictedVolumes: Check = (spec) => {
  const bad = (spec.volumes ?? []).filter((volume) => !allowedVolumes.has(typeOf(volume)));
  if (bad.length === 0) return undefined;
  const types = distinct(bad.map(typeOf));
  const what = `${bad.length === 1 ? 'uses' : 'use'} ${plural('restricted volume type', types.length)} ${quoted(types)}`;
  return {
    reason: 'restricted volume types',
    detail: `${counted(
      'volume',
      bad.map(({ name }) => name),
    )} ${what}`,
  };
};

function typeOf({ name: _, ...source }: Volume): string {
  const given = Object.entries(source).find(([, value]) => value !== undefined);
  return given?.[0] ?? 'unknown';
}

/** Since 1.35 root in a user namespace of its own is none. */
const hasOwnUsers = (spec: PodSpec, version: number) => version >= 35 && spec.hostUsers === false;

const runAsNonRoot: Check = (spec, _metadata, version) => {
  if (hasOwnUsers(spec, version)) return undefined;
  const ofPod = spec.securityContext?.runAsNonRoot;
  const all = containersOf(spec);
  const reason = 'runAsNonRoot != true';
  const who = setters(
    ofPod === false,
    all.filter(({ securityContext }) => securityContext?.runAsNonRoot === false),
  );
  if (who !== undefined) return { reason, detail: `${who} must not set securityContext.runAsNonRoot=false` };
  const silent = all.filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  if (ofPod === true || silent.length === 0) return undefined;
  return { reason, detail: `pod or ${counted('container', namesOf(silent))} must set securityContext.runAsNonRoot=true` };
};

const runAsUser: Check = (spec, _metadata, version) => {
  if (version < 23 || hasOwnUsers(spec, version)) return undefined;
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.runAsUser === 0);
  const who = setters(spec.securityContext?.runAsUser === 0, bad);
  return who === undefined ? undefined : { reason: 'runAsUser=0', detail: `${who} must not set runAsUser=0` };
};

/** Before 1.19 the check of `baseline` holds. */
const seccompProfile: Check = (spec, _metadata, version) => {
  if (isOfWindows(spec, version)) return undefined;
  const wrong = seccompFields(spec);
  if (wrong !== undefined || spec.securityContext?.seccompProfile !== undefined) return wrong;
  const silent = containersOf(spec).filter(({ securityContext }) => securityContext?.seccompProfile === undefined);
  if (silent.length === 0) return undefined;
  const who = `pod or ${counted('container', namesOf(silent))}`;
  return {
    reason: 'seccompProfile',
    detail: `${who} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
};

/** In the order in which they are told. */
export const restrictedChecks = {
  allowPrivilegeEscalation,
  capabilities,
  procMount: procMount(),
  restrictedVolumes,
  runAsNonRoot,
  runAsUser,
  seccompProfile,
} as const satisfies Record<string, Check>;
