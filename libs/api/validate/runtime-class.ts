// Rules of runtime classes (pkg/apis/node/validation), and of the overhead that they give to pods.
import type { RuntimeClass } from '../generated/types.ts';
import { dns1123LabelErrors } from '../names.ts';
import { rules } from './define.ts';
import { duplicate, type FieldError, invalid, required } from './field-error.ts';
import { validateLabels } from './meta.ts';
import { tolerationText, validateTolerations } from './pod.ts';
import { validateOverhead } from './pod-resources.ts';

export const runtimeClassRules = [
  rules<RuntimeClass>('node.k8s.io/RuntimeClass', { create: validateRuntimeClass, update: validateRuntimeClassUpdate }),
];

function validateRuntimeClass({ handler, overhead, scheduling }: RuntimeClass): FieldError[] {
  const errors = handler ? dns1123LabelErrors(handler).map((text) => invalid('handler', handler, text)) : [required('handler')];
  errors.push(...validateOverhead(overhead?.podFixed, 'overhead'));
  errors.push(...validateLabels(scheduling?.nodeSelector, 'scheduling.nodeSelector'));
  const tolerations = scheduling?.tolerations ?? [];
  errors.push(...validateTolerations(tolerations, 'scheduling.tolerations'));
  const seen = new Set<string>();
  tolerations.forEach((each, index) => {
    const text = tolerationText(each);
    if (!seen.has(text)) {
      seen.add(text);
      return;
    }
    const { key: Key = '', operator: Operator = '', value: Value = '', effect: Effect = '', tolerationSeconds = null } = each;
    const shown = { Key, Operator, Value, Effect, TolerationSeconds: tolerationSeconds };
    errors.push(duplicate(`scheduling.tolerations[${index}]`, shown));
  });
  return errors;
}

function validateRuntimeClassUpdate(runtimeClass: RuntimeClass, old: RuntimeClass): FieldError[] {
  if (runtimeClass.handler === old.handler) return [];
  return [invalid('handler', runtimeClass.handler, 'field is immutable')];
}
