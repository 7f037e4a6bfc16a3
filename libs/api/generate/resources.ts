// Reads the API classes of @kubernetes/client-node (paths, methods, bodies, answers) into the table of resources.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedFolder } from './models.ts';
import { categories, connectKinds, foreignKinds, servedGroupVersions, shortNames, storageVersions } from './resource-facts.ts';

interface Operation {
  readonly path: string;
  readonly method: string;
  /** Model of the body for POST and PUT, of the answer otherwise. */
  readonly model: string;
  readonly watchable: boolean;
}

interface Endpoint {
  readonly operations: Operation[];
  namespaced: boolean;
}

export interface SubresourceRow {
  readonly name: string;
  readonly kind: string;
  readonly group: string;
  readonly version: string;
  readonly verbs: readonly string[];
  readonly modelName: string;
}

export interface ResourceRow {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly kind: string;
  readonly listKind: string;
  readonly singularName: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly string[];
  readonly subresources: readonly SubresourceRow[];
  readonly modelName: string;
  readonly listModelName: string;
  readonly storageVersion: string;
}

/** Every resource of the served group versions: groups in the order of /apis, resources by name. */
export function readResources(): ResourceRow[] {
  const endpoints = collectEndpoints(readOperations());
  const rows: ResourceRow[] = [];
  for (const [group, versions] of servedGroupVersions) {
    for (const version of versions) {
      const prefix = `${group}/${version}/`;
      const names = [...endpoints.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
      for (const name of names.filter((n) => !n.includes('/')).sort(byCode)) {
        const subresources = names.filter((n) => n.startsWith(`${name}/`)).sort(byCode);
        rows.push(resourceRow(group, version, name, subresources, endpoints));
      }
    }
  }
  return rows;
}

function resourceRow(
  group: string,
  version: string,
  name: string,
  subresources: readonly string[],
  endpoints: ReadonlyMap<string, Endpoint>,
): ResourceRow {
  const endpoint = mustGet(endpoints, `${group}/${version}/${name}`);
  const verbs = verbsOf(endpoint.operations);
  const model = objectModel(endpoint.operations);
  const kind = kindOf(model);
  const groupVersion = group === '' ? version : `${group}/${version}`;
  return {
    group,
    version,
    resource: name,
    kind,
    listKind: verbs.includes('list') ? `${kind}List` : '',
    singularName: kind.toLowerCase(),
    namespaced: endpoint.namespaced,
    shortNames: shortNames[name] ?? [],
    categories: categories[name] ?? [],
    verbs,
    subresources: subresources.map((sub) => {
      const { operations } = mustGet(endpoints, `${group}/${version}/${sub}`);
      const subKind = connectKinds[sub] ?? kindOf(objectModel(operations));
      const foreign = foreignKinds[subKind];
      return {
        name: sub.slice(name.length + 1),
        kind: subKind,
        group: foreign?.[0] ?? group,
        version: foreign?.[1] ?? version,
        verbs: connectKinds[sub] === undefined ? verbsOf(operations) : connectVerbs(operations),
        modelName: connectKinds[sub] === undefined ? objectModel(operations) : '',
      };
    }),
    modelName: model,
    listModelName: endpoint.operations.find((o) => o.method === 'GET' && !o.path.includes('{name}'))?.model ?? '',
    storageVersion: storageVersions[group === '' ? name : `${name}.${group}`] ?? groupVersion,
  };
}

function readOperations(): Operation[] {
  const folder = join(generatedFolder(), 'apis');
  return readdirSync(folder)
    .filter((file) => /V\w+Api\.js$/.test(file))
    .flatMap((file) => parseOperations(readFileSync(join(folder, file), 'utf8')));
}

function parseOperations(text: string): Operation[] {
  const answers = new Map<string, string>();
  for (const match of text.matchAll(/async (\w+)WithHttpInfo\(response\) \{([\s\S]*?)\n {4}\}/g)) {
    answers.set(match[1] ?? '', /contentType\), "(\w+)"/.exec(match[2] ?? '')?.[1] ?? '');
  }
  const operations: Operation[] = [];
  for (const match of text.matchAll(/async (\w+)\([^)]*_options\) \{([\s\S]*?)return requestContext;/g)) {
    const body = match[2] ?? '';
    const path = /localVarPath = '([^']*)'/.exec(body)?.[1];
    const method = /HttpMethod\.(\w+)/.exec(body)?.[1];
    if (path === undefined || method === undefined) continue;
    const sent = /serialize\(body, "(\w+)"/.exec(body)?.[1];
    const writes = method === 'POST' || method === 'PUT';
    const model = (writes ? sent : undefined) ?? answers.get(match[1] ?? '') ?? '';
    operations.push({ path, method, model, watchable: body.includes('"watch"') });
  }
  return operations;
}

/** Groups operations by `group/version/resource[/subresource]`. */
function collectEndpoints(operations: readonly Operation[]): Map<string, Endpoint> {
  const endpoints = new Map<string, Endpoint>();
  for (const operation of operations) {
    const match =
      /^\/(?:api|apis\/([^/]+))\/(v[^/]+)\/(namespaces\/\{namespace\}\/)?([a-z]+)(\/\{name\})?(?:\/([a-z]+))?$/.exec(
        operation.path,
      );
    if (match === null) continue;
    const [, group = '', version, namespaced, name, , subresource] = match;
    const key = `${group}/${version}/${name}${subresource === undefined ? '' : `/${subresource}`}`;
    const endpoint = endpoints.get(key) ?? { operations: [], namespaced: false };
    endpoint.operations.push(operation);
    endpoint.namespaced ||= namespaced !== undefined;
    endpoints.set(key, endpoint);
  }
  return endpoints;
}

function verbsOf(operations: readonly Operation[]): string[] {
  const verbs = new Set<string>();
  for (const { method, path, watchable } of operations) {
    const named = path.includes('{name}');
    if (method === 'POST') verbs.add('create');
    if (method === 'PUT') verbs.add('update');
    if (method === 'PATCH') verbs.add('patch');
    if (method === 'DELETE') verbs.add(named ? 'delete' : 'deletecollection');
    if (method === 'GET') verbs.add(named ? 'get' : 'list');
    if (method === 'GET' && !named && watchable) verbs.add('watch');
  }
  if (verbs.has('get') && verbs.has('list') && !verbs.has('create')) verbs.delete('watch');
  return [...verbs].sort(byCode);
}

const connectMethods: Readonly<Record<string, string>> = {
  GET: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

function connectVerbs(operations: readonly Operation[]): string[] {
  return [...new Set(operations.map((operation) => connectMethods[operation.method] ?? ''))]
    .filter((v) => v !== '')
    .sort(byCode);
}

function objectModel(operations: readonly Operation[]): string {
  const written = operations.find((operation) => operation.method === 'POST' || operation.method === 'PUT');
  const read = operations.find((operation) => operation.method === 'GET' && operation.path.includes('{name}'));
  const model = written?.model ?? read?.model;
  if (model === undefined) throw new Error(`no model for ${operations[0]?.path}`);
  return model;
}

function kindOf(model: string): string {
  return model.replace(/^[A-Za-z]*?V\d+(?:(?:alpha|beta)\d+)?(?=[A-Z])/, '');
}

function byCode(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function mustGet<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw new Error(`missing ${String(key)}`);
  return value;
}
