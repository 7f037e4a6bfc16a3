import { expect, test } from 'vitest';
import { WireServer } from './wire.ts';

test('an ordinary user asks a whole server over TLS', async () => {
  const server = await WireServer.start();
  const nobody = await server.as('nobody');
  expect((await nobody.call('GET', '/api/v1/nodes')).code).toBe(403);
  const operator = await server.operator();
  const body = { metadata: { name: 'a' }, data: { x: '1' } };
  const made = await operator.call('POST', '/api/v1/namespaces/default/configmaps', { body });
  expect([made.code, made.body.data]).toEqual([201, { x: '1' }]);
  await server.stop();
});
