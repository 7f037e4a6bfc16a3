import type { Pod } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import type { ContainerDetail, Sandbox } from '../engine/engine.ts';
import type { PodObservation } from './observation.ts';
import { planPod } from './plan-pod.ts';

const sandbox: Sandbox = {
  id: 's0',
  podUid: 'u',
  podName: 'p',
  podNamespace: 'd',
  attempt: 0,
  ready: true,
  createdAtMs: 1,
  annotations: {},
};

function container(name: string, state: ContainerDetail['state'], exitCode = 0): ContainerDetail {
  return {
    id: `id-${name}`,
    sandboxId: 's0',
    podUid: 'u',
    name,
    attempt: 0,
    state,
    createdAtMs: 2,
    labels: {},
    annotations: {},
    startedAtMs: 3,
    finishedAtMs: 4,
    exitCode,
    reason: '',
    message: '',
    image: '',
    imageRef: '',
    logPath: '',
  };
}

function plan(
  spec: Partial<NonNullable<Pod['spec']>>,
  containers: ContainerDetail[] | undefined,
  options: { backoffMs?: number; unhealthy?: string; started?: boolean } = {},
) {
  const pod: Pod = { metadata: { uid: 'u' }, spec: { containers: [{ name: 'a' }], ...spec } };
  const observed: PodObservation =
    containers === undefined
      ? { sandboxes: [], containers: [], ips: [] }
      : { sandboxes: [sandbox], containers, ips: ['10.0.0.1'] };
  const { killPod, createSandbox, kill, start, backedOff } = planPod({
    pod,
    observed,
    unhealthy: new Map(options.unhealthy === undefined ? [] : [[options.unhealthy, 'liveness']]),
    started: () => options.started !== false,
    backoffMs: () => options.backoffMs ?? 0,
    hashOf: () => '',
  });
  return { killPod, createSandbox, kill: kill.map(({ message }) => message), start, backedOff: [...backedOff.keys()] };
}

const nothing = { killPod: false, createSandbox: undefined, kill: [], start: [], backedOff: [] };
const init = { initContainers: [{ name: 'i' }] };
const ephemeral = { ephemeralContainers: [{ name: 'e' }] };
const sidecar = { initContainers: [{ name: 'i', restartPolicy: 'Always' }] };

test.each([
  ['a new pod gets a sandbox', plan({}, undefined), { ...nothing, createSandbox: 0, start: ['a'] }],
  ['init containers come first', plan(init, undefined), { ...nothing, createSandbox: 0, start: ['i'] }],
  ['what runs is left alone', plan({}, [container('a', 'running')]), nothing],
  ['a running init container is waited for', plan(init, [container('i', 'running')]), nothing],
  ['after init the others start', plan(init, [container('i', 'exited')]), { ...nothing, start: ['a'] }],
  ['a failed init container is tried again', plan(init, [container('i', 'exited', 1)]), { ...nothing, start: ['i'] }],
  [
    'unless the policy is Never',
    plan({ ...init, restartPolicy: 'Never' }, [container('i', 'exited', 1)]),
    { ...nothing, killPod: true },
  ],
  ['a sidecar that has not started holds the others', plan(sidecar, [container('i', 'running')], { started: false }), nothing],
  ['a sidecar that has started lets them go', plan(sidecar, [container('i', 'running')]), { ...nothing, start: ['a'] }],
  ['what has ended starts again', plan({}, [container('a', 'exited', 1)]), { ...nothing, start: ['a'] }],
  ['after its back-off', plan({}, [container('a', 'exited', 1)], { backoffMs: 5 }), { ...nothing, backedOff: ['a'] }],
  [
    'OnFailure: success is the end',
    plan({ restartPolicy: 'OnFailure' }, [container('a', 'exited')]),
    { ...nothing, killPod: true },
  ],
  [
    'a failed liveness probe kills',
    plan({}, [container('a', 'running')], { unhealthy: 'id-a' }),
    { ...nothing, kill: ['Container a failed liveness probe, will be restarted'] },
  ],
  [
    'created but never started: starts, by any policy',
    plan({ restartPolicy: 'Never' }, [container('a', 'created')]),
    { ...nothing, start: ['a'] },
  ],
  [
    'what nobody knows about is ended before another starts',
    plan({}, [container('a', 'unknown')]),
    { ...nothing, kill: ['Container is in unknown state, try killing it before restart'], start: ['a'] },
  ],
  ['an ephemeral container starts', plan(ephemeral, [container('a', 'running')]), { ...nothing, start: ['e'] }],
  ['and never again', plan(ephemeral, [container('a', 'running'), container('e', 'exited', 1)]), nothing],
])('%s', (_name, actual, expected) => {
  expect(actual).toEqual(expected);
});
