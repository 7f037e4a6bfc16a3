// Rules of the counters in the status of workloads (pkg/apis/apps/validation, pkg/apis/core/validation).
import type { KubeObject } from '../resource.ts';
import { nonNegative } from './common.ts';
import { type FieldError, invalid } from './field-error.ts';

type Counters = Readonly<Record<string, number | undefined>>;

interface StatusRules {
  /** Counters that may not be negative. */
  readonly counters: readonly string[];
  /** Counters that may not exceed status.replicas. */
  readonly withinReplicas: readonly string[];
  /** How upstream names readyReplicas when availableReplicas exceeds it. */
  readonly ready: string;
}

const deployments: StatusRules = {
  counters: [
    'observedGeneration',
    'replicas',
    'updatedReplicas',
    'readyReplicas',
    'availableReplicas',
    'unavailableReplicas',
    'collisionCount',
  ],
  withinReplicas: ['updatedReplicas', 'readyReplicas', 'availableReplicas'],
  ready: 'readyReplicas',
};
const replicaSets: StatusRules = {
  counters: ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration'],
  withinReplicas: ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'],
  ready: 'readyReplicas',
};
const statefulSets: StatusRules = {
  counters: [
    'replicas',
    'readyReplicas',
    'currentReplicas',
    'updatedReplicas',
    'availableReplicas',
    'observedGeneration',
    'collisionCount',
  ],
  withinReplicas: ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'],
  ready: 'status.readyReplicas',
};
const daemonSets: StatusRules = {
  counters: [
    'currentNumberScheduled',
    'numberMisscheduled',
    'desiredNumberScheduled',
    'numberReady',
    'observedGeneration',
    'updatedNumberScheduled',
    'numberAvailable',
    'numberUnavailable',
    'collisionCount',
  ],
  withinReplicas: [],
  ready: '',
};
const autoscalers: StatusRules = { counters: ['currentReplicas', 'desiredReplicas'], withinReplicas: [], ready: '' };
const budgets: StatusRules = {
  counters: ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'],
  withinReplicas: [],
  ready: '',
};

export const deploymentStatus = check(deployments);
export const replicaSetStatus = check(replicaSets);
export const statefulSetStatus = check(statefulSets);
export const daemonSetStatus = check(daemonSets);
export const autoscalerStatus = check(autoscalers);
export const budgetStatus = check(budgets);

function countersOf(object: KubeObject): Counters {
  return ((object as { status?: unknown }).status ?? {}) as Counters;
}

function check(rules: StatusRules): (object: KubeObject, old: KubeObject) => FieldError[] {
  return (object, old) => {
    const status = countersOf(object);
    const errors = rules.counters.flatMap((name) => nonNegative(status[name], `status.${name}`));
    const { replicas = 0, readyReplicas = 0, availableReplicas = 0, collisionCount } = status;
    for (const name of rules.withinReplicas) {
      const value = status[name] ?? 0;
      if (value > replicas) errors.push(invalid(`status.${name}`, value, 'cannot be greater than status.replicas'));
    }
    if (rules.ready !== '' && availableReplicas > readyReplicas) {
      errors.push(invalid('status.availableReplicas', availableReplicas, `cannot be greater than ${rules.ready}`));
    }
    const before = countersOf(old).collisionCount;
    if (rules.counters.includes('collisionCount') && before !== undefined && (collisionCount ?? 0) < before) {
      errors.push(invalid('status.collisionCount', collisionCount ?? 0, 'cannot be decremented'));
    }
    return errors;
  };
}
