// Objects of storage: what is filled in, refused and kept, with the original's causes. Every answer recorded from the original:
// UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew (the names used must be free there).
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kept } from './testing/kept.ts';
import { originalFrom, Recording } from './testing/original.ts';
import { storageKinds } from './testing/storage-cases.ts';
import { changed, type StorageKind, storageNamespace } from './testing/storage-kind.ts';
import { type WireClient, WireServer } from './testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const merge = { type: 'application/merge-patch+json' };
let server: WireServer | undefined;
let admin: WireClient;

beforeAll(async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  admin = (await server?.as('admin', 'system:masters')) ?? ((await original?.('admin', 'system:masters')) as WireClient);
  await admin.call('POST', '/api/v1/namespaces', { body: { metadata: { name: storageNamespace } } });
  const account = `/api/v1/namespaces/${storageNamespace}/serviceaccounts`;
  await admin.call('POST', account, { body: { metadata: { name: 'default' } } });
}, 60_000);

afterAll(() => server?.stop());

async function record({ title, path, base, creates, updates, status, statuses = [] }: StorageKind): Promise<Recording> {
  const recording = new Recording();
  const dry = '?dryRun=All';
  const show = (answer: { readonly code: number; readonly body: Record<string, unknown> }): void => {
    if (answer.code < 300 && title !== 'Pod') recording.note(kept(answer.body));
  };
  for (const [what, change] of creates)
    show(await recording.ask(`create, ${what}`, admin, 'POST', `${path}${dry}`, { body: changed(base, change) }));
  if (updates.length === 0) return recording;
  const made = await admin.call('POST', path, { body: base });
  expect(made.code).toBe(201);
  const own = `${path}/${made.body.metadata.name}`;
  if (status !== undefined) expect((await admin.call('PATCH', `${own}/status`, { body: { status }, ...merge })).code).toBe(200);
  // The original's controllers may write meanwhile.
  const current = async () => (await admin.call('GET', own)).body;
  for (const [what, change] of updates)
    show(await recording.ask(`update, ${what}`, admin, 'PUT', `${own}${dry}`, { body: changed(await current(), change) }));
  for (const [what, value] of statuses)
    show(
      await recording.ask(`status, ${what}`, admin, 'PUT', `${own}/status${dry}`, {
        body: { ...(await current()), status: value },
      }),
    );
  return recording;
}

test.each(storageKinds.map((kind) => [kind.title, kind] as const))(
  '%s',
  async (title, kind) => {
    const recording = await record(kind);
    const file = new URL(`./testdata/storage-api/${title.toLowerCase()}.txt`, import.meta.url);
    recording.check(file, process.env.UPDATE === '1');
  },
  60_000,
);
