// The table of who may connect where holds on the originals: the lab's certificates, and its command lines, with upstream's programs.
import { join } from 'node:path';
import { execa } from '@drydock/foundation/child-process.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { labPatienceMs, pairsOf, type SmallLab, startSmallLab } from '../integration/lab/small-lab.ts';
import { portsOf, visit } from '../integration/lab/visit.ts';

const upstream = process.env.DRYDOCK_UPSTREAM;
const reason = upstream === undefined ? 'DRYDOCK_UPSTREAM is not set to the folder of the upstream programs' : undefined;
/** The kubelet stays ours: upstream's needs a container engine. */
const programs = ['etcd', 'kube-apiserver', 'kube-scheduler', 'kube-controller-manager'];

describe.skipIf(reason !== undefined)(`upstream's programs in a lab (${reason ?? 'with upstream'})`, () => {
  let small: SmallLab;
  beforeAll(async () => {
    const folder = (await execa(join(upstream ?? '', 'unpack'), [])).stdout.trim();
    small = await startSmallLab('originals', {
      programs: Object.fromEntries(programs.map((name) => [name, [join(folder, name)]])),
    });
  }, labPatienceMs);
  afterAll(() => small?.down(), labPatienceMs);

  test('let in whom the table says, at every port', { timeout: labPatienceMs }, async () => {
    const pairs = await pairsOf(small.lab);
    const { asked, wrong } = await visit(portsOf(small.lab), pairs);
    expect(wrong).toEqual([]);
    // All but the gRPC port of our API server.
    expect([...asked.values()]).toEqual(Array.from({ length: 9 }, () => pairs.size));
  });
});
