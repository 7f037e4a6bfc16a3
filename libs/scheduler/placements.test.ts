// Where pods go, and why they do not, beside what the original did with the same objects.
import { readFileSync } from 'node:fs';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { expect, test } from 'vitest';
import { SchedulerCore } from './core.ts';
import { defaultProfile, emptyKnown } from './profile.ts';
import type { Outcome, PlacementCase } from './testing/placement-case.ts';
import { placementCases } from './testing/placement-cases.ts';
import { claimKey } from './volumes-known.ts';

const recorded = JSON.parse(readFileSync(new URL('testdata/placements.json', import.meta.url), 'utf8')) as Record<
  string,
  Outcome
>;

function decide({ nodes, placed, objects, pod }: PlacementCase): Outcome {
  const known = emptyKnown();
  const core = new SchedulerCore([defaultProfile(known)], new SeededRandom(1).stream('test'), undefined, known);
  for (const each of nodes) core.nodeChanged(each, 0);
  for (const object of objects) {
    const { namespace = '', name = '' } = object.metadata ?? {};
    const any = object as never;
    const { volumes, workloads } = known;
    switch (object.kind) {
      case 'Namespace':
        core.namespaceChanged(name, any, 0);
        break;
      case 'Service':
        workloads.serviceChanged(namespace, name, any);
        break;
      case 'PersistentVolumeClaim':
        volumes.claimChanged(claimKey(namespace, name), any);
        break;
      case 'PersistentVolume':
        volumes.volumeChanged(name, any);
        break;
      case 'StorageClass':
        volumes.classChanged(name, any);
        break;
      case 'CSINode':
        volumes.csiNodeChanged(name, any);
        break;
      case 'CSIDriver':
        volumes.driverChanged(name, any);
        break;
      case 'CSIStorageCapacity':
        volumes.capacityChanged(name, String(object['storageClassName']), any);
        break;
      default:
        throw new Error(`no such kind: ${object.kind}`);
    }
  }
  for (const each of [...placed, pod]) core.podChanged(each, 0);
  const decision = core.next(0);
  if (decision?.kind === 'bind') return { node: decision.node };
  const { message, nominate, victims = [] } = decision ?? {};
  return {
    ...(message === undefined ? {} : { message }),
    ...(nominate ? { nominated: nominate } : {}),
    ...(victims.length === 0 ? {} : { victims: victims.map(({ metadata }) => metadata?.name ?? '') }),
  };
}

test.each(Object.entries(placementCases))('%s', (name, given) => {
  expect(decide(given)).toEqual(recorded[name]);
});

test('all that was asked of the original is asked here', () => {
  expect(Object.keys(placementCases)).toEqual(Object.keys(recorded));
});
