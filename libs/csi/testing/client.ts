// Calls of a service at a real socket.
import { type Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { clientOf } from '../service-definition.ts';

// biome-ignore lint/suspicious/noExplicitAny: each method has messages of its own
export type Message = any;

export interface TestClient {
  /** Rejects with `Code: text`. */
  call(method: string, request?: object): Promise<Message>;
  /** The code with which it is refused. */
  codeOf(method: string, request?: object): Promise<string>;
  close(): void;
}

export function testClient(socket: string, file: string, service: string): TestClient {
  const client = new (clientOf(file, service))(`unix://${socket}`, credentials.createInsecure());
  const call = (method: string, request: object = {}) =>
    new Promise<Message>((resolve, reject) => {
      const send = (client as unknown as Record<string, (request: object, done: (...args: Message[]) => void) => void>)[method];
      send?.call(client as Client, request, (error: ServiceError | null, answer: Message) =>
        error === null ? resolve(answer) : reject(new Error(`${status[error.code]}: ${error.details}`)),
      );
    });
  return {
    call,
    codeOf: (method, request) =>
      call(method, request).then(
        () => 'OK',
        (error: Error) => error.message.split(':')[0] ?? '',
      ),
    close: () => client.close(),
  };
}
