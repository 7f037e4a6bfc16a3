// The lab's registry at its port: what a containerd that pulls asks, and what strangers may not.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addImages, namesIn } from './layout.ts';
import { importedIn } from './provision.ts';
import { imageRegistry } from './registry.ts';

const folder = mkdtempSync(join(tmpdir(), 'registry-'));
const content = join(folder, 'content');
const layout = join(folder, 'layout');
mkdirSync(join(content, 'blobs', 'sha256'), { recursive: true });

/** Puts bytes into the content store; returns their digest. */
function blob(bytes: string | object): string {
  const text = typeof bytes === 'string' ? bytes : JSON.stringify(bytes);
  const hex = createHash('sha256').update(text).digest('hex');
  writeFileSync(join(content, 'blobs', 'sha256', hex), text);
  return `sha256:${hex}`;
}

const dockerType = 'application/vnd.docker.distribution.manifest.v2+json';
const layer = blob('0123456789');
const config = blob({ architecture: 'amd64' });
const manifest = blob({ schemaVersion: 2, mediaType: dockerType, config: { digest: config }, layers: [{ digest: layer }] });
const absent = `sha256:${'0'.repeat(64)}`;
const index = blob({ schemaVersion: 2, manifests: [{ digest: manifest }, { digest: absent }] });
/** In the content store, but of no image that was loaded: as what a pod has pulled with a secret of its own. */
const pulled = blob({ schemaVersion: 2, config: { digest: blob('secret') }, layers: [] });

let port = 0;
let stop = async () => {};
beforeAll(async () => {
  addImages(layout, content, [
    { name: 'docker.io/library/web:1', digest: manifest },
    { name: 'example.com:5000/team/app:v2', digest: index },
  ]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as { port: number }).port;
  await new Promise((resolve) => server.close(resolve));
  const registry = imageRegistry({ listen: `127.0.0.1:${port}`, layout, clients: ['127.0.0.1'] });
  await registry.start();
  stop = async () => void (await registry.stop());
});
afterAll(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

function ask(method: string, path: string, headers: Record<string, string> = {}) {
  return new Promise<{ code: number | undefined; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (response) => {
      buffer(response).then(
        (bytes) => resolve({ code: response.statusCode, headers: response.headers, text: bytes.toString() }),
        reject,
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}
const errorOf = (text: string) => JSON.parse(text).errors[0].code as string;

describe('a pull', () => {
  test('by tag: HEAD says the digest and the type, GET gives the manifest that has it', async () => {
    const path = '/v2/library/web/manifests/1?ns=docker.io';
    const head = await ask('HEAD', path);
    expect(head).toMatchObject({ code: 200, text: '' });
    expect(head.headers).toMatchObject({ 'docker-content-digest': manifest, 'content-type': dockerType });
    const got = await ask('GET', path);
    expect(got.headers['content-length']).toBe(head.headers['content-length']);
    expect(`sha256:${createHash('sha256').update(got.text).digest('hex')}`).toBe(manifest);
    expect((await ask('GET', `/v2/library/web/manifests/${manifest}?ns=docker.io`)).text).toBe(got.text);
  });

  test('of an index: its type, and what the archive had of it', async () => {
    const got = await ask('GET', '/v2/team/app/manifests/v2?ns=example.com:5000');
    expect(got.headers).toMatchObject({
      'docker-content-digest': index,
      'content-type': 'application/vnd.oci.image.index.v1+json',
    });
    expect(await ask('GET', `/v2/team/app/manifests/${manifest}?ns=example.com:5000`)).toMatchObject({ code: 200 });
    expect(errorOf((await ask('GET', `/v2/team/app/manifests/${absent}?ns=example.com:5000`)).text)).toBe('MANIFEST_UNKNOWN');
  });

  test.each([
    [undefined, 200, '0123456789', undefined],
    ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
    ['bytes=4-', 206, '456789', 'bytes 4-9/10'],
    ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=-0', 416, '', 'bytes */10'],
    ['bytes=3-1', 200, '0123456789', undefined],
    ['bytes=0-1,3-4', 200, '0123456789', undefined],
    ['lines=1-2', 200, '0123456789', undefined],
  ])('of a blob, %s: %i', async (range, code, text, contentRange) => {
    const path = `/v2/library/web/blobs/${layer}?ns=docker.io`;
    const headers = range === undefined ? undefined : { range };
    const got = await ask('GET', path, headers);
    expect(got).toMatchObject({ code, text });
    expect(got.headers['content-range']).toBe(contentRange);
    expect(got.headers['content-length']).toBe(String(text.length));
    const head = await ask('HEAD', path, headers);
    expect(head).toMatchObject({ code, text: '' });
    expect(head.headers['content-length']).toBe(got.headers['content-length']);
  });

  test('the config is a blob, and the version is asked first', async () => {
    expect(await ask('GET', `/v2/library/web/blobs/${config}?ns=docker.io`)).toMatchObject({ code: 200 });
    expect(await ask('GET', '/v2/')).toMatchObject({ code: 200, text: '{}' });
  });
});

describe('what is not served', () => {
  test.each([
    ['GET', '/v2/library/web/manifests/2?ns=docker.io', 404, 'MANIFEST_UNKNOWN'],
    ['GET', '/v2/library/web/manifests/1?ns=quay.io', 404, 'MANIFEST_UNKNOWN'],
    ['GET', '/v2/library/web/manifests/1', 404, 'MANIFEST_UNKNOWN'],
    ['GET', `/v2/library/web/manifests/${layer}?ns=docker.io`, 404, 'MANIFEST_UNKNOWN'],
    ['GET', `/v2/library/web/manifests/${pulled}?ns=docker.io`, 404, 'MANIFEST_UNKNOWN'],
    ['GET', `/v2/library/web/blobs/${pulled}?ns=docker.io`, 404, 'BLOB_UNKNOWN'],
    ['GET', `/v2/library/web/blobs/${absent}?ns=docker.io`, 404, 'BLOB_UNKNOWN'],
    ['GET', '/v2/library/web/blobs/sha256:..%2f..%2findex.json?ns=docker.io', 400, 'DIGEST_INVALID'],
    ['GET', '/v2/library/web/blobs/sha256:ABC?ns=docker.io', 400, 'DIGEST_INVALID'],
    ['GET', '/v2/library/../web/manifests/1?ns=docker.io', 400, 'NAME_INVALID'],
    ['GET', '/v2/library/web/manifests/1?ns=../x', 400, 'NAME_INVALID'],
    ['GET', '/v2/library/web/tags/list', 404, 'NAME_UNKNOWN'],
    ['GET', '/', 404, 'NAME_UNKNOWN'],
    ['PUT', '/v2/library/web/manifests/1?ns=docker.io', 405, 'UNSUPPORTED'],
    ['POST', '/v2/library/web/blobs/uploads/?ns=docker.io', 405, 'UNSUPPORTED'],
    ['DELETE', `/v2/library/web/manifests/${manifest}?ns=docker.io`, 405, 'UNSUPPORTED'],
  ])('%s %s: %i %s', async (method, path, code, error) => {
    const before = readdirSync(layout, { recursive: true });
    const got = await ask(method, path);
    expect(got.code).toBe(code);
    expect(errorOf(got.text)).toBe(error);
    expect(readdirSync(layout, { recursive: true })).toEqual(before);
  });

  test('and nobody but the workers is', async () => {
    const got = await new Promise<string>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2' });
      socket.on('connect', () => socket.write('GET /v2/ HTTP/1.1\r\nhost: x\r\n\r\n'));
      buffer(socket).then(
        (bytes) => resolve(bytes.toString()),
        (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve('') : reject(error)),
      );
    });
    expect(got).toBe('');
  });
});

test('an image of the same name takes the place of the other; blobs are links, not copies', () => {
  const other = join(folder, 'other');
  addImages(other, content, [{ name: 'docker.io/library/web:1', digest: manifest }]);
  addImages(other, content, [{ name: 'docker.io/library/web:1', digest: index }]);
  addImages(other, content, [{ name: 'docker.io/library/gone:1', digest: absent }]);
  expect([...namesIn(other)]).toEqual([['docker.io/library/web:1', index]]);
  const inode = (root: string) => statSync(join(root, 'blobs', 'sha256', layer.slice('sha256:'.length))).ino;
  expect(inode(other)).toBe(inode(content));
});

test('what an import says is read', () => {
  const output = `unpacking docker.io/library/web:1 (${manifest})...done\nunpacking example.com/x@${index} (${index})...done\n`;
  expect(importedIn(output)).toEqual([
    { name: 'docker.io/library/web:1', digest: manifest },
    { name: `example.com/x@${index}`, digest: index },
  ]);
  expect(importedIn('ctr: failed')).toEqual([]);
});
