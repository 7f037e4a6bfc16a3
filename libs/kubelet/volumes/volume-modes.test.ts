import type { Container } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { podWith } from './testing/pods.ts';
import { modeMisuse } from './volume-modes.ts';

const mounts: Partial<Container> = { volumeMounts: [{ name: 'v', mountPath: '/d' }] };
const devices: Partial<Container> = { volumeDevices: [{ name: 'v', devicePath: '/dev/v' }] };

test.each<[string | undefined, Partial<Container>, string | undefined]>([
  [undefined, mounts, undefined],
  ['Filesystem', mounts, undefined],
  ['Filesystem', {}, undefined],
  ['Block', mounts, 'volume v has volumeMode Block, but is specified in volumeMounts'],
  [undefined, devices, 'volume v has volumeMode Filesystem, but is specified in volumeDevices'],
  ['Block', devices, 'volume v has volumeMode Block, which this kubelet does not serve'],
])('a volume of mode %s, used with %j', (volumeMode, use, expected) => {
  const pod = podWith({ containers: [{ name: 'other' }, { name: 'c', ...use }] });
  expect(modeMisuse(pod, 'v', { spec: { volumeMode } })).toBe(expected);
});
