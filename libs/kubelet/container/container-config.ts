// The configuration of one container for the engine (pkg/kubelet/kuberuntime/kuberuntime_container.go).
import type { Container, Pod } from '@drydock/api/generated/types.ts';
import {
  annotations,
  type ContainerConfig,
  type Image,
  type LinuxResources,
  labels as labelNames,
  type Mount,
} from '../engine/engine.ts';
import { podKey, uidOf } from '../pod/observation.ts';
import { appArmorOf, groupsPolicyOf, type SeccompSettings, seccompOf, selinuxOf } from './confinement.ts';
import { ContainerConfigError } from './env.ts';
import { expand } from './expand.ts';
import { namespacesOf } from './sandbox-config.ts';

export interface ContainerInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly attempt: number;
  readonly image: Image;
  readonly env: ReadonlyMap<string, string>;
  readonly mounts: readonly Mount[];
  readonly resources: LinuxResources;
  readonly hash: string;
  readonly terminationMessageFile: string;
  readonly seccomp: SeccompSettings;
  /** The container whose processes this one sees. */
  readonly targetId?: string | undefined;
}

const maskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** Throws ContainerConfigError where the image's user contradicts runAsNonRoot, or a profile is none. */
export function containerConfig(input: ContainerInput): ContainerConfig {
  const { pod, container, attempt, env, image } = input;
  checkNonRoot(pod, container, image);
  const lookup = (name: string) => env.get(name);
  const { namespace, name } = podKey(pod);
  return {
    metadata: { name: container.name, attempt },
    image: { image: image.id },
    command: (container.command ?? []).map((each) => expand(each, lookup)),
    args: (container.args ?? []).map((each) => expand(each, lookup)),
    working_dir: container.workingDir ?? '',
    envs: [...env].map(([key, value]) => ({ key, value })),
    mounts: input.mounts,
    labels: {
      [labelNames.podName]: name,
      [labelNames.podNamespace]: namespace,
      [labelNames.podUid]: uidOf(pod),
      [labelNames.containerName]: container.name,
    },
    annotations: {
      [annotations.hash]: input.hash,
      [annotations.restartCount]: String(attempt),
      [annotations.terminationMessagePath]: container.terminationMessagePath ?? '/dev/termination-log',
      [annotations.terminationMessagePolicy]: container.terminationMessagePolicy ?? 'File',
      [annotations.gracePeriod]: String(pod.spec?.terminationGracePeriodSeconds ?? 30),
      [annotations.terminationMessageFile]: input.terminationMessageFile,
    },
    log_path: `${container.name}/${attempt}.log`,
    stdin: container.stdin === true,
    stdin_once: container.stdinOnce === true,
    tty: container.tty === true,
    linux: { resources: input.resources, security_context: securityContext(input) },
  };
}

function checkNonRoot(pod: Pod, container: Container, image: Image): void {
  const own = container.securityContext;
  const whole = pod.spec?.securityContext;
  if ((own?.runAsNonRoot ?? whole?.runAsNonRoot) !== true) return;
  const user = own?.runAsUser ?? whole?.runAsUser;
  const place = `(pod: "${podKey(pod).name}_${podKey(pod).namespace}(${uidOf(pod)})", container: ${container.name})`;
  if (user !== undefined) {
    if (Number(user) === 0) throw new ContainerConfigError(`container's runAsUser breaks non-root policy ${place}`);
    return;
  }
  if (image.uid === 0 || (image.uid === undefined && image.username === ''))
    throw new ContainerConfigError(`container has runAsNonRoot and image will run as root ${place}`);
  if (image.username !== '')
    throw new ContainerConfigError(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${place}`,
    );
}

function securityContext({ pod, container, image, targetId, seccomp }: ContainerInput): Record<string, unknown> {
  const own = container.securityContext;
  const whole = pod.spec?.securityContext;
  const privileged = own?.privileged === true;
  const user = own?.runAsUser ?? whole?.runAsUser ?? image.uid;
  const group = own?.runAsGroup ?? whole?.runAsGroup;
  const unmasked = privileged || own?.procMount === 'Unmasked';
  const fsGroup = whole?.fsGroup === undefined ? [] : [Number(whole.fsGroup)];
  return {
    capabilities: { add_capabilities: own?.capabilities?.add ?? [], drop_capabilities: own?.capabilities?.drop ?? [] },
    privileged,
    namespace_options: {
      ...namespacesOf(pod),
      ...(targetId === undefined || targetId === '' ? {} : { pid: 'TARGET', target_id: targetId }),
    },
    ...(user === undefined ? { run_as_username: image.username } : { run_as_user: { value: Number(user) } }),
    ...(group === undefined ? {} : { run_as_group: { value: Number(group) } }),
    readonly_rootfs: own?.readOnlyRootFilesystem === true,
    supplemental_groups: [...fsGroup, ...(whole?.supplementalGroups ?? []).map(Number)],
    no_new_privs: own?.allowPrivilegeEscalation === false,
    masked_paths: unmasked ? [] : maskedPaths,
    readonly_paths: unmasked ? [] : readonlyPaths,
    seccomp: privileged ? { profile_type: 'Unconfined' } : seccompOf(own?.seccompProfile ?? whole?.seccompProfile, seccomp),
    ...appArmorOf(pod, container),
    ...selinuxOf(own?.seLinuxOptions ?? whole?.seLinuxOptions),
    ...groupsPolicyOf(whole),
  };
}
