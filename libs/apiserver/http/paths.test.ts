import { negotiate } from '@drydock/api/negotiate.ts';
import { expect, test } from 'vitest';
import { pathInfo } from './request-info.ts';

test.each([
  ['GET', '/api/v1/pods', false, 'list /v1 pods ns= name= sub='],
  ['GET', '/api/v1/pods', true, 'watch /v1 pods ns= name= sub='],
  ['GET', '/api/v1/watch/pods', false, 'watch /v1 pods ns= name= sub='],
  ['GET', '/api/v1/namespaces/a', false, 'get /v1 namespaces ns=a name=a sub='],
  ['PUT', '/api/v1/namespaces/a/finalize', false, 'update /v1 namespaces ns=a name=a sub=finalize'],
  ['GET', '/api/v1/namespaces/a/pods/p/log', false, 'get /v1 pods ns=a name=p sub=log'],
  ['DELETE', '/apis/apps/v1/namespaces/a/deployments', false, 'deletecollection apps/v1 deployments ns=a name= sub='],
  ['PATCH', '/apis/apps/v1/namespaces/a/deployments/d/scale', false, 'patch apps/v1 deployments ns=a name=d sub=scale'],
])('%s %s', (method, path, watch, expected) => {
  const { verb, target: t } = pathInfo(method, path, new URLSearchParams(watch ? 'watch=1' : ''));
  expect(`${verb} ${t.group}/${t.version} ${t.resource} ns=${t.namespace} name=${t.name} sub=${t.subresource}`).toBe(expected);
});

test.each(['/version', '/api', '/apis', '/apis/apps', '/apis/apps/v1', '/healthz/ping'])('%s is no resource', (path) => {
  expect(pathInfo('GET', path, new URLSearchParams())).toMatchObject({ isResource: false, verb: 'get' });
});

test('the rest of a proxied path is kept as it is', () => {
  expect(pathInfo('GET', '/api/v1/namespaces/a/services/s:http/proxy/x/%20y', new URLSearchParams())).toMatchObject({
    rest: '/x/%20y',
    target: { name: 's:http', subresource: 'proxy' },
  });
});

test.each([
  ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', 'table'],
  ['application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', 'partial'],
  ['application/vnd.kubernetes.protobuf,application/json', 'object'],
  ['*/*', 'object'],
  ['', 'object'],
])('Accept %s', (accept, as) => {
  expect(negotiate(accept).form.as).toBe(as);
});

test('what cannot be served is not acceptable', () => {
  expect(() => negotiate('text/html')).toThrow(/^406: Not Acceptable/);
});
