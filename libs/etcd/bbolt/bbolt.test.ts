// What is written is read back; what is damaged is refused. That etcd's own tools agree: test/integration/store/backup.test.ts.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BoltError } from './errors.ts';
import { decodeMetaPage, encodeMetaPage, fnv64a } from './format.ts';
import { type BoltBucket, type BoltSource, openBolt } from './reader.ts';
import { type BoltBucketSource, type BoltRecord, boltBytes, measureBolt, writeBolt } from './writer.ts';

function build(buckets: readonly BoltBucketSource[], pageBytes?: number): Buffer {
  const measuring = measureBolt(buckets, pageBytes);
  let step = measuring.next();
  while (step.done !== true) step = measuring.next();
  const file = Buffer.concat(Array.from(writeBolt(buckets, step.value), (page) => Buffer.from(page)));
  expect(file.length).toBe(boltBytes(step.value));
  return file;
}

const source = (file: Buffer): BoltSource => ({
  size: file.length,
  read: (offset, length) => Buffer.from(file.subarray(offset, offset + length)),
});
const bucketOf = (name: string, records: readonly BoltRecord[]): BoltBucketSource => ({ name, records: () => records });
const numbered = (count: number, valueBytes: number): BoltRecord[] =>
  Array.from({ length: count }, (_, i) => ({
    key: Buffer.from(`key-${String(i).padStart(8, '0')}`),
    value: Buffer.alloc(valueBytes, i % 251),
  }));

function contentOf(bucket: BoltBucket): Record<string, [string, string][]> {
  const content: Record<string, [string, string][]> = {};
  for (const { name, bucket: inner } of bucket.buckets()) {
    content[name.toString()] = [...inner.records()].map(({ key, value }) => [key.toString('latin1'), value.toString('hex')]);
  }
  return content;
}

test('the checksum is FNV-1a', () => {
  expect(fnv64a(Buffer.from('')).toString(16)).toBe('cbf29ce484222325');
  expect(fnv64a(Buffer.from('foobar')).toString(16)).toBe('85944171f73967e8');
});

test('random buckets are read back as they were written', () => {
  const record = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.uint8Array({ maxLength: 3000 }));
  const bucket = fc.tuple(fc.string({ minLength: 1, maxLength: 20 }), fc.array(record, { maxLength: 60 }));
  fc.assert(
    fc.property(fc.array(bucket, { maxLength: 6 }), fc.constantFrom(512, 1024, 4096), (drawn, pageBytes) => {
      const buckets = new Map(
        drawn.map(([name, records]) => {
          const unique = new Map(records.map(([key, value]) => [Buffer.from(key).toString('latin1'), Buffer.from(value)]));
          const sorted = [...unique].sort(([a], [b]) => (a < b ? -1 : 1));
          return [name, sorted.map(([key, value]) => ({ key: Buffer.from(key, 'latin1'), value }))] as const;
        }),
      );
      const file = build(
        [...buckets].map(([name, records]) => bucketOf(name, records)),
        pageBytes,
      );
      const expected = [...buckets].map(
        ([name, records]) => [name, records.map(({ key, value }) => [key.toString('latin1'), value.toString('hex')])] as const,
      );
      expect(contentOf(openBolt(source(file)))).toEqual(Object.fromEntries(expected));
    }),
    { numRuns: 60 },
  );
});

test('no branch has a single child, however many records there are', () => {
  for (const count of [1, 2, 57, 58, 200, 7000, 14_000]) {
    const file = build([bucketOf('key', numbered(count, 100))], 512);
    for (let at = 0; at < file.length; at += 512) {
      if (file.readUInt16LE(at + 8) !== 1 || file.readBigUInt64LE(at) !== BigInt(at / 512)) continue;
      expect(file.readUInt16LE(at + 10), `page ${at / 512} of ${count} records`).toBeGreaterThanOrEqual(2);
    }
    expect([...(openBolt(source(file)).bucket('key')?.records() ?? [])]).toHaveLength(count);
  }
});

test('an inline bucket and a bucket in a bucket are walked', () => {
  // What bbolt writes for a small bucket: the header with root 0, then a leaf page.
  const inline = Buffer.alloc(16 + 16 + 16 + 4);
  inline.writeUInt16LE(2, 16 + 8);
  inline.writeUInt16LE(1, 16 + 10);
  inline.writeUInt32LE(16, 32 + 4);
  inline.writeUInt32LE(1, 32 + 8);
  inline.writeUInt32LE(3, 32 + 12);
  inline.write('kval', 48);
  const file = build([bucketOf('outer', [{ key: Buffer.from('inner'), value: inline }])]);
  const at = file.indexOf(inline.subarray(16)) - 16;
  const element = file.lastIndexOf(Buffer.from('inner'), at) - 16;
  file.writeUInt32LE(1, element);
  const outer = openBolt(source(file)).bucket('outer');
  expect([...(outer?.records() ?? [])]).toEqual([]);
  expect([...(outer?.bucket('inner')?.records() ?? [])]).toEqual([{ key: Buffer.from('k'), value: Buffer.from('val') }]);
});

test('the second meta page counts where the first is torn', () => {
  const file = build([bucketOf('key', numbered(3, 10))]);
  const whole = contentOf(openBolt(source(file)));
  file.fill(0xff, 0, 100);
  expect(contentOf(openBolt(source(file)))).toEqual(whole);
  file.fill(0xff, 4096, 4196);
  expect(() => openBolt(source(file))).toThrow(new BoltError('invalid'));
});

test('what is no database is refused with the reason', () => {
  expect(() => openBolt(source(Buffer.from('hello')))).toThrow('invalid database');
  const meta = encodeMetaPage(0, { pageBytes: 4096, root: 3, freelist: 2, pages: 4, transaction: 7 });
  expect(decodeMetaPage(meta)).toMatchObject({ root: 3, pages: 4, transaction: 7 });
  meta.writeUInt32LE(3, 20);
  expect(() => decodeMetaPage(meta)).toThrow('version mismatch');
  meta.writeUInt32LE(2, 20);
  meta.writeUInt32LE(9, 32);
  expect(() => decodeMetaPage(meta)).toThrow('checksum error');
  const file = build([bucketOf('key', numbered(500, 50))]);
  expect(() => openBolt(source(file.subarray(0, file.length - 4096)))).toThrow('damaged database');
});

test('a damaged page gives an error or other records, never an endless walk or an access out of bounds', () => {
  const file = build([bucketOf('key', numbered(300, 40))], 512);
  const flip = fc.record({ at: fc.nat(file.length - 1 - 1536), bit: fc.nat(7) });
  fc.assert(
    fc.property(fc.array(flip, { minLength: 1, maxLength: 4 }), (flips) => {
      const damaged = Buffer.from(file);
      for (const { at, bit } of flips) damaged.writeUInt8(damaged.readUInt8(1536 + at) ^ (1 << bit), 1536 + at);
      try {
        contentOf(openBolt(source(damaged)));
      } catch (error) {
        expect(error).toBeInstanceOf(BoltError);
      }
    }),
    { numRuns: 300 },
  );
});
