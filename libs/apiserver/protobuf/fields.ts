// Field numbers of the Kubernetes protobuf messages, joined with the schema of the JSON form.
import { readFileSync } from 'node:fs';
import { modelSchema, type TypeSchema } from '@drydock/api/schema.ts';

/** One field as protobuf has it. */
export type Field =
  /** A field of the JSON object. `pointer`: its zero value says something and is kept. */
  | { readonly name: string; readonly type: TypeSchema; readonly pointer: boolean }
  /** A message whose fields belong to the object around it (Go's embedded structs). */
  | { readonly inline: Message };

export type Message = Map<number, Field>;

let table: Readonly<Record<string, string>> | undefined;
const messages = new Map<string, Message>();

/** The message of a model: field numbers to fields. */
export function messageOf(model: string): Message {
  const known = messages.get(model);
  if (known !== undefined) return known;
  table ??= JSON.parse(readFileSync(new URL('../generated/protobuf-fields.json', import.meta.url), 'utf8')) as Record<
    string,
    string
  >;
  const message: Message = new Map();
  messages.set(model, message);
  const schema = modelSchema(model);
  for (const entry of (table[model] ?? '').split(' ')) {
    const [name = '', place = ''] = entry.split(':');
    const field = schema.fields.get(name);
    if (field === undefined) continue;
    const path = place.replace('*', '').split('.').map(Number);
    const last = path.pop() ?? 0;
    let at = message;
    for (const step of path) {
      const outer = at.get(step) ?? { inline: new Map() };
      at.set(step, outer);
      if ('inline' in outer) at = outer.inline;
    }
    at.set(last, { name, type: field.type, pointer: place.endsWith('*') });
  }
  return message;
}
