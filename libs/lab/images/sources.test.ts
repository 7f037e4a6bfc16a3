// A program of the project out of its image's files: it starts with nothing else.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from '@drydock/foundation/child-process.ts';
import { expect, onTestFinished, test } from 'vitest';
import type { LayerEntry } from './image-spec.ts';
import { launcher, programEntries, sourcesFolder } from './sources.ts';

/** The files beneath a folder, as a layer has them. */
function unpack(entries: readonly LayerEntry[]): string {
  const root = mkdtempSync(join(tmpdir(), 'drydock-sources-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const entry of entries) {
    const path = join(root, entry.path);
    if (entry.type === 'folder') mkdirSync(path);
    if (entry.type === 'link') symlinkSync(entry.target, path);
    if (entry.type === 'copy') copyFileSync(entry.source, path);
  }
  return root;
}

test('a program starts with the files of its image, which has nothing that only tests need', async () => {
  const app = 'kube-webhook-certgen';
  const entries = programEntries(app);
  const main = join(unpack(entries), sourcesFolder, 'apps', app, 'main.ts');
  const { stderr } = await execa(process.execPath, [main, 'create', '--host=x'], { reject: false });
  expect(stderr).toContain('required flag(s) "secret-name", "namespace" not set');
  expect(entries.filter(({ path }) => /\.test\.ts$|\/typescript\/|\/vitest\//.test(path))).toEqual([]);
}, 60_000);

test('what the ingress controller loads later is there too', () => {
  const paths = programEntries('ingress-controller').map(({ path }) => path);
  for (const path of [
    'libs/ingress/nginx/lua/ingress.lua',
    'libs/pki/authority.ts',
    'node_modules/@peculiar/x509/package.json',
  ])
    expect(paths).toContain(`${sourcesFolder}/${path}`);
  expect(launcher('run', 'ingress-controller')).toMatchObject({ path: 'run', mode: 0o755 });
});
