import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { api } from './api.ts';
import type { Schema } from './protobuf.ts';

const protos = fileURLToPath(new URL('../../../proto/', import.meta.url));
const root = new protobuf.Root();
root.resolvePath = (_origin, target) => (target.startsWith('/') ? target : `${protos}${target}`);
root.loadSync('etcd/etcdserverpb/rpc.proto', { keepCase: true });
root.resolveAll();

const namespace = root.lookup('etcdserverpb') as protobuf.Namespace;
const services = namespace.nestedArray.filter((part) => part instanceof protobuf.Service);
const unaryMethods = services.flatMap((service) =>
  service.methodsArray
    .filter(({ requestStream, responseStream }) => requestStream !== true && responseStream !== true)
    .map((method) => ({ path: `/etcdserverpb.${service.name}/${method.name}`, method })),
);
/** Without names: UserList and RoleList share a table. */
const ofTable = (table: Schema) => Object.values(table).map(({ number, repeated }) => `${number} ${repeated}`);
const ofType = (type: protobuf.Type | null | undefined) => type?.fieldsArray.map(({ id, repeated }) => `${id} ${repeated}`);

test('every unary method of the .proto file is there once', () => {
  const paths = Object.values(api).map(({ path }) => path);
  expect(paths.sort()).toEqual(unaryMethods.map(({ path }) => path).sort());
});

test.each(Object.values(api))('$path has its request and its response', ({ path, request, response }) => {
  const method = unaryMethods.find((one) => one.path === path)?.method;
  expect(ofTable(request).sort()).toEqual(ofType(method?.resolvedRequestType)?.sort());
  expect(ofTable(response).sort()).toEqual(ofType(method?.resolvedResponseType)?.sort());
});
