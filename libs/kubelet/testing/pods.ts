// Pods whose containers do what they are told (see `Behaviour`).
import type { Container, Pod } from '@drydock/api/generated/types.ts';
import type { Behaviour } from './process-engine.ts';

export const namespace = 'default';
export const nodeName = 'node-1';

export function container(name: string, behaviour: Behaviour = {}, more: Partial<Container> = {}): Container {
  return { name, image: 'app:1', args: [JSON.stringify(behaviour)], ...more };
}

export function sidecar(name: string, behaviour: Behaviour = {}, more: Partial<Container> = {}): Container {
  return container(name, behaviour, { restartPolicy: 'Always', ...more });
}

/** A pod that was bound to the node; grace of 10 s, an emptyDir and a config map. */
export function pod(name: string, containers: Container[], spec: Partial<NonNullable<Pod['spec']>> = {}): Pod {
  return {
    metadata: { name, namespace },
    spec: { nodeName, terminationGracePeriodSeconds: 10, volumes: [{ name: 'scratch', emptyDir: {} }], ...spec, containers },
  };
}

/** `exec` of a probe that the world decides. */
export function probe(name: string, more: object = {}): NonNullable<Container['livenessProbe']> {
  return { exec: { command: ['probe', name] }, periodSeconds: 5, failureThreshold: 1, ...more };
}

/** A preStop that takes its time. */
export function preStop(ms: number): NonNullable<Container['lifecycle']> {
  return { preStop: { exec: { command: ['preStop', String(ms)] } } };
}

export function postStart(ms: number, exitCode = 0): NonNullable<Container['lifecycle']> {
  return { postStart: { exec: { command: ['hook', String(ms), String(exitCode)] } } };
}
