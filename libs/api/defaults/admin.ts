// Defaults of the kinds that administrators write: access, admission, scheduling, flow control, API registration, devices.
import type {
  APIService,
  ClusterRoleBinding,
  CustomResourceDefinition,
  DeviceClaim,
  FlowSchema,
  MutatingWebhook,
  MutatingWebhookConfiguration,
  PriorityClass,
  PriorityLevelConfiguration,
  ResourceClaimTemplate,
  ResourceResourceClaim,
  RoleBinding,
  RuleWithOperations,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../generated/types.ts';
import { defaulter } from './define.ts';

const rbacGroup = 'rbac.authorization.k8s.io';
const webhookTimeoutSeconds = 10;
const httpsPort = 443;

export const adminDefaulters = [
  defaulter<RoleBinding>(`${rbacGroup}/RoleBinding`, defaultBinding),
  defaulter<ClusterRoleBinding>(`${rbacGroup}/ClusterRoleBinding`, defaultBinding),
  defaulter<ValidatingWebhookConfiguration>('admissionregistration.k8s.io/ValidatingWebhookConfiguration', ({ webhooks }) => {
    for (const webhook of webhooks ?? []) defaultWebhook(webhook);
  }),
  defaulter<MutatingWebhookConfiguration>('admissionregistration.k8s.io/MutatingWebhookConfiguration', ({ webhooks }) => {
    for (const webhook of webhooks ?? []) {
      defaultWebhook(webhook);
      webhook.reinvocationPolicy ??= 'Never';
    }
  }),
  defaulter<ValidatingAdmissionPolicy>('admissionregistration.k8s.io/ValidatingAdmissionPolicy', ({ spec }) => {
    if (spec === undefined) return;
    spec.failurePolicy ??= 'Fail';
    if (spec.matchConstraints !== undefined) defaultMatchResources(spec.matchConstraints);
  }),
  defaulter<ValidatingAdmissionPolicyBinding>('admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding', ({ spec }) => {
    if (spec?.matchResources !== undefined) defaultMatchResources(spec.matchResources);
  }),
  defaulter<PriorityClass>('scheduling.k8s.io/PriorityClass', (priorityClass) => {
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority';
  }),
  defaulter<APIService>('apiregistration.k8s.io/APIService', ({ spec }) => {
    if (spec?.service !== undefined) spec.service.port ??= httpsPort;
  }),
  defaulter<CustomResourceDefinition>('apiextensions.k8s.io/CustomResourceDefinition', defaultCustomResourceDefinition),
  defaulter<FlowSchema>('flowcontrol.apiserver.k8s.io/FlowSchema', ({ spec }) => {
    if (spec !== undefined) spec.matchingPrecedence ||= 1000;
  }),
  defaulter<PriorityLevelConfiguration>('flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration', defaultPriorityLevel),
  defaulter<ResourceResourceClaim>('resource.k8s.io/ResourceClaim', ({ spec }) => defaultDevices(spec?.devices)),
  defaulter<ResourceClaimTemplate>('resource.k8s.io/ResourceClaimTemplate', ({ spec }) => defaultDevices(spec?.spec?.devices)),
];

function defaultDevices(devices: DeviceClaim | undefined): void {
  for (const request of devices?.requests ?? []) {
    for (const part of [request.exactly, ...(request.firstAvailable ?? [])]) {
      if (part === undefined) continue;
      part.allocationMode ||= 'ExactCount';
      if (part.allocationMode === 'ExactCount') part.count ||= 1;
      for (const toleration of part.tolerations ?? []) toleration.operator ||= 'Equal';
    }
  }
}

function defaultBinding(binding: RoleBinding | ClusterRoleBinding): void {
  if (binding.roleRef !== undefined) binding.roleRef.apiGroup ||= rbacGroup;
  for (const subject of binding.subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= rbacGroup;
  }
}

function defaultWebhook(webhook: ValidatingWebhook | MutatingWebhook): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= webhookTimeoutSeconds;
  if (webhook.clientConfig?.service !== undefined) webhook.clientConfig.service.port ??= httpsPort;
  for (const rule of webhook.rules ?? []) defaultRule(rule);
}

function defaultRule(rule: RuleWithOperations): void {
  rule.scope ??= '*';
}

function defaultMatchResources(match: {
  matchPolicy?: string | undefined;
  namespaceSelector?: object | undefined;
  objectSelector?: object | undefined;
  resourceRules?: RuleWithOperations[] | undefined;
  excludeResourceRules?: RuleWithOperations[] | undefined;
}): void {
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) defaultRule(rule);
}

function defaultCustomResourceDefinition({ spec }: CustomResourceDefinition): void {
  if (spec?.names === undefined) return;
  spec.names.singular ||= spec.names.kind.toLowerCase();
  spec.names.listKind ||= `${spec.names.kind}List`;
  spec.conversion ??= { strategy: 'None' };
  spec.conversion.strategy ||= 'None';
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service !== undefined) service.port ??= httpsPort;
}

function defaultPriorityLevel({ spec }: PriorityLevelConfiguration): void {
  if (spec?.exempt !== undefined) {
    spec.exempt.nominalConcurrencyShares ??= 0;
    spec.exempt.lendablePercent ??= 0;
  }
  if (spec?.limited === undefined) return;
  spec.limited.nominalConcurrencyShares ??= 30;
  spec.limited.lendablePercent ??= 0;
  const queuing = spec.limited.limitResponse?.queuing;
  if (queuing === undefined) return;
  queuing.handSize ||= 8;
  queuing.queues ||= 64;
  queuing.queueLengthLimit ||= 50;
}
