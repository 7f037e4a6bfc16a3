import type { Pod, PodSpec, PodStatus } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import type { ContainerDetail } from '../engine/engine.ts';
import { podStatus, type StatusInput } from './pod-status.ts';

function container(name: string, more: Partial<ContainerDetail> = {}): ContainerDetail {
  return {
    id: `id-${name}`,
    sandboxId: 's0',
    podUid: 'u',
    name,
    attempt: 0,
    state: 'running',
    createdAtMs: 2000,
    labels: {},
    annotations: {},
    startedAtMs: 3000,
    finishedAtMs: 0,
    exitCode: 0,
    reason: '',
    message: '',
    image: 'i',
    imageRef: 'r',
    logPath: '',
    ...more,
  };
}
const exited = (name: string, exitCode: number, attempt = 0) =>
  container(name, { state: 'exited', exitCode, attempt, finishedAtMs: 4000 });

interface Case {
  readonly spec?: Partial<PodSpec>;
  readonly containers?: ContainerDetail[];
  readonly more?: Partial<StatusInput>;
  readonly status?: PodStatus;
  readonly phase: string;
  /** Ready, Initialized, ContainersReady as T or F, in this order. */
  readonly verdicts?: string;
  /** The states of all containers by name. */
  readonly states?: Record<string, string>;
}

const init = { initContainers: [{ name: 'i' }] };
const sidecar = { initContainers: [{ name: 'i', restartPolicy: 'Always' }] };
const never = { restartPolicy: 'Never' };
const crash = new Map([['a', { reason: 'CrashLoopBackOff', message: 'back-off' }]]);

const cases: Record<string, Case> = {
  'nothing yet': { phase: 'Pending', verdicts: 'FTF', states: { a: 'ContainerCreating' } },
  runs: { containers: [container('a')], phase: 'Running', verdicts: 'TTT', states: { a: 'running' } },
  'runs, not ready': { containers: [container('a')], more: { ready: () => false }, phase: 'Running', verdicts: 'FTF' },
  'runs, not started': { containers: [container('a')], more: { started: () => false }, phase: 'Running', verdicts: 'FTF' },
  'ended well, never restarted': {
    spec: never,
    containers: [exited('a', 0)],
    phase: 'Succeeded',
    verdicts: 'FTF',
    states: { a: 'Completed' },
  },
  'ended badly, never restarted': { spec: never, containers: [exited('a', 1)], phase: 'Failed', states: { a: 'Error' } },
  'ended badly, restarted': { containers: [exited('a', 1)], phase: 'Running' },
  'waits for a restart': {
    containers: [exited('a', 1)],
    more: { backedOff: crash },
    phase: 'Running',
    states: { a: 'CrashLoopBackOff' },
  },
  'init runs': {
    spec: init,
    containers: [container('i')],
    phase: 'Pending',
    verdicts: 'FFF',
    states: { i: 'running', a: 'PodInitializing' },
  },
  'init done': { spec: init, containers: [container('a'), exited('i', 0)], phase: 'Running', verdicts: 'TTT' },
  'init failed for good': { spec: { ...init, ...never }, containers: [exited('i', 1)], phase: 'Failed' },
  'init failed, tried again': { spec: init, containers: [exited('i', 1)], phase: 'Pending', verdicts: 'FFF' },
  'sidecar not ready': {
    spec: sidecar,
    containers: [container('a'), container('i')],
    more: { ready: (id) => id !== 'id-i' },
    phase: 'Running',
    verdicts: 'FTF',
  },
  'work done, sidecar still runs': {
    spec: { ...sidecar, ...never },
    containers: [exited('a', 0), container('i')],
    status: { phase: 'Running' },
    phase: 'Running',
  },
  'work done, sidecar ended': {
    spec: { ...sidecar, ...never },
    containers: [exited('a', 0), exited('i', 143)],
    phase: 'Succeeded',
  },
  'past its deadline, still running': {
    containers: [container('a')],
    more: { failure: { reason: 'DeadlineExceeded', message: 'm' } },
    status: { phase: 'Running' },
    phase: 'Running',
  },
  'past its deadline, ended': {
    containers: [exited('a', 0)],
    more: { failure: { reason: 'DeadlineExceeded', message: 'm' } },
    phase: 'Failed',
  },
  'an end stays an end': { containers: [container('a')], status: { phase: 'Succeeded' }, phase: 'Succeeded' },
  'closed gate': {
    spec: { readinessGates: [{ conditionType: 'g' }] },
    containers: [container('a')],
    phase: 'Running',
    verdicts: 'FTT',
  },
  'open gate': {
    spec: { readinessGates: [{ conditionType: 'g' }] },
    containers: [container('a')],
    status: { conditions: [{ type: 'g', status: 'True' }] },
    phase: 'Running',
    verdicts: 'TTT',
  },
  'ephemeral beside it': {
    spec: { ephemeralContainers: [{ name: 'e' }] },
    containers: [container('a'), exited('e', 1)],
    phase: 'Running',
    verdicts: 'TTT',
    states: { a: 'running', e: 'Error' },
  },
  'lost while it ended': {
    status: {
      containerStatuses: [
        { name: 'a', image: 'i', imageID: '', ready: true, restartCount: 2, containerID: 'x://1', state: { running: {} } },
      ],
    },
    more: { finished: true },
    phase: 'Failed',
    states: { a: 'ContainerStatusUnknown' },
  },
};

test.each(Object.entries(cases))('%s', (_, { spec, containers = [], more, status, phase, verdicts, states }) => {
  const pod: Pod = { metadata: { uid: 'u' }, spec: { containers: [{ name: 'a' }], ...spec } as PodSpec, status };
  const sandbox = {
    id: 's0',
    podUid: 'u',
    podName: 'p',
    podNamespace: 'd',
    attempt: 0,
    ready: true,
    createdAtMs: 1,
    annotations: {},
  };
  const result = podStatus({
    pod,
    observed: { sandboxes: containers.length > 0 ? [sandbox] : [], containers, ips: containers.length > 0 ? ['10.0.0.2'] : [] },
    engineName: 'x',
    hostIp: '10.0.0.1',
    nowMs: 10_000,
    startTimeMs: 1000,
    problems: new Map(),
    backedOff: new Map(),
    ready: () => true,
    started: () => true,
    terminationMessage: () => '',
    failure: undefined,
    finished: false,
    ...more,
  });
  expect(result.phase).toBe(phase);
  const verdict = (type: string) => result.conditions?.find((each) => each.type === type)?.status?.[0];
  if (verdicts !== undefined) expect(['Ready', 'Initialized', 'ContainersReady'].map(verdict).join('')).toBe(verdicts);
  const all = [
    ...(result.initContainerStatuses ?? []),
    ...(result.containerStatuses ?? []),
    ...(result.ephemeralContainerStatuses ?? []),
  ];
  const text = (name: string) => {
    const state = all.find((each) => each.name === name)?.state;
    return state?.running !== undefined ? 'running' : (state?.terminated?.reason ?? state?.waiting?.reason);
  };
  for (const [name, expected] of Object.entries(states ?? {})) expect([name, text(name)]).toEqual([name, expected]);
});

test('of a pod that the node has not taken only the refusal is said: kubectl shows its reason', () => {
  const pod: Pod = {
    metadata: { name: 'p', generation: 1 },
    spec: { containers: [{ name: 'a' }], initContainers: [{ name: 'i' }] },
    status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] },
  };
  const status = podStatus({
    pod,
    observed: { sandboxes: [], containers: [], ips: [] } as unknown as StatusInput['observed'],
    engineName: 'e',
    hostIp: '1.2.3.4',
    nowMs: 0,
    startTimeMs: 0,
    problems: new Map(),
    backedOff: new Map(),
    ready: () => false,
    started: () => false,
    terminationMessage: () => '',
    failure: { reason: 'OutOfcpu', message: 'Pod was rejected: m' },
    rejected: true,
    finished: true,
  });
  expect(status).toEqual({
    observedGeneration: 1,
    phase: 'Failed',
    reason: 'OutOfcpu',
    message: 'Pod was rejected: m',
    qosClass: 'BestEffort',
    startTime: '1970-01-01T00:00:00Z',
    conditions: [{ type: 'PodScheduled', status: 'True' }],
  });
});
