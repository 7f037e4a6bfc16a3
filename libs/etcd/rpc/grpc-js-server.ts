// Services of ours in a server of grpc-js.
import {
  type handleBidiStreamingCall,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  type Server,
  type ServerDuplexStream,
  type ServerUnaryCall,
} from '@grpc/grpc-js';
import { type Call, type Method, type StreamHandler, type StreamMethod, toStatus, type UnaryMethod } from './service.ts';

const passThrough = (bytes: Buffer): Buffer => bytes;

/** To be called before the server takes connections. */
export function addMethods(server: Server, methods: ReadonlyMap<string, Method>): void {
  for (const [path, method] of methods) {
    const isStream = method.kind === 'stream';
    const definition: MethodDefinition<Buffer, Buffer> = {
      path,
      requestStream: isStream,
      responseStream: isStream,
      requestSerialize: passThrough,
      requestDeserialize: passThrough,
      responseSerialize: passThrough,
      responseDeserialize: passThrough,
    };
    server.addService({ method: definition }, { method: isStream ? stream(method) : unary(method) });
  }
}

function callOf(call: ServerUnaryCall<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>): Call {
  const metadata = new Map(Object.entries(call.metadata.getMap()).map(([name, value]) => [name, value.toString()]));
  return {
    peer: call.getPeer(),
    metadata,
    get commonName() {
      // Of several, the last one counts, as in Go's crypto/x509. Node's types know of one only.
      const name = call.getAuthContext().sslPeerCertificate?.subject.CN as string | readonly string[] | undefined;
      return typeof name === 'object' ? name.at(-1) : name;
    },
  };
}

function unary(method: UnaryMethod): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    method.handle(call.request, callOf(call)).then(
      (response) => callback(null, response),
      (error) => callback({ ...toStatus(error), metadata: new Metadata() }),
    );
  };
}

function stream(method: StreamMethod): handleBidiStreamingCall<Buffer, Buffer> {
  return (call) => {
    let over = false;
    let waitingBytes = 0;
    const end = (error?: unknown): void => {
      if (over) return;
      over = true;
      if (error === undefined) call.end();
      else call.emit('error', { ...toStatus(error), metadata: new Metadata() });
    };
    let handler: StreamHandler;
    try {
      handler = method.open({
        ...callOf(call),
        get waitingBytes() {
          return waitingBytes;
        },
        write: (message) => {
          if (over) return;
          waitingBytes += message.length;
          call.write(message, () => {
            waitingBytes -= message.length;
            handler.drained?.();
          });
        },
        end,
      });
    } catch (error) {
      end(error);
      return;
    }
    const closed = (): void => {
      if (over) return;
      over = true;
      handler.closed();
    };
    call.on('data', (raw: Buffer) => !over && handler.message(raw));
    call.on('end', () => !over && handler.end?.());
    call.on('cancelled', closed);
    call.on('close', closed);
    call.on('error', closed);
  };
}
