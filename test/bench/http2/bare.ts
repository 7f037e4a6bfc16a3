// A client port on bare node:http2: gRPC's framing around the store's services, and nothing that protects it. As little as can be,
// so that the least that node:http2 costs is measured. Unary calls only.
import { constants, createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Service, UnaryMethod } from '@drydock/etcd/rpc/service.ts';

const headBytes = 5;
const answerHeaders = { ':status': 200, 'content-type': 'application/grpc' };
const settings = { initialWindowSize: 2 ** 31 - 1, maxConcurrentStreams: 2 ** 32 - 1 };

export function bareServer(services: readonly Service[]): Http2Server {
  const methods = new Map<string, UnaryMethod>();
  for (const service of services) {
    for (const [path, method] of service.methods) if (method.kind === 'unary') methods.set(path, method);
  }
  const server = createServer({ settings });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const method = methods.get(String(headers[constants.HTTP2_HEADER_PATH]));
    if (method === undefined) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    const parts: Buffer[] = [];
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('error', () => {});
    stream.on('end', () => {
      const message = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
      const call = {
        peer: '',
        metadata: { get: (name: string) => headers[name] as string | undefined },
        commonName: undefined,
      };
      method.handle(message.subarray(headBytes), call).then(
        (answer) => respond(stream, answer, '0'),
        () => respond(stream, undefined, '2'),
      );
    });
  });
  return server;
}

function respond(stream: ServerHttp2Stream, answer: Buffer | undefined, status: string): void {
  if (stream.destroyed) return;
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
  stream.respond(answerHeaders, { waitForTrailers: true });
  if (answer === undefined) {
    stream.end();
    return;
  }
  const framed = Buffer.allocUnsafe(headBytes + answer.length);
  framed[0] = 0;
  framed.writeUInt32BE(answer.length, 1);
  framed.set(answer, headBytes);
  stream.end(framed);
}
