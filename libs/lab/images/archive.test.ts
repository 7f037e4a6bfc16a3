import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import { expect, onTestFinished, test } from 'vitest';
import { writeArchive } from './archive.ts';
import { folder, type ImageSpec, text } from './image-spec.ts';

interface Entry {
  readonly name: string;
  readonly pax: Readonly<Record<string, string>> | undefined;
  readonly content: Buffer;
}

async function entriesOf(tar: Readable): Promise<Entry[]> {
  const found: Entry[] = [];
  const reader = extract();
  reader.on('entry', async (header, stream, next) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    found.push({ name: header.name, pax: header.pax as Record<string, string> | undefined, content: Buffer.concat(chunks) });
    next();
  });
  await pipeline(tar, reader);
  return found;
}

test('images with a layer in common store it once; a program that may bind low ports has the kernel’s attribute', async () => {
  const place = mkdtempSync(join(tmpdir(), 'drydock-archive-'));
  onTestFinished(() => rmSync(place, { recursive: true }));
  writeFileSync(join(place, 'program'), 'binary');
  const program = { type: 'copy', path: 'bin/node', mode: 0o755, source: join(place, 'program') } as const;
  const base = { name: 'base', entries: [folder('bin'), text('etc/hosts', 'x')] };
  const image = (name: string, mayBindLowPorts: boolean): ImageSpec => ({
    names: [name],
    layers: [base, { name, entries: [{ ...program, mayBindLowPorts }] }],
    config: { Env: [] },
  });
  const file = join(place, 'images.tar');
  await writeArchive(file, [image('x.io/bind:1', true), image('x.io/plain:1', false)]);
  const archive = await entriesOf(createReadStream(file));
  const manifest = JSON.parse(archive.find(({ name }) => name === 'manifest.json')?.content.toString() ?? '') as {
    RepoTags: string[];
    Layers: string[];
  }[];
  expect(manifest.map(({ RepoTags }) => RepoTags)).toEqual([['x.io/bind:1'], ['x.io/plain:1']]);
  expect(new Set(manifest.flatMap(({ Layers }) => Layers)).size).toBe(3);
  const attributes = await Promise.all(
    manifest.map(async ({ Layers }) => {
      const layer = archive.find(({ name }) => name === Layers[1])?.content ?? Buffer.alloc(0);
      const [entry] = await entriesOf(Readable.from([layer]));
      expect(entry?.content.toString()).toBe('binary');
      return entry?.pax?.['SCHILY.xattr.security.capability'];
    }),
  );
  // cap_net_bind_service (bit 10) permitted, and effective from the start.
  expect(attributes).toEqual([Buffer.from('0100000200040000000000000000000000000000', 'hex').toString('latin1'), undefined]);
});
