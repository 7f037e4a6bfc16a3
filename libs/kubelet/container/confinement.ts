// How a container is confined, as the CRI has it: seccomp, AppArmor, SELinux, supplementary groups: pure
// (pkg/kubelet/kuberuntime/security_context.go, pkg/security/apparmor).

import { posix } from 'node:path';
import { appArmorAnnotation } from '@drydock/api/confinement-annotations.ts';
import type {
  AppArmorProfile,
  Container,
  Pod,
  PodSecurityContext,
  SELinuxOptions,
  SeccompProfile,
} from '@drydock/api/generated/types.ts';
import type { SecurityProfile } from '../engine/engine.ts';
import { ContainerConfigError } from './env.ts';

export interface SeccompSettings {
  /** The folder below which the profiles of this node are. */
  readonly root: string;
  /** `seccompDefault`: who asks for nothing gets the engine's profile. */
  readonly isDefault: boolean;
}

/** Throws ContainerConfigError where the profile is none of those that this node keeps for containers. */
export function seccompOf(profile: SeccompProfile | undefined, { root, isDefault }: SeccompSettings): SecurityProfile {
  if (profile === undefined) return { profile_type: isDefault ? 'RuntimeDefault' : 'Unconfined' };
  switch (profile.type) {
    case 'RuntimeDefault':
      return { profile_type: 'RuntimeDefault' };
    case 'Localhost':
      return { profile_type: 'Localhost', localhost_ref: profilePath(profile.localhostProfile, root) };
    case 'Unconfined':
      return { profile_type: 'Unconfined' };
    default:
      throw new ContainerConfigError(`unknown seccomp profile type ${JSON.stringify(profile.type)}`);
  }
}

function profilePath(name: string | undefined, root: string): string {
  if (name === undefined || name === '')
    throw new ContainerConfigError('localhostProfile must be set if seccompProfile type is Localhost.');
  const path = posix.join(root, name);
  if (!path.startsWith(`${posix.normalize(root)}/`))
    throw new ContainerConfigError(`localhostProfile ${JSON.stringify(name)} is outside of ${root}`);
  return path;
}

/** Of the container, else of the annotation that came before the fields, else of the pod. */
export function appArmorProfileOf(pod: Pod, container: Container): AppArmorProfile | undefined {
  return (
    container.securityContext?.appArmorProfile ??
    annotated(pod.metadata?.annotations?.[`${appArmorAnnotation}${container.name}`]) ??
    pod.spec?.securityContext?.appArmorProfile
  );
}

function annotated(text: string | undefined): AppArmorProfile | undefined {
  if (text === undefined || text === '') return undefined;
  if (text === 'unconfined') return { type: 'Unconfined' };
  if (text.startsWith('localhost/')) return { type: 'Localhost', localhostProfile: text.slice('localhost/'.length) };
  return { type: text === 'runtime/default' ? 'RuntimeDefault' : text };
}

/** Whether anything of the pod is to be confined by AppArmor. */
export function needsAppArmor(pod: Pod): boolean {
  const { securityContext, containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const isAsked = (profile: AppArmorProfile | undefined) => profile !== undefined && profile.type !== 'Unconfined';
  return (
    isAsked(securityContext?.appArmorProfile) ||
    [...containers, ...initContainers, ...ephemeralContainers].some((each) => isAsked(appArmorProfileOf(pod, each)))
  );
}

/** Engines before CRI 0.27 know only the second one. */
export interface AppArmorFields {
  readonly apparmor?: SecurityProfile;
  readonly apparmor_profile?: string;
}

/** Throws ContainerConfigError for a profile that is not named. */
export function appArmorOf(pod: Pod, container: Container): AppArmorFields {
  const profile = appArmorProfileOf(pod, container);
  switch (profile?.type) {
    case undefined:
      return {};
    case 'RuntimeDefault':
      return { apparmor: { profile_type: 'RuntimeDefault' }, apparmor_profile: 'runtime/default' };
    case 'Unconfined':
      return { apparmor: { profile_type: 'Unconfined' }, apparmor_profile: 'unconfined' };
    case 'Localhost': {
      const { localhostProfile: name = '' } = profile ?? {};
      if (name === '') throw new ContainerConfigError('missing localhost apparmor profile name');
      return { apparmor: { profile_type: 'Localhost', localhost_ref: name }, apparmor_profile: `localhost/${name}` };
    }
    default:
      throw new ContainerConfigError(`unknown AppArmor profile type ${JSON.stringify(profile?.type)}`);
  }
}

export interface SelinuxFields {
  readonly selinux_options?: { readonly user: string; readonly role: string; readonly type: string; readonly level: string };
}

export function selinuxOf(options: SELinuxOptions | undefined): SelinuxFields {
  if (options === undefined) return {};
  const { user = '', role = '', type = '', level = '' } = options;
  return { selinux_options: { user, role, type, level } };
}

/** Whether the groups that an image gives its user are left out; unless said they are not. */
export function groupsPolicyOf(context: PodSecurityContext | undefined): { readonly supplemental_groups_policy?: string } {
  const policy = context?.supplementalGroupsPolicy;
  return policy === undefined ? {} : { supplemental_groups_policy: policy };
}
