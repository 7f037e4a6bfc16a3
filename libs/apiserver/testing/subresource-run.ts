// Plays the cases of fields against an apiserver, ours or the original, through every subresource that takes writes.
import type { JsonObject } from '@drydock/api/json.ts';
import { findResource, type ResourceInfo, type SubresourceInfo } from '@drydock/api/scheme.ts';
import { baseObjects } from './base-objects.ts';
import { type Effect, effectOf, type FieldCase, fieldCases, type Method, methods, writeOf } from './field-cases.ts';
import type { WireClient } from './wire.ts';

/** Where an object of a base lives. */
export function pathOf(base: (typeof baseObjects)[number]): string {
  const root = base.version.includes('/') ? `/apis/${base.version}` : `/api/${base.version}`;
  return `${root}/${base.namespaced ? 'namespaces/default/' : ''}${base.resource}`;
}

function nameOf(base: (typeof baseObjects)[number]): string {
  return base.object.metadata?.name ?? '';
}

/** Makes the base objects that are not there yet; fails where one is refused. */
export async function createBases(client: WireClient): Promise<void> {
  // Pods need their account, which a controller makes that does not run here.
  await client.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  for (const base of baseObjects) {
    if ((await client.call('GET', `${pathOf(base)}/${nameOf(base)}`)).code === 200) continue;
    const made = await client.call('POST', pathOf(base), { body: base.object });
    if (made.code !== 201) throw new Error(`${base.resource}: ${made.code} ${JSON.stringify(made.body)}`);
    if (base.status === undefined) continue;
    const path = `${pathOf(base)}/${nameOf(base)}/status`;
    const written = await client.call('PATCH', path, { body: { status: base.status }, type: 'application/merge-patch+json' });
    if (written.code !== 200) throw new Error(`${base.resource}/status: ${written.code} ${JSON.stringify(written.body)}`);
  }
}

export interface Writable {
  readonly base: (typeof baseObjects)[number];
  readonly info: ResourceInfo;
  readonly subresource: SubresourceInfo;
}

/** Every subresource that takes PUT or PATCH of an object, in every version that is served. */
export function writableSubresources(): Writable[] {
  return baseObjects.flatMap((base) => {
    const [version = '', group = ''] = base.version.split('/').reverse();
    const info = findResource(group, version, base.resource);
    if (info === undefined) throw new Error(base.resource);
    return info.subresources
      .filter((subresource) => subresource.verbs.includes('update') && subresource.name !== 'proxy')
      .map((subresource) => ({ base, info, subresource }));
  });
}

/** What each method did with each field. */
export type Outcomes = Record<string, Partial<Record<Method, Effect>>>;

/** All cases of one subresource, as dry runs: each starts from the same object. */
export async function playSubresource(client: WireClient, { base, subresource }: Writable): Promise<Outcomes> {
  const object = `${pathOf(base)}/${nameOf(base)}`;
  const readable = subresource.verbs.includes('get') ? `${object}/${subresource.name}` : object;
  const current = (await client.call('GET', readable)).body as JsonObject;
  const outcomes: Outcomes = {};
  const cases = [...fieldCases(subresource.modelName, current), ...(base.more ?? [])];
  const work = cases.flatMap((each) => methods.map((method) => ({ each, method })));
  const play = async ({ each, method }: { each: FieldCase; method: Method }): Promise<void> => {
    if (method !== 'PUT' && !subresource.verbs.includes('patch')) return;
    const write = writeOf(method, each, current);
    if (write === undefined) return;
    const answer = await client.call(write.method, `${object}/${subresource.name}?dryRun=All`, {
      body: write.body,
      type: write.type,
    });
    const effect = anonymous(effectOf(answer, current), current);
    outcomes[each.name] = { ...outcomes[each.name], [method]: effect };
  };
  const queue = [...work];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await play(next);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return outcomes;
}

/** Texts without what differs from run to run. */
function anonymous(effect: Effect, current: JsonObject): Effect {
  if ('wrote' in effect) return effect;
  const { uid = '', creationTimestamp = '' } = (current.metadata ?? {}) as { uid?: string; creationTimestamp?: string };
  return { ...effect, says: effect.says.replaceAll(uid, 'UID').replaceAll(creationTimestamp, 'CREATED') };
}
