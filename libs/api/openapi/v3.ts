// OpenAPI 3: one document per group version, made when it is asked for.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readDocs, readTexts } from '../docs.ts';
import type { JsonObject } from '../json.ts';
import { basePath, groupVersions, type Operation, operationsOf } from './operations.ts';
import { pathParameters, queryParameters } from './parameters.ts';
import { gvkOf, patchDefinition, type SchemaSet, schemaSet } from './schemas.ts';

const mediaTypes = ['application/json', 'application/yaml'];
const patchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json'];

export interface OpenApiIndex {
  readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>>;
}

let contentHash: string | undefined;

/** Changes with the content of any document: what the documents are made of is hashed, not the documents. */
export function openApiHash(path: string): string {
  contentHash ??= hashOfSources();
  return createHash('sha512').update(contentHash).update(path).digest('hex').toUpperCase();
}

function hashOfSources(): string {
  const hash = createHash('sha512');
  for (const name of ['schema.json', 'resources.json'])
    hash.update(readFileSync(new URL(`../generated/${name}`, import.meta.url)));
  hash.update(readTexts('docs.json') ?? '');
  return hash.digest('hex');
}

/** The document of /openapi/v3: where the others are, with a hash by which clients may keep them. */
export function openApiV3Index(): OpenApiIndex {
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const { group, version } of groupVersions()) {
    const path = basePath(group, version).slice(1);
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${openApiHash(path)}` };
  }
  return { paths };
}

/** The JSON text of one document, by its key in the index (`apis/apps/v1`); undefined for others. */
export function openApiV3(path: string, docs = readDocs()): string | undefined {
  const known = groupVersions().find(({ group, version }) => basePath(group, version) === `/${path}`);
  if (known === undefined) return undefined;
  const set = schemaSet('v3', docs);
  const paths: Record<string, JsonObject> = {};
  for (const operation of operationsOf(known.group, known.version)) {
    const item = paths[operation.path] ?? { parameters: pathParametersOf(operation.path) };
    paths[operation.path] = item;
    item[operation.method] = renderOperation(operation, set);
  }
  set.ref('V1Status');
  set.ref('V1DeleteOptions');
  set.ref('V1WatchEvent');
  return JSON.stringify({
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: '1.36' },
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      schemas: set.schemas(),
      securitySchemes: {
        BearerToken: { type: 'apiKey', description: 'Bearer Token authentication', name: 'authorization', in: 'header' },
      },
    },
  });
}

function pathParametersOf(path: string): JsonObject[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    description: pathParameters[name],
    required: true,
    schema: { type: 'string', uniqueItems: true },
  }));
}

function renderOperation(operation: Operation, set: SchemaSet): JsonObject {
  const query = operation.query.map((name) => ({
    name,
    in: 'query',
    description: queryParameters[name]?.description,
    schema: { type: queryParameters[name]?.type, uniqueItems: true },
  }));
  const body = requestBody(operation, set);
  return {
    tags: [operation.tag],
    description: operation.description,
    operationId: operation.operationId,
    ...(query.length === 0 ? {} : { parameters: query }),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: responses(operation, set),
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': gvkOf(operation.gvk),
  };
}

function requestBody(operation: Operation, set: SchemaSet): JsonObject | undefined {
  switch (operation.action) {
    case 'post':
    case 'put':
      return { content: { '*/*': { schema: set.ref(operation.model) } }, required: true };
    case 'patch': {
      const schema = set.refNamed(patchDefinition);
      return { content: Object.fromEntries(patchTypes.map((type) => [type, { schema }])), required: true };
    }
    case 'delete':
    case 'deletecollection':
      return { content: { '*/*': { schema: set.ref('V1DeleteOptions') } } };
    default:
      return undefined;
  }
}

const codes: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  post: [
    ['200', 'OK'],
    ['201', 'Created'],
    ['202', 'Accepted'],
  ],
  put: [
    ['200', 'OK'],
    ['201', 'Created'],
  ],
  patch: [
    ['200', 'OK'],
    ['201', 'Created'],
  ],
  delete: [
    ['200', 'OK'],
    ['202', 'Accepted'],
  ],
};

function responses(operation: Operation, set: SchemaSet): JsonObject {
  const schema = operation.answerModel === '' ? { type: 'string' } : set.ref(operation.answerModel);
  const content = Object.fromEntries((operation.answerModel === '' ? ['*/*'] : mediaTypes).map((type) => [type, { schema }]));
  const result: JsonObject = {};
  for (const [code, description] of codes[operation.action] ?? [['200', 'OK']]) result[code] = { description, content };
  result['401'] = { description: 'Unauthorized' };
  return result;
}
