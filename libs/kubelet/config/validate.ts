// What a KubeletConfiguration cannot say: pure, in upstream's words (pkg/kubelet/apis/config/validation).
import type { Fields } from './decode.ts';

interface Bounds {
  readonly flag?: string;
  readonly min: number;
  readonly max?: number;
  readonly text: string;
}

const negative = { min: 0, text: 'must not be a negative number' };

const numbers: Readonly<Record<string, Bounds>> = {
  eventBurst: { flag: 'event-burst', ...negative },
  eventRecordQPS: { flag: 'event-qps', ...negative },
  healthzPort: { flag: 'healthz-port', min: 0, max: 65_535, text: 'must be between 1 and 65535, inclusive' },
  kubeAPIBurst: { flag: 'kube-api-burst', ...negative },
  kubeAPIQPS: { flag: 'kube-api-qps', ...negative },
  maxOpenFiles: { flag: 'max-open-files', ...negative },
  maxPods: { flag: 'max-pods', ...negative },
  podsPerCore: { flag: 'pods-per-core', ...negative },
  port: { flag: 'port', min: 0, max: 65_535, text: 'must be between 1 and 65535, inclusive' },
  readOnlyPort: { flag: 'read-only-port', min: 0, max: 65_535, text: 'must be between 0 and 65535, inclusive' },
};

const enforcements = ['pods', 'system-reserved', 'system-reserved-compressible', 'kube-reserved', 'kube-reserved-compressible'];
const enforcementsText =
  'Valid options are "pods", "system-reserved", "system-reserved-compressible", "kube-reserved", "kube-reserved-compressible" or "none"';

/** Undefined where everything can be so. */
export function invalidFields(file: Fields): string | undefined {
  const problems = [...outOfBounds(file), ...badEnforcements(file), ...badTaints(file)].map((each) => `invalid ${each}`);
  if (problems.length === 0) return undefined;
  const text = problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`;
  return `failed to validate kubelet configuration, error: ${text}, path: &TypeMeta{Kind:,APIVersion:,}`;
}

function* outOfBounds(file: Fields): Generator<string> {
  const lease = file.nodeLeaseDurationSeconds as number | undefined;
  if (lease !== undefined && lease < 0) yield 'configuration: nodeLeaseDurationSeconds must be greater than 0';
  for (const [field, { flag, min, max = Number.POSITIVE_INFINITY, text }] of Object.entries(numbers)) {
    const value = file[field] as number | undefined;
    if (value !== undefined && (value < min || value > max)) yield `configuration: ${field} (--${flag}) ${value} ${text}`;
  }
  const files = file.containerLogMaxFiles as number | undefined;
  if (files !== undefined && files <= 1) yield 'configuration: containerLogMaxFiles must be greater than 1';
}

function* badEnforcements(file: Fields): Generator<string> {
  const name = 'enforceNodeAllocatable (--enforce-node-allocatable)';
  const given = (file.enforceNodeAllocatable as string[] | undefined) ?? [];
  for (const each of given) {
    if (each === 'none') {
      if (given.length > 1) yield `configuration: ${name} may not contain additional enforcements when "none" is specified`;
    } else if (!enforcements.includes(each))
      yield `configuration: option ${JSON.stringify(each)} specified for ${name}. ${enforcementsText}`;
    else if (each !== 'pods') yield `configuration: ${name}: ${JSON.stringify(each)} is not served here: only pods are limited`;
  }
}

function* badTaints(file: Fields): Generator<string> {
  for (const { key, value = '', effect } of (file.registerWithTaints as Record<string, string>[] | undefined) ?? [])
    if (key === undefined || !['NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(effect ?? ''))
      yield `taint: {${key ?? ''} ${value} ${effect ?? ''} <nil>}`;
}
