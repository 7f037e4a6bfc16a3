import type { ResourceAttributes } from '@drydock/api/generated/types.ts';
import { ClientLayer } from '@drydock/client/client-layer.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { askPermissions, permissionsOf } from './permissions.ts';

const asked = {
  namespace: 'ingress-nginx',
  watchNamespace: '',
  electionId: 'ingress-controller-leader',
  ingressClass: 'nginx',
};

/** An account with these rights, each `VERB RESOURCE[/NAME]`. */
const account =
  (...rights: string[]) =>
  async ({ verb, resource, name, namespace }: ResourceAttributes) =>
    rights.includes(`${verb} ${resource}${name === undefined ? '' : `/${name}`}`) &&
    (name === undefined || namespace === 'ingress-nginx');

// Rights of ingress-nginx's manifests: the last, 1.0.0, 0.47.0, 0.30.
test.each([
  [
    ['watch endpointslices', 'watch ingressclasses', 'update leases/ingress-controller-leader'],
    { slices: true, classes: true, election: { lock: 'leases', id: 'ingress-controller-leader' } },
  ],
  [
    ['watch ingressclasses', 'update configmaps/ingress-controller-leader'],
    { slices: false, classes: true, election: { lock: 'configmaps', id: 'ingress-controller-leader' } },
  ],
  [
    ['watch ingressclasses', 'update configmaps/ingress-controller-leader-nginx'],
    { slices: false, classes: true, election: { lock: 'configmaps', id: 'ingress-controller-leader-nginx' } },
  ],
  [
    ['update configmaps/ingress-controller-leader-nginx'],
    { slices: false, classes: false, election: { lock: 'configmaps', id: 'ingress-controller-leader-nginx' } },
  ],
  [[], { slices: false, classes: false, election: { lock: 'leases', id: 'ingress-controller-leader' } }],
])('who may %j', async (rights, expected) => {
  expect(await permissionsOf(asked, account(...rights))).toEqual(expected);
});

/** An API server that answers after a while. */
function server(failures: number) {
  const clock = new VirtualClock();
  const api = new MemoryApi({ clock, random: new SeededRandom(1) });
  let left = failures;
  class Answering extends ClientLayer {
    watch = api.watch.bind(api);
    close(): void {}
    protected override async around<R>(): Promise<R> {
      if (left-- > 0) throw new Error('connection refused');
      return { status: { allowed: true } } as R;
    }
  }
  return { clock, ports: { client: new Answering(), clock, log: silentLog } };
}

test('it asks until it is answered', async () => {
  const { clock, ports } = server(3);
  const answer = askPermissions(asked, ports, new AbortController().signal);
  await clock.advanceAsync(5_000);
  expect(await answer).toMatchObject({ slices: true, election: { lock: 'leases' } });
});

test('it stops asking when it is told to', async () => {
  const { clock, ports } = server(Number.POSITIVE_INFINITY);
  const stop = new AbortController();
  const failed = expect(askPermissions(asked, ports, stop.signal)).rejects.toThrow();
  await clock.advanceAsync(2_500);
  stop.abort();
  await clock.advanceAsync(1_000);
  await failed;
});
