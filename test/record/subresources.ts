// Asks the original apiserver what each subresource lets through, and writes it down for libs/apiserver/subresources.test.ts.
// Needs DRYDOCK_UPSTREAM. `--kubeconfig FILE` asks an apiserver that runs already (without its controllers, which would write
// to the same objects).
import { writeFileSync } from 'node:fs';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { methods } from '@drydock/apiserver/testing/field-cases.ts';
import {
  createBases,
  type Outcomes,
  playSubresource,
  writableSubresources,
} from '@drydock/apiserver/testing/subresource-run.ts';
import { originalServer } from './original.ts';

const { values } = parseArgs({ options: { kubeconfig: { type: 'string' } } });
const original = await originalServer(values.kubeconfig);
try {
  await createBases(original.client);
  const recorded: Record<string, unknown> = {};
  for (const writable of writableSubresources()) {
    const { info, subresource } = writable;
    const name = `${info.group}/${info.version}/${info.resource}/${subresource.name}`;
    recorded[name] = compact(await playSubresource(original.client, writable));
  }
  const file = new URL('../../libs/apiserver/testdata/subresources.json', import.meta.url);
  writeFileSync(file, `${render(recorded)}\n`);
} finally {
  await original.stop();
}

/** Where all methods did the same, it is said once. */
function compact(outcomes: Outcomes): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(outcomes)
      .sort()
      .map((field) => {
        const effects = outcomes[field] ?? {};
        const all = methods.flatMap((method) => effects[method] ?? []);
        return [field, all.every((each) => isDeepStrictEqual(each, all[0])) ? { all: all[0] } : effects];
      }),
  );
}

/** One line a field. */
function render(recorded: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(recorded).map(([name, fields]) => {
    const lines = Object.entries(fields as object).map(
      ([field, effect]) => `  ${JSON.stringify(field)}: ${JSON.stringify(effect)}`,
    );
    return `${JSON.stringify(name)}: {\n${lines.join(',\n')}\n}`;
  });
  return `{\n${parts.join(',\n')}\n}`;
}
