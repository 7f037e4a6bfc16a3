// What a pod's failure means for its Job: the first rule of podFailurePolicy that matches.
import type { ContainerStatus, Job, Pod, PodFailurePolicyRule } from '@drydock/api/generated/types.ts';
import { nameOf, namespaceOf } from '../common/object-meta.ts';

export interface FailureVerdict {
  readonly action: 'FailJob' | 'FailIndex' | 'Ignore' | 'Count';
  /** Which rule it was, in upstream's words; undefined where none matched. */
  readonly message?: string;
}

const counts: FailureVerdict = { action: 'Count' };

/** The verdict on a failed pod; `Count` where there is no policy or no rule matches. */
export function judgeFailure(job: Job, pod: Pod): FailureVerdict {
  for (const [index, rule] of (job.spec?.podFailurePolicy?.rules ?? []).entries()) {
    const what = matchOf(rule, pod);
    if (what === undefined) continue;
    const message = `${what} matching ${rule.action} rule at index ${index}`;
    switch (rule.action) {
      case 'FailJob':
      case 'Ignore':
        return { action: rule.action, message };
      case 'FailIndex':
        if (job.spec?.backoffLimitPerIndex !== undefined) return { action: 'FailIndex', message };
        continue;
      case 'Count':
        return counts;
    }
  }
  return counts;
}

function matchOf(rule: PodFailurePolicyRule, pod: Pod): string | undefined {
  const name = `${namespaceOf(pod)}/${nameOf(pod)}`;
  if (rule.onExitCodes !== undefined) {
    const { containerName, operator, values } = rule.onExitCodes;
    const ended = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
    const hit = ended.find((status) => {
      const code = exitCodeOf(status);
      if (code === 0 || (containerName !== undefined && containerName !== status.name)) return false;
      return operator === 'In' ? values.includes(code) : operator === 'NotIn' && !values.includes(code);
    });
    if (hit !== undefined) return `Container ${hit.name} for pod ${name} failed with exit code ${exitCodeOf(hit)}`;
    return undefined;
  }
  for (const pattern of rule.onPodConditions ?? []) {
    const hit = pod.status?.conditions?.find(
      ({ type, status }) => type === pattern.type && status === (pattern.status ?? 'True'),
    );
    if (hit !== undefined) return `Pod ${name} has condition ${hit.type}`;
  }
  return undefined;
}

/** 0 also where the container has not ended. */
function exitCodeOf(status: ContainerStatus): number {
  return status.state?.terminated?.exitCode ?? 0;
}
