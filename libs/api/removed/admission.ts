// Webhook configurations of admissionregistration.k8s.io/v1beta1.
import type { JsonObject } from '../json.ts';
import type { Warn } from './convert.ts';
import { fillIn, objectsAt } from './fields.ts';

/** v1 asks for what v1beta1 filled in, and fills in otherwise; it does not take side effects that nobody knows. */
export function webhookConfiguration(object: JsonObject, _: string, warn: Warn): void {
  for (const [index, webhook] of objectsAt(object, 'webhooks').entries()) {
    fillIn(webhook, {
      failurePolicy: 'Ignore',
      matchPolicy: 'Exact',
      timeoutSeconds: 30,
      admissionReviewVersions: ['v1beta1'],
      sideEffects: 'Unknown',
    });
    if (webhook.sideEffects === 'Unknown' || webhook.sideEffects === 'Some')
      warn(`webhooks[${index}].sideEffects: ${webhook.sideEffects} is not allowed any more: expected None or NoneOnDryRun`);
  }
}
