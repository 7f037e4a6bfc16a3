// Members with certificates of their own making: they find each other, and a client that checks nothing reaches them.

import { once } from 'node:events';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { Store, until } from './members.ts';

const minuteMs = 60_000;

test('--auto-tls and --peer-auto-tls', { timeout: 2 * minuteMs }, async () => {
  const store = await Store.start({ size: 3, scheme: 'https', flags: ['--auto-tls', '--peer-auto-tls'] });
  try {
    const ready = (i: number) => store.log(i).includes('serving client traffic securely');
    await until('every member is published', () => [0, 1, 2].every(ready));
    const { hostname, port } = new URL(store.endpoint(1));
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(false);
    socket.write('GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    let text = '';
    for await (const piece of socket) text += String(piece);
    expect(text).toContain('{"health":"true","reason":""}');
  } finally {
    await store.stop();
  }
});
