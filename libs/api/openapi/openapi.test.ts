import { expect, test } from 'vitest';
import type { JsonObject } from '../json.ts';
import { openApiV2 } from './v2.ts';
import { openApiV3, openApiV3Index } from './v3.ts';

interface Documents {
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;
  readonly definitions: Readonly<Record<string, JsonObject>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonObject>> };
}

function references(value: unknown, into: Set<string>): Set<string> {
  if (Array.isArray(value)) for (const item of value) references(item, into);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      if (key === '$ref' && typeof item === 'string') into.add(item);
      else references(item, into);
    }
  }
  return into;
}

test('every document of the index exists and refers only to what it has', () => {
  const index = openApiV3Index();
  for (const [path, { serverRelativeURL }] of Object.entries(index.paths)) {
    expect(serverRelativeURL).toMatch(new RegExp(`^/openapi/v3/${path}\\?hash=[0-9A-F]{128}$`));
    const document = JSON.parse(openApiV3(path) ?? '') as Documents;
    const known = new Set(Object.keys(document.components.schemas).map((name) => `#/components/schemas/${name}`));
    expect([...references(document, new Set())].filter((ref) => !known.has(ref))).toEqual([]);
  }
  expect(openApiV3('apis/nope/v1')).toBeUndefined();
});

test('the second version refers only to what it has, and names what kubectl looks for', () => {
  const document = JSON.parse(openApiV2()) as Documents;
  const known = new Set(Object.keys(document.definitions).map((name) => `#/definitions/${name}`));
  expect([...references(document, new Set())].filter((ref) => !known.has(ref))).toEqual([]);
  expect(document.definitions['io.k8s.api.apps.v1.Deployment']).toMatchObject({
    'x-kubernetes-group-version-kind': [{ group: 'apps', kind: 'Deployment', version: 'v1' }],
  });
  const spec = document.definitions['io.k8s.api.core.v1.PodSpec'] as { properties: Record<string, JsonObject> };
  expect(spec.properties.containers).toMatchObject({
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    'x-kubernetes-patch-merge-key': 'name',
    'x-kubernetes-patch-strategy': 'merge',
  });
  const deployments = document.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}'];
  expect(deployments?.patch).toMatchObject({ 'x-kubernetes-action': 'patch', operationId: 'patchAppsV1NamespacedDeployment' });
});
