// OpenAPI 2: one document for everything, made when it is asked for.
import { readDocs } from '../docs.ts';
import type { JsonObject } from '../json.ts';
import { groupVersions, type Operation, operationsOf } from './operations.ts';
import { pathParameters, queryParameters } from './parameters.ts';
import { allModels, gvkOf, patchDefinition, type SchemaSet, schemaSet } from './schemas.ts';

/** The JSON text of /openapi/v2. */
export function openApiV2(): string {
  return JSON.stringify(openApiV2Document());
}

/** The document itself. */
export function openApiV2Document(): JsonObject {
  const set = schemaSet('v2', readDocs());
  for (const model of allModels()) set.ref(model);
  const paths: Record<string, JsonObject> = {};
  for (const { group, version } of groupVersions()) {
    for (const operation of operationsOf(group, version)) {
      const item = paths[operation.path] ?? { parameters: pathParametersOf(operation.path) };
      paths[operation.path] = item;
      item[operation.method] = renderOperation(operation, set);
    }
  }
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: '1.36' },
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    definitions: set.schemas(),
    securityDefinitions: {
      BearerToken: { description: 'Bearer Token authentication', type: 'apiKey', name: 'authorization', in: 'header' },
    },
    security: [{ BearerToken: [] }],
  } as unknown as JsonObject;
}

function pathParametersOf(path: string): JsonObject[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    uniqueItems: true,
    type: 'string',
    description: pathParameters[name],
    name,
    in: 'path',
    required: true,
  }));
}

function renderOperation(operation: Operation, set: SchemaSet): JsonObject {
  const parameters: JsonObject[] = [];
  const body = bodySchema(operation, set);
  if (body !== undefined) parameters.push({ name: 'body', in: 'body', ...body });
  for (const name of operation.query) parameters.push({ uniqueItems: true, ...queryParameters[name], name, in: 'query' });
  const schema = operation.answerModel === '' ? { type: 'string' } : set.ref(operation.answerModel);
  return {
    description: operation.description,
    consumes: operation.action === 'patch' ? patchTypes : ['*/*'],
    produces: operation.answerModel === '' ? ['*/*'] : ['application/json', 'application/yaml'],
    schemes: ['https'],
    tags: [operation.tag],
    operationId: operation.operationId,
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: { 200: { description: 'OK', schema }, 401: { description: 'Unauthorized' } },
    'x-kubernetes-action': operation.action,
    'x-kubernetes-group-version-kind': gvkOf(operation.gvk),
  };
}

const patchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json'];

function bodySchema(operation: Operation, set: SchemaSet): JsonObject | undefined {
  switch (operation.action) {
    case 'post':
    case 'put':
      return { required: true, schema: set.ref(operation.model) };
    case 'patch':
      return { required: true, schema: set.refNamed(patchDefinition) };
    case 'delete':
    case 'deletecollection':
      return { schema: set.ref('V1DeleteOptions') };
    default:
      return undefined;
  }
}
