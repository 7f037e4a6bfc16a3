// Unknown and repeated fields of a JSON text, in document order. Only run on a text that is known to have some.
import { scanJson, silentVisitor } from './json-scan.ts';
import { modelSchema, type TypeSchema } from './schema.ts';

interface Frame {
  /** Type of the object or array; undefined where anything goes. */
  readonly type: TypeSchema | undefined;
  readonly path: string;
  /** Inside an unknown field nothing more is reported. */
  readonly hidden: boolean;
}

/** `unknown field "spec.foo"` and `duplicate field "data.a"`, each text once. */
export function strictProblems(modelName: string, text: string): string[] {
  const problems = new Set<string>();
  const frames: Frame[] = [];
  let current: Frame = { type: { kind: 'model', model: modelName }, path: '', hidden: false };
  const open = (): void => {
    frames.push(current);
  };
  const close = (): void => {
    current = frames.pop() ?? current;
  };
  scanJson(text, {
    ...silentVisitor,
    beginObject: open,
    endObject: close,
    beginArray: open,
    endArray: close,
    element: (index) => {
      const list = frames[frames.length - 1] ?? current;
      const type = list.type?.kind === 'list' ? list.type.of : undefined;
      current = { type, path: `${list.path}[${index}]`, hidden: list.hidden };
    },
    key: (name, repeated) => {
      const owner = frames[frames.length - 1] ?? current;
      const path = owner.path === '' ? name : `${owner.path}.${name}`;
      const { type, known } = member(owner.type, name);
      current = { type, path, hidden: owner.hidden || !known };
      if (owner.hidden) return;
      if (!known) problems.add(`unknown field "${path}"`);
      else if (repeated) problems.add(`duplicate field "${path}"`);
    },
  });
  return [...problems];
}

function member(type: TypeSchema | undefined, name: string): { type: TypeSchema | undefined; known: boolean } {
  if (type?.kind === 'map') return { type: type.of, known: true };
  if (type?.kind !== 'model') return { type: undefined, known: true };
  const field = modelSchema(type.model).fields.get(name);
  return { type: field?.type, known: field !== undefined };
}
