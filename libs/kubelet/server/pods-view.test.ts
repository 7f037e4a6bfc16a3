// Which log `kubectl logs` and `kubectl logs -p` mean (kubelet, validateContainerLogStatus).
import type { ContainerState, Pod } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import type { ContainerDetail } from '../engine/engine.ts';
import { nothingObserved } from '../pod/observation.ts';
import { findContainer } from './pods-view.ts';

/** Attempts of one container, the newest first, and what the API says of it. */
function view(attempts: readonly ('running' | 'exited')[], state: ContainerState, logPath = '/log') {
  const pod: Pod = {
    metadata: { namespace: 'a', name: 'p' },
    spec: { containers: [{ name: 'c' }] },
    status: { containerStatuses: [{ name: 'c', state, lastState: {}, ready: false, restartCount: 0, image: '', imageID: '' }] },
  };
  const containers = attempts.map((each, i) => ({
    name: 'c',
    id: `c${attempts.length - i}`,
    state: each,
    logPath,
  })) as unknown as ContainerDetail[];
  const worker = { pod, observed: { ...nothingObserved, containers } };
  return {
    manager: {
      worker: (namespace: string, name: string) => (`${namespace}/${name}` === 'a/p' ? worker : undefined),
      all: () => [pod],
    },
    health: () => undefined,
  };
}

const running = { running: {} };
const waiting = { waiting: { reason: 'CrashLoopBackOff' } };
const ended = { terminated: { exitCode: 1 } };
const none = 'previous terminated container "c" in pod "p" not found';

test.each([
  ['runs, for the second time', view(['running', 'exited'], running), 'c2', 'c1'],
  ['runs, for the first time', view(['running'], running), 'c1', none],
  ['waits after its second end', view(['exited', 'exited'], waiting), 'c2', 'c2'],
  ['waits after its first end', view(['exited'], waiting), 'c1', 'c1'],
  ['has ended for good', view(['exited', 'exited'], ended), 'c2', 'c1'],
  ['has not begun', view([], waiting), 'container "c" in pod "p" is waiting to start: CrashLoopBackOff', none],
])('a container that %s', (_, kubelet, current, previous) => {
  const found = (isPrevious: boolean) => {
    const result = findContainer(kubelet, 'a', 'p', '', isPrevious);
    return typeof result === 'string' ? result : result.id;
  };
  expect([found(false), found(true)]).toEqual([current, previous]);
});

test('simulated pods have no logs, and say so; what is not there is not found', () => {
  expect(findContainer(view(['running'], running, ''), 'a', 'p', 'c')).toMatch(/^pods are simulated on this node/);
  expect(findContainer(view([], running), 'a', 'other', 'c')).toBe('pod "other" not found in namespace "a"');
});
