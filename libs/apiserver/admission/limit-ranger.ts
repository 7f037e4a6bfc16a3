// LimitRanger: what pods and claims of a namespace get where they say nothing, and the bounds of what they may say
// (plugin/pkg/admission/limitranger).
import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '@drydock/api/generated/types.ts';
import { compareQuantities, formatQuantity, parseQuantity } from '@drydock/api/quantity.ts';
import { type Amounts, amountsFrom, podAmounts } from '@drydock/api/quota/amounts.ts';
import { forbiddenObject } from '../registry/errors.ts';
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts';

const annotation = 'kubernetes.io/limit-ranger';

/** @param rangesOf the limit ranges of a namespace, as they are now. */
export function limitRanger(rangesOf: (namespace: string) => Promise<readonly LimitRange[]>): AdmissionPlugin {
  return {
    name: 'LimitRanger',
    async mutate(request) {
      if (!isNewPod(request)) return;
      for (const range of await rangesOf(request.namespace)) fillIn(request.object as Pod, range);
    },
    async validate(request) {
      const check = checkFor(request);
      if (check === undefined) return;
      for (const range of await rangesOf(request.namespace)) {
        const problems = (range.spec?.limits ?? []).flatMap(check);
        if (problems.length === 0) continue;
        const why = problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`;
        throw forbiddenObject(request.info, request.object?.metadata?.name || request.name, why);
      }
    },
  };
}

function isCore({ info }: AdmissionRequest, resource: string): boolean {
  return info.group === '' && info.resource === resource;
}

function isNewPod(request: AdmissionRequest): boolean {
  return isCore(request, 'pods') && request.operation === 'CREATE' && request.subresource === '';
}

function checkFor(request: AdmissionRequest): ((item: LimitRangeItem) => string[]) | undefined {
  const { operation, subresource, object } = request;
  if (object === undefined || operation === 'DELETE') return undefined;
  const resize = isCore(request, 'pods') && operation === 'UPDATE' && subresource === 'resize';
  if (isNewPod(request) || resize) return (item) => podProblems(object as Pod, item);
  if (!isCore(request, 'persistentvolumeclaims') || subresource !== '') return undefined;
  return (item) => claimProblems(object as PersistentVolumeClaim, item);
}

/** Defaults of containers, and a note in the pod of what was set. */
function fillIn(pod: Pod, range: LimitRange): void {
  const items = (range.spec?.limits ?? []).filter((item) => item.type === 'Container');
  const defaults = {
    requests: Object.assign({}, ...items.map((item) => item.defaultRequest)) as Record<string, string>,
    limits: Object.assign({}, ...items.map((item) => item.default)) as Record<string, string>,
  };
  const notes = [
    ...(pod.spec?.containers ?? []).flatMap((container) => complete(container, defaults, 'container')),
    ...(pod.spec?.initContainers ?? []).flatMap((container) => complete(container, defaults, 'init container')),
  ];
  if (notes.length === 0) return;
  const annotations = { ...pod.metadata?.annotations, [annotation]: `LimitRanger plugin set: ${notes.join('; ')}` };
  pod.metadata = { ...pod.metadata, annotations };
}

function complete(
  container: Container,
  defaults: Readonly<Record<'requests' | 'limits', Record<string, string>>>,
  what: string,
): string[] {
  return (['requests', 'limits'] as const).flatMap((kind) => {
    const given = container.resources?.[kind] ?? {};
    const missing = Object.keys(defaults[kind])
      .filter((name) => !Object.hasOwn(given, name))
      .sort();
    if (missing.length === 0) return [];
    const added = Object.fromEntries(missing.map((name) => [name, defaults[kind][name] ?? '0']));
    container.resources = { ...container.resources, [kind]: { ...given, ...added } };
    return [`${missing.join(', ')} ${kind === 'requests' ? 'request' : 'limit'} for ${what} ${container.name}`];
  });
}

function podProblems(pod: Pod, item: LimitRangeItem): string[] {
  const spec = pod.spec;
  if (spec === undefined) return [];
  if (item.type === 'Pod') {
    // What the sandbox takes itself is the administrator's business, and not held against the pod.
    const own = { ...spec, overhead: undefined };
    return problems(item, podAmounts(own, 'requests'), podAmounts(own, 'limits'));
  }
  if (item.type !== 'Container') return [];
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
    problems(item, amountsFrom(resources?.requests), amountsFrom(resources?.limits)),
  );
}

/** Claims have requests only. */
function claimProblems(claim: PersistentVolumeClaim, item: LimitRangeItem): string[] {
  if (item.type !== 'PersistentVolumeClaim') return [];
  const requests = amountsFrom(claim.spec?.resources?.requests);
  return ['min', 'max'].flatMap((bound) =>
    sorted(item[bound as 'min' | 'max']).flatMap(([name, text]) => {
      const request = requests.get(name);
      const what = `${bound === 'min' ? 'minimum' : 'maximum'} ${name} usage per ${item.type} is ${text}`;
      if (request === undefined) return [`${what}.  No request is specified`];
      const difference = compareQuantities(request, parseQuantity(text));
      return (bound === 'min' ? difference < 0 : difference > 0) ? [`${what}, but request is ${formatQuantity(request)}`] : [];
    }),
  );
}

function sorted(list: Readonly<Record<string, string>> | undefined): [string, string][] {
  return Object.entries(list ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

function problems(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  return [
    ...sorted(item.min).flatMap(([name, text]) => belowMin(item.type, name, text, requests, limits)),
    ...sorted(item.max).flatMap(([name, text]) => aboveMax(item.type, name, text, requests, limits)),
    ...sorted(item.maxLimitRequestRatio).flatMap(([name, text]) => aboveRatio(item.type, name, text, requests, limits)),
  ];
}

function belowMin(type: string, name: string, text: string, requests: Amounts, limits: Amounts): string[] {
  const what = `minimum ${name} usage per ${type} is ${text}`;
  const [request, limit, min] = [requests.get(name), limits.get(name), parseQuantity(text)];
  if (request === undefined) return [`${what}.  No request is specified`];
  if (compareQuantities(request, min) < 0) return [`${what}, but request is ${formatQuantity(request)}`];
  if (limit !== undefined && compareQuantities(limit, min) < 0) return [`${what}, but limit is ${formatQuantity(limit)}`];
  return [];
}

function aboveMax(type: string, name: string, text: string, requests: Amounts, limits: Amounts): string[] {
  const what = `maximum ${name} usage per ${type} is ${text}`;
  const [request, limit, max] = [requests.get(name), limits.get(name), parseQuantity(text)];
  if (limit === undefined) return [`${what}.  No limit is specified`];
  if (compareQuantities(limit, max) > 0) return [`${what}, but limit is ${formatQuantity(limit)}`];
  if (request !== undefined && compareQuantities(request, max) > 0)
    return [`${what}, but request is ${formatQuantity(request)}`];
  return [];
}

function aboveRatio(type: string, name: string, text: string, requests: Amounts, limits: Amounts): string[] {
  const what = `${name} max limit to request ratio per ${type} is ${text}`;
  const [request, limit] = [requests.get(name), limits.get(name)];
  if (request === undefined || request.unscaled === 0n) return [`${what}, but no request is specified or request is 0`];
  if (limit === undefined || limit.unscaled === 0n) return [`${what}, but no limit is specified or limit is 0`];
  const ratio = Number(limit.milliValue()) / Number(request.milliValue());
  if (ratio * 1000 <= Number(parseQuantity(text).milliValue())) return [];
  return [`${what}, but provided ratio is ${ratio.toFixed(6)}`];
}
