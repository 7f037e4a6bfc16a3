// CsiVolumes with a driver on a real socket and an apiserver in memory.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type {
  CSIDriver,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodSpec,
  Volume,
} from '@drydock/api/generated/types.ts';
import { csiDrivers, nodes, persistentVolumeClaims, persistentVolumes, secrets } from '@drydock/api/resource.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { onTestFinished } from 'vitest';
import { type Message, socketOpener } from '../../../plugins/socket-client.ts';
import { Claims } from '../../claims.ts';
import { hollowMounter } from '../../mounter.ts';
import { PodFolders } from '../../pod-folders.ts';
import { contextOf, podWith } from '../../testing/pods.ts';
import { Volumes } from '../../volumes.ts';
import { VolumesFailed } from '../../volumes-failed.ts';
import { CsiVolumes } from '../csi-volumes.ts';
import { DriverObjects } from '../driver-objects.ts';
import { DriverVolumes } from '../driver-volumes.ts';
import { Expansion } from '../expansion.ts';
import { NodeService } from '../node-service.ts';
import { CsiPlaces } from '../places.ts';
import { SecretReader } from '../secret-reader.ts';
import { VolumeStats } from '../volume-stats.ts';
import { VolumeTurns } from '../volume-turns.ts';
import { VolumesInUse } from '../volumes-in-use.ts';
import { fakeDriver } from './fake-driver.ts';

export const driver = 'd.test';
export const volumeOf: Volume = { name: 'data', persistentVolumeClaim: { claimName: 'claim' } };
const token = { token: 't', expirationTimestamp: '2026-01-01T00:00:00Z' };

export interface Options {
  readonly csi?: Partial<NonNullable<NonNullable<PersistentVolume['spec']>['csi']>>;
  readonly spec?: Partial<NonNullable<PersistentVolume['spec']>>;
  /** null: there is no CSIDriver object. */
  readonly object?: CSIDriver['spec'] | null;
  readonly capabilities?: readonly string[];
}

export async function csiWorld({ csi = {}, spec = {}, object = { attachRequired: false }, capabilities }: Options = {}) {
  const folder = mkdtempSync(`${tmpdir()}/csi-volumes-`);
  const rootDir = `${folder}/root`;
  const fake = await fakeDriver(`${folder}/sock`, driver);
  if (capabilities !== undefined) fake.model.capabilities = capabilities;
  const stop = new AbortController();
  onTestFinished(() => {
    stop.abort();
    fake.stop();
    rmSync(folder, { recursive: true });
  });
  const clock = new VirtualClock();
  const random = new SeededRandom('csi');
  const api = new MemoryApi({ clock, random });
  await api.create<Node>(nodes, { metadata: { name: 'n' } });
  if (object !== null) {
    const { volumeLifecycleModes = ['Persistent', 'Ephemeral'] } = object;
    await api.create<CSIDriver>(csiDrivers, { metadata: { name: driver }, spec: { ...object, volumeLifecycleModes } });
  }
  const claim = await api.create<PersistentVolumeClaim>(persistentVolumeClaims, {
    metadata: { namespace: 'd', name: 'claim' },
    spec: { volumeName: 'pv', accessModes: ['ReadWriteOnce'] },
  });
  const bound = { type: 'merge', body: { status: { phase: 'Bound' } } } as const;
  await api.patch(persistentVolumeClaims, { namespace: 'd', name: 'claim' }, bound, { subresource: 'status' });
  await api.create<PersistentVolume>(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      csi: { driver, volumeHandle: 'h-1', ...csi },
      claimRef: { namespace: 'd', name: 'claim', uid: claim.metadata?.uid },
      ...spec,
    },
  });
  for (const name of ['stage', 'publish'])
    await api.create(secrets, {
      metadata: { namespace: 'd', name },
      data: { key: Buffer.from(`hidden ${name}`).toString('base64') },
    });
  const open = socketOpener(() => Date.now());
  const registered = { is: true };
  /** Events that are not of mounting. */
  const said: string[] = [];
  const folders = new PodFolders(rootDir);
  let node: Node | undefined;
  const makeVolumes = () => {
    const places = new CsiPlaces(rootDir, folders);
    const inUse = new VolumesInUse(places);
    const shared = {
      client: api,
      clock,
      nodeName: 'n',
      places,
      turns: new VolumeTurns(),
      secrets: new SecretReader(api),
      drivers: {
        service: (name: string) => {
          if (!registered.is || name !== driver)
            throw new Error(`driver name ${name} not found in the list of registered CSI drivers`);
          return new NodeService(open, `${folder}/sock`);
        },
      },
    };
    const csiVolumes = new CsiVolumes({
      ...shared,
      objects: new DriverObjects({ client: api, clock, random, log: silentLog }, stop.signal),
      inUse,
      report: async () => inUse.reported((await inUse.names()) ?? []),
      node: () => node,
      token: async (_, audience, seconds) => ({ ...token, token: `${audience} ${seconds}` }),
      givesAway: true,
    });
    const expansion = new Expansion({
      ...shared,
      record: (about, type, reason, message) => said.push(`${about.kind} ${type} ${reason} ${message}`),
    });
    const claims = new Claims(api);
    const byDrivers = new DriverVolumes({ volumes: csiVolumes, expansion }, claims);
    const volumes = new Volumes({ folders, claims, mounter: hollowMounter, clock, byDrivers });
    return { volumes, byDrivers, inUse, csiVolumes, stats: new VolumeStats(shared) };
  };
  const made = makeVolumes();
  const { volumes } = made;
  const podOf = (volume: Volume = volumeOf, more: Partial<PodSpec> = {}, uid = 'uid-1'): Pod => {
    const pod = podWith({ volumes: [volume], serviceAccountName: 'sa', ...more });
    return { ...pod, metadata: { ...pod.metadata, uid } };
  };
  const prepare = (pod = podOf()) => volumes.prepare(contextOf(pod));
  /** Texts of the events. */
  const refused = async (pod = podOf(), hasWaited = false): Promise<string[]> => {
    const error = await prepare(pod).then(
      () => undefined,
      (each: unknown) => each,
    );
    if (!(error instanceof VolumesFailed)) throw new Error(`not refused: ${error}`);
    clock.advance(130_000);
    return error.events(hasWaited);
  };
  const calls = (): Message[] => fake.model.calls.map(({ method, request }) => ({ method, ...request }));
  const methods = () => fake.model.calls.map(({ method }) => method.replace(/^Node|Volume$/g, ''));
  const attach = (names: string[]) => {
    node = { metadata: { name: 'n' }, status: { volumesAttached: names.map((name) => ({ name, devicePath: '' })) } };
  };
  return {
    ...made,
    makeVolumes,
    folder,
    rootDir,
    api,
    clock,
    model: fake.model,
    registered,
    said,
    podOf,
    prepare,
    refused,
    calls,
    methods,
    attach,
  };
}
