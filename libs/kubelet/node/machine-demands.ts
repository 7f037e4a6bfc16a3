// Why this machine is not what the configuration asks for: pure (cmd/kubelet/app, pkg/kubelet/cm, pkg/util/sysctl).
import type { MachineDemands } from '../config.ts';

/** What upstream's kubelet sets, or with protectKernelDefaults expects; files below /proc/sys. */
const kernelDefaults: Readonly<Record<string, number>> = {
  'vm/overcommit_memory': 1,
  'vm/panic_on_oom': 0,
  'kernel/panic': 10,
  'kernel/panic_on_oops': 1,
  'kernel/keys/root_maxkeys': 1_000_000,
  'kernel/keys/root_maxbytes': 25_000_000,
};

/** `read`: the text of a file, undefined where there is none. Empty where all is well. */
export function machineProblems(demands: MachineDemands, read: (path: string) => string | undefined): string[] {
  const problems: string[] = [];
  // On v2 the one hierarchy is mounted there itself.
  if (demands.noCgroupV1 && read('/sys/fs/cgroup/cgroup.controllers') === undefined)
    problems.push(
      'kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is unsupported and will be removed in a future release',
    );
  // The first line is a heading.
  if (demands.noSwap && (read('/proc/swaps') ?? '').trim().split('\n').length > 1)
    problems.push('running with swap on is not supported, please disable swap or set --fail-swap-on flag to false');
  if (demands.kernelDefaults)
    for (const [name, expected] of Object.entries(kernelDefaults)) {
      const actual = read(`/proc/sys/${name}`)?.trim();
      if (actual !== String(expected))
        problems.push(`invalid kernel flag: ${name}, expected value: ${expected}, actual value: ${actual ?? 'none'}`);
    }
  return problems;
}
