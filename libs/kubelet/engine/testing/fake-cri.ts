// A CRI server on a socket that remembers what it was sent, as bytes: what a field is called here, is not what engines read.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Server, ServerCredentials } from '@grpc/grpc-js';

/** Field numbers of CRI v1, from the outside in; the value is the field's bytes, or its number. */
export type FieldPath = readonly number[];

export interface FakeCri {
  readonly endpoint: string;
  /** The newest request of a method. */
  request(method: string): Buffer;
  stop(): void;
}

/** `answers`: the bytes of an answer by method; others are empty. */
export async function fakeCri(answers: Readonly<Record<string, Buffer>>): Promise<FakeCri> {
  const folder = mkdtempSync(`${tmpdir()}/fake-cri-`);
  const endpoint = `unix://${folder}/s`;
  const requests = new Map<string, Buffer>();
  const same = (bytes: Buffer) => bytes;
  const methods = ['Version', 'Status', 'RunPodSandbox', 'CreateContainer'];
  const server = new Server();
  server.addService(
    Object.fromEntries(
      methods.map((name) => [
        name,
        {
          path: `/runtime.v1.RuntimeService/${name}`,
          requestStream: false,
          responseStream: false,
          requestSerialize: same,
          requestDeserialize: same,
          responseSerialize: same,
          responseDeserialize: same,
        },
      ]),
    ),
    Object.fromEntries(
      methods.map((name) => [
        name,
        (call: { request: Buffer }, done: (error: null, answer: Buffer) => void) => {
          requests.set(name, call.request);
          done(null, answers[name] ?? Buffer.alloc(0));
        },
      ]),
    ),
  );
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(endpoint, ServerCredentials.createInsecure(), (error) => (error === null ? resolve() : reject(error))),
  );
  return {
    endpoint,
    request: (method) => requests.get(method) ?? Buffer.alloc(0),
    stop: () => {
      server.forceShutdown();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function varint(bytes: Buffer, at: number): [value: number, next: number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) return [value, at];
  }
}

/** The last field of that path; undefined where it was not sent. Knows varints and what has a length. */
export function fieldAt(message: Buffer, path: FieldPath): Buffer | number | undefined {
  const [number, ...rest] = path;
  let found: Buffer | number | undefined;
  for (let at = 0; at < message.length; ) {
    const [tag, start] = varint(message, at);
    const [value, after] = varint(message, start);
    const isBytes = tag % 8 === 2;
    at = isBytes ? after + value : after;
    if (Math.floor(tag / 8) === number) found = isBytes ? message.subarray(after, at) : value;
  }
  return rest.length === 0 || !Buffer.isBuffer(found) ? found : fieldAt(found, rest);
}
