import { expect, test } from 'vitest';
import { guardLearner } from './learner-guard.ts';
import { RangeRequest } from './messages.ts';
import { encode } from './protobuf.ts';
import type { Method, Service, StreamCall } from './service.ts';

const answered = Buffer.from('answered');
const unary: Method = { kind: 'unary', handle: async () => answered };
const stream: Method = { kind: 'stream', open: () => ({ message: () => {}, closed: () => {} }) };
const service: Service = {
  methods: new Map<string, Method>([
    ['/etcdserverpb.KV/Range', unary],
    ['/etcdserverpb.KV/Put', unary],
    ['/etcdserverpb.Maintenance/Status', unary],
    ['/etcdserverpb.Maintenance/Snapshot', stream],
    ['/etcdserverpb.Watch/Watch', stream],
  ]),
};
const call: StreamCall = {
  peer: '',
  metadata: { get: () => undefined },
  commonName: undefined,
  waitingBytes: 0,
  write: () => {},
  writeParts: () => {},
  end: () => {},
};

async function ask(isLearner: boolean, path: string, request: Buffer = Buffer.alloc(0)): Promise<string> {
  const method = guardLearner({ isLearner }, service).methods.get(path);
  try {
    if (method?.kind === 'unary') return (await method.handle(request, call)).toString();
    return method?.open(call) === undefined ? 'no such method' : 'answered';
  } catch (error) {
    return (error as Error).message;
  }
}

const refused = 'etcdserver: rpc not supported for learner';
const serializable = encode(RangeRequest, { key: 'a', serializable: true });
const linearizable = encode(RangeRequest, { key: 'a' });

test.each([
  ['/etcdserverpb.KV/Range', serializable, 'answered'],
  ['/etcdserverpb.KV/Range', linearizable, refused],
  // The handler says what is wrong with it.
  ['/etcdserverpb.KV/Range', Buffer.of(0xff), 'answered'],
  ['/etcdserverpb.KV/Put', undefined, refused],
  ['/etcdserverpb.Maintenance/Status', undefined, 'answered'],
  ['/etcdserverpb.Maintenance/Snapshot', undefined, 'answered'],
  ['/etcdserverpb.Watch/Watch', undefined, refused],
] as const)('a learner and %s %#', async (path, request, expected) => {
  expect(await ask(true, path, request)).toBe(expected);
  expect(await ask(false, path, request)).toBe('answered');
});
