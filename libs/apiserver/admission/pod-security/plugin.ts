// PodSecurity: pods are held to the level that their namespace asks for by its labels, who makes pods or changes the labels is
// warned (https://kubernetes.io/docs/concepts/security/pod-security-admission/). Nobody is exempt: there is no configuration yet.
import type { Namespace, ObjectMeta, Pod, PodSpec } from '@drydock/api/generated/types.ts';
import { type FieldError, invalid } from '@drydock/api/validate/field-error.ts';
import { invalidError } from '@drydock/api/validate/invalid-error.ts';
import { forbiddenObject } from '../../registry/errors.ts';
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts';
import { describeViolations, evaluate } from './evaluate.ts';
import { describeLevel, isSameLevel, isStricter, type LabelProblem, type LevelVersion, policyOf } from './levels.ts';
import { relabelWarnings } from './relabel-warnings.ts';
import { isSignificant } from './significant.ts';
import { templateOf } from './templates.ts';

export interface PodSecuritySources {
  namespace(name: string): Promise<Namespace | undefined>;
  /** The pods of a namespace, as they are now. */
  pods(namespace: string): Promise<Iterable<Pod>>;
  /** Milliseconds of a clock that nobody sets, for what is bounded in time. */
  monotonicMs(): number;
}

/** Subresources by which a pod may become another: their changes are looked at. */
const changingSubresources = ['', 'ephemeralcontainers', 'resize'];

export function podSecurity(sources: PodSecuritySources): AdmissionPlugin {
  return {
    name: 'PodSecurity',
    async validate(request) {
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
      const { group, resource } = request.info;
      if (group === '' && resource === 'namespaces') return checkNamespace(request, sources);
      if (group === '' && resource === 'pods') return checkPod(request, sources);
      return checkMaker(request, sources);
    },
  };
}

async function checkPod(request: AdmissionRequest, sources: PodSecuritySources): Promise<void> {
  if (!changingSubresources.includes(request.subresource)) return;
  const pod = request.object as Pod;
  if (request.operation === 'UPDATE' && !isSignificant(pod, request.old as Pod)) return;
  const { enforce, warn } = await policyOfNamespace(request, sources);
  const violations = evaluate(enforce, pod.spec as PodSpec, pod.metadata as ObjectMeta);
  if (violations.length > 0) {
    const why = `violates PodSecurity ${JSON.stringify(describeLevel(enforce))}: ${describeViolations(violations)}`;
    throw forbiddenObject(request.info, pod.metadata?.name || request.name, why);
  }
  warnOf(request, warn, pod.spec, pod.metadata);
}

/** Whatever makes pods: the user is warned, the pods themselves are refused when they come. */
async function checkMaker(request: AdmissionRequest, sources: PodSecuritySources): Promise<void> {
  if (request.subresource !== '') return;
  const template = templateOf(request.info, request.object);
  if (template?.spec === undefined) return;
  warnOf(request, (await policyOfNamespace(request, sources)).warn, template.spec, template.metadata);
}

function warnOf(
  request: AdmissionRequest,
  level: LevelVersion,
  spec: PodSpec = { containers: [] },
  metadata: ObjectMeta = {},
): void {
  const violations = evaluate(level, spec, metadata);
  if (violations.length === 0) return;
  request.warn([`would violate PodSecurity ${JSON.stringify(describeLevel(level))}: ${describeViolations(violations)}`]);
}

async function policyOfNamespace(request: AdmissionRequest, sources: PodSecuritySources) {
  const namespace = await sources.namespace(request.namespace);
  return policyOf(namespace?.metadata?.labels).policy;
}

async function checkNamespace(request: AdmissionRequest, sources: PodSecuritySources): Promise<void> {
  if (request.subresource !== '') return;
  const namespace = request.object as Namespace;
  const name = namespace.metadata?.name ?? request.name;
  const { policy, problems } = policyOf(namespace.metadata?.labels);
  if (request.operation === 'CREATE') {
    if (problems.length > 0) throw invalidError(request.info, name, problems.map(fieldError));
    return;
  }
  const old = policyOf((request.old as Namespace).metadata?.labels);
  // What could not be read before may stay as it is.
  if (problems.length > 0 && JSON.stringify(problems) !== JSON.stringify(old.problems))
    throw invalidError(request.info, name, problems.map(fieldError));
  const { enforce } = policy;
  const before = old.policy.enforce;
  const relaxed = enforce.version === before.version && !isStricter(enforce.level, before.level);
  if (isSameLevel(enforce, before) || enforce.level === 'privileged' || relaxed) return;
  request.warn(relabelWarnings(name, enforce, await sources.pods(name), () => sources.monotonicMs()));
}

function fieldError({ label, value, message }: LabelProblem): FieldError {
  return invalid(`metadata.labels[${label}]`, value, message);
}
