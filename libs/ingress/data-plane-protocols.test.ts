// The data plane with real sockets: bodies, streams, and what is not plain HTTP/1.1.
import { once } from 'node:events';
import { type IncomingMessage, request, type Server } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { backend, get, objects, served, servers, setUp, web } from './testing/data-plane.ts';
import { missing } from './testing/served.ts';

describe.skipIf(missing !== undefined)(`the data plane on nginx (${missing ?? 'installed'})`, () => {
  setUp();

  test('bodies: streamed both ways, large uploads, a limit that is kept', async () => {
    const echo = await backend('echo', (incoming, answer) => {
      let bytes = 0;
      incoming.on('data', (part: Buffer) => {
        bytes += part.length;
      });
      incoming.on('end', () => answer.end(String(bytes)));
    });
    const annotations = { 'proxy-body-size': '64m' };
    await served.show(
      objects(
        { web: [echo] },
        { host: 'example.com', paths: ['Prefix / web'], annotations },
        { name: 'small', host: 'small.org', paths: ['Prefix / web'] },
      ),
    );
    expect((await get('/', { method: 'POST', body: Buffer.alloc(32 * 1024 * 1024) })).body).toBe(String(32 * 1024 * 1024));
    expect((await get('/', { host: 'small.org', method: 'POST', body: Buffer.alloc(1024 * 1024) })).status).toBe(200);
    const refused = await get('/', { host: 'small.org', method: 'POST', body: Buffer.alloc(1024 * 1024 + 1) }).catch(
      (error: NodeJS.ErrnoException) => error.code,
    );
    // A client that is still sending when it is refused may see the end of the connection first.
    expect(['ECONNRESET', 'EPIPE', 413]).toContain(typeof refused === 'object' ? refused.status : refused);
  });

  test('an answer comes in the parts in which it is written, and a client that goes away is gone for the backend too', async () => {
    let closed: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const slow = await backend('slow', (_incoming, answer) => {
      answer.write('first');
      answer.on('close', () => closed?.());
    });
    await served.show(objects({ web: [slow] }, { host: 'example.com', paths: ['Prefix / web'] }));
    const outgoing = request({
      host: '127.0.0.1',
      port: served.httpPort,
      headers: { host: 'example.com' },
      agent: false,
    }).end();
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    const [part] = (await once(answer, 'data')) as [Buffer];
    expect(part.toString()).toBe('first');
    answer.on('error', () => {});
    outgoing.destroy();
    await gone;
  });

  test('a body is passed on as it comes where proxy-request-buffering is off', async () => {
    const seen = Promise.withResolvers<string>();
    const reader = await backend('reader', (incoming, answer) => {
      incoming.once('data', (part: Buffer) => seen.resolve(part.toString()));
      incoming.on('end', () => answer.end('done'));
    });
    const annotations = { 'proxy-request-buffering': 'off' };
    await served.show(objects({ web: [reader] }, { host: 'example.com', paths: ['Prefix / web'], annotations }));
    const outgoing = request({
      host: '127.0.0.1',
      port: served.httpPort,
      method: 'POST',
      headers: { host: 'example.com' },
      agent: false,
    });
    outgoing.write('first');
    expect(await seen.promise).toBe('first');
    outgoing.end('last');
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(200);
  });

  test('WebSockets', async () => {
    const port = await backend('sockets');
    const sockets = new WebSocketServer({ server: servers.at(-1) as Server });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)));
    await served.show(objects({ web: [port] }, { host: 'example.com', paths: ['Prefix / web'] }));
    const client = new WebSocket(`ws://127.0.0.1:${served.httpPort}/chat`, { headers: { host: 'example.com' } });
    await once(client, 'open');
    client.send('hello');
    const [message] = await once(client, 'message');
    expect(String(message)).toBe('echo hello');
    client.terminate();
    sockets.close();
  });

  test('HTTP/2 from clients, and gRPC to backends with its trailers', async () => {
    const grpc = createHttp2Server();
    grpc.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(String(headers[':path']));
    });
    await new Promise<void>((resolve) => grpc.listen(0, '127.0.0.1', resolve));
    const port = (grpc.address() as AddressInfo).port;
    await served.show(
      objects({ web: [port] }, { host: 'example.com', paths: ['Prefix / web'], annotations: { 'backend-protocol': 'GRPC' } }),
    );
    const client = connectHttp2(`https://127.0.0.1:${served.httpsPort}`, {
      servername: 'example.com',
      rejectUnauthorized: false,
    });
    const stream = client.request({
      ':method': 'POST',
      ':path': '/pkg.Service/Call',
      ':authority': 'example.com',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const trailers = once(stream, 'trailers');
    let body = '';
    stream.setEncoding('utf8');
    stream.on('data', (part) => {
      body += part;
    });
    stream.end('x');
    const [received] = await trailers;
    expect(body).toBe('/pkg.Service/Call');
    expect(received['grpc-status']).toBe('0');
    client.destroy();
    grpc.close();
  });

  test('a connection that says nothing, or nonsense, harms nobody', async () => {
    await served.show(objects({ web: [web] }, { host: 'example.com', paths: ['Prefix / web'] }));
    const sockets: Socket[] = [];
    for (const text of [
      '',
      'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
      '\x16\x03\x01',
      'GET /\0 HTTP/1.1\r\nHost: example.com\r\n\r\n',
    ]) {
      const socket = connect(served.httpPort, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(text);
      sockets.push(socket);
    }
    expect((await get('/')).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });
});
