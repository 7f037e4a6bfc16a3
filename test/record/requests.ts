// Asks the original apiserver the requests of libs/apiserver/testing/request-cases.ts, for requests.test.ts beside them.
// Needs DRYDOCK_UPSTREAM, or `--kubeconfig FILE` of an original apiserver that runs without its controllers.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { makeBefore, play, requestCases } from '@drydock/apiserver/testing/request-cases.ts';
import { originalServer } from './original.ts';

const { values } = parseArgs({ options: { kubeconfig: { type: 'string' } } });
const original = await originalServer(values.kubeconfig);
try {
  await makeBefore(original.client);
  const lines: string[] = [];
  for (const each of requestCases)
    lines.push(`${JSON.stringify(each.name)}: ${JSON.stringify(await play(original.client, each))}`);
  const file = new URL('../../libs/apiserver/testdata/requests.json', import.meta.url);
  writeFileSync(file, `{\n${lines.join(',\n')}\n}\n`);
} finally {
  await original.stop();
}
