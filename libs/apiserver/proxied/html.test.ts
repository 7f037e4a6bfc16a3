import { buffer } from 'node:stream/consumers';
import { processorMs } from '@drydock/foundation/testing/processor-time.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { htmlLinks } from './html.ts';

const below = (link: string) => (link.startsWith('/') ? `/proxy${link}` : link);

async function rewritten(document: Buffer | string, cuts: readonly number[] = []): Promise<string> {
  const bytes = Buffer.from(document);
  const stream = htmlLinks(below);
  const answer = buffer(stream);
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    stream.write(bytes.subarray(at, cut));
    at = Math.max(at, cut);
  }
  stream.end();
  return (await answer).toString();
}

const page = `<!DOCTYPE html><!-- <a href="/comment"> --><HTML manifest=/m><head profile='/h'><link rel="x" href="/l?a=1&amp;b=2">
<script src="/s">var a = '<a href="/in-script">';</script><style>a { b: url(/c) }</style><title><a href="/in-title"></title>
<body background=/b class="/no"><A class='/no' HREF = '/é'>ü &eacute; <a href="rel">r</a><a href>e</a><a href="">n</a>
<img src=/i usemap='#m' alt=/no/><form action="/f"><input formaction="/g" value="/no"><p href="/no" data-href="/no">
<a data-x="<a href='/no'>" href="/y">t</a><a href="/quote&quot;'x">q</a></body></html>`;
const expected = page
  .replace('manifest=/m', 'manifest=/proxy/m')
  .replace("'/h'", "'/proxy/h'")
  .replace('"/l?', '"/proxy/l?')
  .replace('src="/s"', 'src="/proxy/s"')
  .replace('background=/b', 'background=/proxy/b')
  .replace("'/é'", "'/proxy/é'")
  .replace('src=/i', 'src=/proxy/i')
  .replace('action="/f"', 'action="/proxy/f"')
  .replace('formaction="/g"', 'formaction="/proxy/g"')
  .replace('href="/y"', 'href="/proxy/y"')
  .replace('"/quote', '"/proxy/quote');

test('links of elements that have them are rewritten, nothing else is', async () => {
  expect(await rewritten(page)).toBe(expected);
});

test('wherever the document is cut', async () => {
  const length = Buffer.byteLength(page);
  const cuts = fc.array(fc.integer({ min: 0, max: length }), { maxLength: 20 }).map((list) => list.sort((a, b) => a - b));
  await fc.assert(
    fc.asyncProperty(cuts, async (places) => {
      expect(await rewritten(page, places)).toBe(expected);
    }),
    { numRuns: 200 },
  );
  expect(
    await rewritten(
      page,
      Array.from({ length }, (_, i) => i),
    ),
  ).toBe(expected);
});

test('bytes that are no document pass as they are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 500 }), async (bytes) => {
      const stream = htmlLinks((link) => link);
      const answer = buffer(stream);
      stream.end(Buffer.from(bytes));
      expect((await answer).equals(Buffer.from(bytes))).toBe(true);
    }),
  );
});

test.each([
  ['an open tag', '<a '],
  ['brackets', '<'],
  ['a link without an end', '<a href="/', 'x'],
  ['a comment', '<!-- ', '-'],
  ['a script', '<script>', '</scrip'],
  ['attributes', '<a ', 'href=/x '],
  ['names', '<', 'a'],
])('a million times %s costs time by its length only, and passes whole', async (_, start, more = start) => {
  const timeOf = async (times: number) => {
    const stream = htmlLinks(below);
    let passed = 0;
    stream.on('data', (piece: Buffer) => {
      passed += piece.length;
    });
    const piece = Buffer.from(more.repeat(8192));
    const begun = processorMs();
    stream.write(start);
    for (let i = 0; i < times; i += 8192) if (!stream.write(piece)) await new Promise((done) => stream.once('drain', done));
    stream.end();
    await new Promise((done) => stream.once('end', done));
    expect(passed).toBeGreaterThanOrEqual(start.length + Math.ceil(times / 8192) * piece.length);
    return processorMs() - begun;
  };
  await timeOf(100_000);
  const [some, all] = [await timeOf(250_000), await timeOf(1_000_000)];
  // Four times the work; were it the square, sixteen.
  expect(all).toBeLessThan(10 * some + 500);
});
