// What is refused before anything of a pod is made.
import type { Pod } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { nothingObserved } from './observation.ts';
import type { PodActions } from './plan-pod.ts';
import { type ActorPorts, PodActor } from './pod-actor.ts';

function world(spec: Partial<NonNullable<Pod['spec']>>) {
  const events: string[] = [];
  const made: string[] = [];
  const pod: Pod = { metadata: { name: 'p', namespace: 'n', uid: 'u' }, spec: { containers: [{ name: 'c' }], ...spec } };
  const ports = {
    engine: { runSandbox: async (_: object, handler: string) => void made.push(handler) },
    runtime: {
      event: (_: Pod, type: string, reason: string, message: string) => void events.push(`${type} ${reason} ${message}`),
    },
    runtimeHandler: async (name: string) => name && 'gvisor',
    sandboxGate: { run: (work: () => Promise<string>) => work() },
    observe: async () => nothingObserved,
    references: { follow: async () => {} },
    tokens: { prepare: async () => () => '' },
    volumes: { prepare: async () => new Map() },
    settings: {
      clusterDomain: '',
      clusterDns: [],
      hostDns: { servers: [], searches: [], options: [] },
      podLogsDir: '/logs',
    },
  } as unknown as ActorPorts;
  const state = { pod, observed: nothingObserved, problems: new Map(), ending: new AbortController() };
  const actor = new PodActor(ports, state, () => {});
  const actions = { killPod: false, createSandbox: 0, kill: [], start: [] } as unknown as PodActions;
  return { events, made, act: () => actor.act(actions) };
}

test.each([
  ['', {}],
  ['gvisor', { runtimeClassName: 'safe' }],
])('a pod that is to have users of its own (handler "%s") gets no sandbox with those of the node', async (handler, more) => {
  const { events, made, act } = world({ hostUsers: false, ...more });
  const message = `RuntimeClass handler "${handler}" does not support user namespaces`;
  await expect(act()).rejects.toThrow(message);
  expect(made).toEqual([]);
  expect(events).toEqual([`Warning FailedCreatePodSandBox Failed to create pod sandbox: ${message}`]);
});

test.each([true, undefined])('hostUsers %s is the users of the node', async (hostUsers) => {
  const { made, act } = world({ hostUsers });
  await act();
  expect(made).toEqual(['']);
});
