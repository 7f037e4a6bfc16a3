import { expect, test } from 'vitest';
import { EtcdError } from '../errors.ts';
import { service } from '../rpc/service.ts';
import { CallCounts } from './call-counts.ts';
import { exponentialBounds, Histogram } from './histogram.ts';

const call = { peer: '', metadata: { get: () => undefined }, commonName: undefined };

test('calls are counted by their end, streams when they end', async () => {
  const counts = new CallCounts();
  const { methods } = counts.counted(
    service('etcdserverpb.KV', {
      Put: { kind: 'unary', handle: async (request) => request },
      Range: { kind: 'unary', handle: () => Promise.reject(new EtcdError('emptyKey')) },
      Watch: {
        kind: 'stream',
        open: (stream) => ({
          message: (raw) => (raw.length === 1 ? stream.write(raw) : stream.writeParts([raw.subarray(0, 1), raw.subarray(1)])),
          closed: () => {},
        }),
      },
    }),
  );
  const [put, range, watch] = ['Put', 'Range', 'Watch'].map((name) => methods.get(`/etcdserverpb.KV/${name}`));
  if (put?.kind !== 'unary' || range?.kind !== 'unary' || watch?.kind !== 'stream') throw new Error('another kind');
  await put.handle(Buffer.from('abc'), call);
  await expect(range.handle(Buffer.alloc(0), call)).rejects.toThrow('key is not provided');
  const written: Buffer[] = [];
  const stream = watch.open({
    ...call,
    waitingBytes: 0,
    write: (message) => written.push(message),
    writeParts: (parts) => written.push(...parts),
    end: () => {},
  });
  await stream.message(Buffer.from('1'));
  await stream.message(Buffer.from('12'));
  stream.closed();
  expect(written).toHaveLength(3);
  const lines = counts.render().filter((line) => / [1-9]\d*$/.test(line));
  expect(lines).toEqual([
    'grpc_server_handled_total{grpc_code="OK",grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary"} 1',
    'grpc_server_handled_total{grpc_code="InvalidArgument",grpc_method="Range",grpc_service="etcdserverpb.KV",grpc_type="unary"} 1',
    'grpc_server_handled_total{grpc_code="Canceled",grpc_method="Watch",grpc_service="etcdserverpb.KV",grpc_type="server_stream"} 1',
    ...['Put', 'Range', 'Watch'].map((name) =>
      expect.stringMatching(`^grpc_server_msg_received_total{grpc_method="${name}".* ${name === 'Watch' ? 2 : 1}$`),
    ),
    ...['Put', 'Watch'].map((name) =>
      expect.stringMatching(`^grpc_server_msg_sent_total{grpc_method="${name}".* ${name === 'Watch' ? 2 : 1}$`),
    ),
    ...['Put', 'Range', 'Watch'].map((name) => expect.stringMatching(`^grpc_server_started_total{grpc_method="${name}".* 1$`)),
  ]);
  expect([counts.receivedBytes, counts.sentBytes, counts.requests('unary'), counts.requests('stream')]).toEqual([6, 6, 2, 1]);
});

test('a histogram counts what is at most each bound', () => {
  expect(exponentialBounds(0.001, 2, 14).at(-1)).toBe(8.192);
  const histogram = new Histogram([1, 2]);
  for (const value of [0.5, 1, 1.5, 3]) histogram.observe(value);
  expect(histogram.render('x')).toEqual([
    'x_bucket{le="1"} 2',
    'x_bucket{le="2"} 3',
    'x_bucket{le="+Inf"} 4',
    'x_sum 6',
    'x_count 4',
  ]);
});
