// Pods with volumes of every kind, and what stands behind them, for tests of what is made of them.
import type { Container, Pod, PodSpec, Volume } from '@drydock/api/generated/types.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { type FileCalls, nodeCalls } from '@drydock/foundation/beneath/calls.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { Claims } from '../claims.ts';
import type { Git } from '../git-repo.ts';
import type { Mounter } from '../mounter.ts';
import type { PayloadContext } from '../payload.ts';
import { PodFolders } from '../pod-folders.ts';
import { Volumes } from '../volumes.ts';

export const uid = 'uid-1';

export const everyKind: readonly Volume[] = [
  { name: 'disk', emptyDir: {} },
  { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '64Ki' } },
  { name: 'map', configMap: { name: 'map', defaultMode: 0o400 } },
  { name: 'map-items', configMap: { name: 'map', items: [{ key: 'a', path: 'x/y', mode: 0o600 }] } },
  { name: 'secret', secret: { secretName: 'secret' } },
  { name: 'labels', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
  { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }, { configMap: { name: 'map' } }] } },
];

export function podWith(spec: Partial<PodSpec>): Pod {
  const containers: Container[] = [{ name: 'c', image: 'i' }];
  return { metadata: { name: 'p', namespace: 'd', uid, labels: { l: '1' } }, spec: { containers, ...spec } };
}

/** `data`: the keys of the config map `map`. */
export function contextOf(pod: Pod, data: Readonly<Record<string, string>> = { a: '1', b: '2' }): PayloadContext {
  return {
    pod,
    references: {
      configMap: (_, name) => (name === 'map' ? { data: { ...data } } : undefined),
      secret: (_, name) => (name === 'secret' ? { data: { s: Buffer.from('hidden').toString('base64') } } : undefined),
    },
    facts: { nodeName: 'n', hostIp: '1.1.1.1', podIps: [], allocatable: { memory: '1Gi' } },
    token: () => 'token',
  };
}

export function makeVolumes(rootDir: string, mounter: Mounter, calls: FileCalls = nodeCalls, git?: Git): Volumes {
  const clock = new VirtualClock();
  const claims = new Claims(new MemoryApi({ clock, random: new SeededRandom(1) }));
  return new Volumes({ folders: new PodFolders(rootDir, calls), claims, mounter, clock, git });
}
