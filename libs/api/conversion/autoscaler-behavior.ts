// The behavior of an autoscaler as an annotation of autoscaling/v1 spells it: with the field names of Go's structure, all of them.
import type { V2HorizontalPodAutoscalerBehavior, V2HPAScalingRules } from '../generated/types.ts';
import { isObject, type JsonObject } from '../json.ts';

export function goBehavior({ scaleUp, scaleDown }: V2HorizontalPodAutoscalerBehavior): JsonObject {
  return { ScaleUp: goRules(scaleUp), ScaleDown: goRules(scaleDown) };
}

function goRules(rules: V2HPAScalingRules | undefined): JsonObject | null {
  if (rules === undefined) return null;
  const { stabilizationWindowSeconds, selectPolicy, policies, tolerance } = rules;
  return {
    StabilizationWindowSeconds: stabilizationWindowSeconds ?? null,
    SelectPolicy: selectPolicy ?? null,
    Policies:
      policies?.map(({ type, value, periodSeconds }) => ({ Type: type, Value: value, PeriodSeconds: periodSeconds })) ?? null,
    Tolerance: tolerance ?? null,
  };
}

/** What the annotation says; undefined where it says nothing. Go takes names in letters of either case. */
export function behaviorOf(annotation: unknown): JsonObject | undefined {
  const [scaleUp, scaleDown] = ['scaleUp', 'scaleDown'].map((name) => rulesOf(field(annotation, name)));
  if (scaleUp === undefined && scaleDown === undefined) return undefined;
  return { ...(scaleUp && { scaleUp }), ...(scaleDown && { scaleDown }) };
}

function rulesOf(value: unknown): JsonObject | undefined {
  if (!isObject(value)) return undefined;
  const rules: JsonObject = {};
  for (const name of ['stabilizationWindowSeconds', 'selectPolicy', 'tolerance']) {
    const given = field(value, name);
    if (given !== undefined && given !== null) rules[name] = given;
  }
  const policies = field(value, 'policies');
  if (Array.isArray(policies))
    rules.policies = policies.map((policy) => ({
      type: field(policy, 'type') ?? '',
      value: field(policy, 'value') ?? 0,
      periodSeconds: field(policy, 'periodSeconds') ?? 0,
    }));
  return rules;
}

function field(object: unknown, name: string): unknown {
  if (!isObject(object)) return undefined;
  return Object.entries(object).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}
