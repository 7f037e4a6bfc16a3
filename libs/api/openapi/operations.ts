// The operations of each resource: which paths, verbs and bodies there are, independent of the document's dialect.
import { groups, type ResourceInfo, resources, type SubresourceInfo } from '../scheme.ts';

export type Method = 'get' | 'put' | 'post' | 'delete' | 'patch' | 'head' | 'options';

export interface Operation {
  readonly path: string;
  readonly method: Method;
  readonly operationId: string;
  readonly description: string;
  readonly tag: string;
  /** Upstream's x-kubernetes-action. */
  readonly action: string;
  readonly gvk: readonly [group: string, version: string, kind: string];
  /** Model of the body and the answer; empty for connections, whose answer is a string. */
  readonly model: string;
  readonly answerModel: string;
  readonly query: readonly string[];
}

const listQuery = [
  'allowWatchBookmarks',
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'timeoutSeconds',
  'watch',
];
const writeQuery = ['dryRun', 'fieldManager', 'fieldValidation'];
const deleteQuery = ['dryRun', 'gracePeriodSeconds', 'orphanDependents', 'propagationPolicy'];

/** `core_v1`, `apps_v1`: upstream's tag; `CoreV1` in operation ids. */
function names(group: string, version: string): { tag: string; id: string } {
  const base = group === '' ? ['core'] : group.replace(/\.k8s\.io$/, '').split('.');
  const camel = base.map(capital).join('');
  return { tag: `${camel.charAt(0).toLowerCase()}${camel.slice(1)}_${version}`, id: `${camel}${capital(version)}` };
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `/api/v1` or `/apis/apps/v1`. */
export function basePath(group: string, version: string): string {
  return group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
}

/** Every group version, core first. */
export function groupVersions(): { group: string; version: string }[] {
  return groups.flatMap(({ name, versions }) => versions.map((version) => ({ group: name, version })));
}

/** The operations of one group version, by path. */
export function operationsOf(group: string, version: string): Operation[] {
  return resources
    .filter((info) => info.group === group && info.version === version)
    .flatMap((info) => resourceOperations(info));
}

function resourceOperations(info: ResourceInfo): Operation[] {
  const base = basePath(info.group, info.version);
  const scope = info.namespaced ? `${base}/namespaces/{namespace}` : base;
  const collection = `${scope}/${info.resource}`;
  const item = `${collection}/{name}`;
  const { tag, id } = names(info.group, info.version);
  const what = `${id}${info.namespaced ? 'Namespaced' : ''}${info.kind}`;
  const gvk = [info.group, info.version, info.kind] as const;
  const common = { tag, gvk, model: info.modelName, answerModel: info.modelName };
  const operations: Operation[] = [];
  for (const verb of info.verbs) {
    switch (verb) {
      case 'list': {
        const list = { ...common, method: 'get', action: 'list', answerModel: info.listModelName, query: listQuery } as const;
        const description = `list or watch objects of kind ${info.kind}`;
        operations.push({ ...list, path: collection, operationId: `list${what}`, description });
        if (info.namespaced) {
          const everywhere = `list${id}${info.kind}ForAllNamespaces`;
          operations.push({ ...list, path: `${base}/${info.resource}`, operationId: everywhere, description });
        }
        break;
      }
      case 'create':
        operations.push({
          ...common,
          path: collection,
          method: 'post',
          action: 'post',
          operationId: `create${what}`,
          description: `create ${article(info.kind)} ${info.kind}`,
          query: writeQuery,
        });
        break;
      case 'deletecollection':
        operations.push({
          ...common,
          path: collection,
          method: 'delete',
          action: 'deletecollection',
          answerModel: 'V1Status',
          operationId: `delete${id}Collection${info.namespaced ? 'Namespaced' : ''}${info.kind}`,
          description: `delete collection of ${info.kind}`,
          query: [...listQuery.filter((name) => name !== 'watch' && name !== 'allowWatchBookmarks'), ...deleteQuery],
        });
        break;
      case 'get':
      case 'update':
      case 'patch':
      case 'delete':
        operations.push(itemOperation(verb, item, what, '', common, info.kind));
        break;
    }
  }
  return operations.concat(info.subresources.flatMap((sub) => subresourceOperations(info, sub, item, id, tag)));
}

type Common = Pick<Operation, 'tag' | 'gvk' | 'model' | 'answerModel'>;

function itemOperation(verb: string, path: string, what: string, suffix: string, common: Common, kind: string): Operation {
  const of = suffix === '' ? `the specified ${kind}` : `${suffix.toLowerCase()} of the specified ${kind}`;
  switch (verb) {
    case 'get':
      return {
        ...common,
        path,
        method: 'get',
        action: 'get',
        operationId: `read${what}${suffix}`,
        description: `read ${of}`,
        query: [],
      };
    case 'update':
      return {
        ...common,
        path,
        method: 'put',
        action: 'put',
        operationId: `replace${what}${suffix}`,
        description: `replace ${of}`,
        query: writeQuery,
      };
    case 'patch':
      return {
        ...common,
        path,
        method: 'patch',
        action: 'patch',
        operationId: `patch${what}${suffix}`,
        description: `partially update ${of}`,
        query: [...writeQuery, 'force'],
      };
    default: {
      const answerModel = deletedAnswers.has(common.model) ? common.model : 'V1Status';
      const description = `delete ${article(kind)} ${kind}`;
      return {
        ...common,
        answerModel,
        path,
        method: 'delete',
        action: 'delete',
        operationId: `delete${what}`,
        description,
        query: deleteQuery,
      };
    }
  }
}

/** Models whose deletion answers with the object. */
const deletedAnswers = new Set([
  'V1Pod',
  'V1Service',
  'V1PersistentVolumeClaim',
  'V1PersistentVolume',
  'V1ServiceAccount',
  'V1PodTemplate',
  'V1ResourceQuota',
]);

function subresourceOperations(info: ResourceInfo, sub: SubresourceInfo, item: string, id: string, tag: string): Operation[] {
  const path = `${item}/${sub.name}`;
  const what = `${id}${info.namespaced ? 'Namespaced' : ''}${info.kind}`;
  const suffix = capital(sub.name);
  const gvk = [sub.group, sub.version, sub.kind] as const;
  const common = { tag, gvk, model: sub.modelName, answerModel: sub.modelName };
  if (sub.modelName === '' && sub.name !== 'log') {
    const methods: Readonly<Record<string, Method>> = {
      get: 'get',
      create: 'post',
      update: 'put',
      patch: 'patch',
      delete: 'delete',
    };
    return sub.verbs.flatMap((verb) => {
      const method = methods[verb];
      if (method === undefined) return [];
      const operationId = `connect${id}${capital(method)}${info.namespaced ? 'Namespaced' : ''}${info.kind}${suffix}`;
      const description = `connect ${method.toUpperCase()} requests to ${sub.name} of ${info.kind}`;
      return [{ ...common, path, method, action: 'connect', operationId, description, query: [] }];
    });
  }
  return sub.verbs.map((verb) =>
    verb === 'create'
      ? {
          ...common,
          path,
          method: 'post',
          action: 'post',
          operationId: `create${what}${suffix}`,
          description: `create ${sub.name} of ${article(info.kind)} ${info.kind}`,
          query: writeQuery,
        }
      : itemOperation(verb, path, what, suffix, common, info.kind),
  );
}

function article(kind: string): string {
  return /^[AEIOU]/.test(kind) ? 'an' : 'a';
}
