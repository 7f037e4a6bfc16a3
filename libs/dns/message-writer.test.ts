// What is written is what dns-packet reads, whole or up to a size.
import { decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalIP } from './canonical-ip.ts';
import { questionOf } from './exchange.ts';
import { type AnswerRecord, MessageWriter } from './message-writer.ts';

const label = fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/);
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.').toLowerCase());
const ip = fc.ipV4();
const record: fc.Arbitrary<AnswerRecord> = fc.oneof(
  fc.record({ name, type: fc.constant('A' as const), data: ip }),
  fc.record({ name, type: fc.constant('AAAA' as const), data: fc.ipV6().map(canonicalIP) }),
  fc.record({ name, type: fc.constantFrom('CNAME' as const, 'PTR' as const), data: name }),
  fc.record({
    name,
    type: fc.constant('SRV' as const),
    data: fc.record({ priority: fc.nat(65_535), weight: fc.nat(65_535), port: fc.nat(65_535), target: name }),
  }),
);
const plain = (records: readonly { name: string; type: string; data?: unknown }[]) =>
  records.map(({ name: owner, type, data }) => [owner, type, type === 'AAAA' ? canonicalIP(String(data)) : data]);

test('records come back as they were written, as many as fit in their order, and the size is kept', () => {
  fc.assert(
    fc.property(name, fc.array(record, { maxLength: 40 }), fc.integer({ min: 300, max: 3000 }), (asked, records, bytesMax) => {
      const query = encode({ type: 'query', id: 77, questions: [{ type: 'A', name: asked }] });
      const writer = new MessageWriter(77, questionOf(query) as Buffer, bytesMax);
      const fit = records.findIndex((each) => !writer.add('answer', each, 5));
      const message = writer.finish(0x8000);
      const back = decode(message);
      expect(message.length).toBeLessThanOrEqual(bytesMax);
      expect([back.id, back.questions?.[0]?.name]).toEqual([77, asked]);
      expect(plain(back.answers ?? [])).toEqual(plain(fit < 0 ? records : records.slice(0, fit)));
    }),
  );
});

test('a dot inside a label of the question misleads no name of the answer', () => {
  const question = Buffer.concat([Buffer.of(3), Buffer.from('a.b'), Buffer.of(1), Buffer.from('c'), Buffer.of(0, 0, 1, 0, 1)]);
  const writer = new MessageWriter(1, question, 512);
  writer.add('answer', { name: 'a.b.c', type: 'A', data: '1.2.3.4' }, 5);
  const back = decode(writer.finish(0x8000)).answers?.[0];
  expect(back?.name).toBe('a.b.c');
});

test.each([
  ['1.2.3.4', '1.2.3.4'],
  ['::', '0000:0000:0000:0000:0000:0000:0000:0000'],
  ['FD00::1', 'fd00:0000:0000:0000:0000:0000:0000:0001'],
  ['::ffff:10.0.0.1', '0000:0000:0000:0000:0000:ffff:0a00:0001'],
  ['1:2:3:4:5:6:7:8', '0001:0002:0003:0004:0005:0006:0007:0008'],
])('%s as one text', (text, expected) => {
  expect(canonicalIP(text)).toBe(expected);
});
