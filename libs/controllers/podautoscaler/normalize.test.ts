// Windows, policies and bounds, as upstream's normalizeDesiredReplicas and its kin have them.
import type { V2HorizontalPodAutoscalerBehavior, V2HPAScalingPolicy } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { firstHistory, type History, settled, withChange, withRecommendation } from './history.ts';
import { normalize } from './normalize.ts';
import { autoscaler, settings } from './testing.ts';

const nowMs = 10_000_000;
const seconds = 1000;

interface Given {
  readonly current: number;
  readonly desired: number;
  readonly behavior?: V2HorizontalPodAutoscalerBehavior;
  readonly history?: History;
  readonly min?: number;
  readonly max?: number;
}

function run({ current, desired, behavior, min = 1, max = 100, history = firstHistory(current, nowMs - 3_000_000) }: Given) {
  const spec = autoscaler({ maxReplicas: max, ...(behavior === undefined ? {} : { behavior }) }).spec;
  if (spec === undefined) throw new Error('no spec');
  const { replicas, able, limit, history: next } = normalize({ spec, current, desired, min, history, settings, nowMs });
  expect(next.recommendations.at(-1)).toEqual({ replicas: desired, atMs: nowMs });
  return [replicas, able.reason, limit.reason, limit.limited];
}

/** Recommended so many seconds ago. */
const recommended = (...list: [replicas: number, secondsAgo: number][]): History =>
  list.reduce<History>((history, [replicas, ago]) => withRecommendation(history, replicas, nowMs - ago * seconds), {
    ...firstHistory(0, nowMs),
    recommendations: [],
  });

const plain: [string, Given, (number | string | boolean)[]][] = [
  ['as it is', { current: 3, desired: 3 }, [3, 'ReadyForNewScale', 'DesiredWithinRange', false]],
  ['more', { current: 3, desired: 5 }, [5, 'ReadyForNewScale', 'DesiredWithinRange', false]],
  ['at most twice as many', { current: 3, desired: 50 }, [6, 'ReadyForNewScale', 'ScaleUpLimit', true]],
  ['at least four', { current: 1, desired: 50 }, [4, 'ReadyForNewScale', 'ScaleUpLimit', true]],
  ['too many', { current: 60, desired: 200 }, [100, 'ReadyForNewScale', 'TooManyReplicas', true]],
  ['too few', { current: 5, desired: 1, min: 2 }, [2, 'ReadyForNewScale', 'TooFewReplicas', true]],
  ['fewer at once, with nothing remembered', { current: 5, desired: 3 }, [3, 'ReadyForNewScale', 'DesiredWithinRange', false]],
  [
    'the highest of the last five minutes',
    { current: 5, desired: 1, history: recommended([9, 301], [4, 200], [3, 10]) },
    [4, 'ScaleDownStabilized', 'DesiredWithinRange', false],
  ],
];
test.each(plain)('without a behavior: %s', (_, given, wanted) => {
  expect(run(given)).toEqual(wanted);
});

const pods = (value: number, periodSeconds = 60): V2HPAScalingPolicy => ({ type: 'Pods', value, periodSeconds });
const percent = (value: number, periodSeconds = 60): V2HPAScalingPolicy => ({ type: 'Percent', value, periodSeconds });
/** So many pods more (or fewer, where negative) so many seconds ago. */
const changed = (...list: [by: number, secondsAgo: number][]): History =>
  list.reduce<History>((history, [by, ago]) => withChange(history, 100, 100 + by, nowMs - ago * seconds), {
    ...firstHistory(0, nowMs),
    recommendations: [],
  });

const ruled: [string, Given, (number | string | boolean)[]][] = [
  ['the default ways up: four more', { current: 2, desired: 50, behavior: {} }, [6, 'ReadyForNewScale', 'ScaleUpLimit', true]],
  ['or twice as many', { current: 10, desired: 50, behavior: {} }, [20, 'ReadyForNewScale', 'ScaleUpLimit', true]],
  [
    'the default way down: after five minutes all at once',
    { current: 10, desired: 1, behavior: {} },
    [1, 'ReadyForNewScale', 'DesiredWithinRange', false],
  ],
  [
    'the smallest change',
    { current: 10, desired: 50, behavior: { scaleUp: { selectPolicy: 'Min', policies: [pods(2), percent(100)] } } },
    [12, 'ReadyForNewScale', 'ScaleUpLimit', true],
  ],
  [
    'not up',
    { current: 10, desired: 50, behavior: { scaleUp: { selectPolicy: 'Disabled' } } },
    [10, 'ReadyForNewScale', 'ScaleUpLimit', true],
  ],
  [
    'not down',
    { current: 10, desired: 5, behavior: { scaleDown: { selectPolicy: 'Disabled' } } },
    [10, 'ReadyForNewScale', 'ScaleDownLimit', true],
  ],
  [
    'what went up before counts for its period',
    { current: 10, desired: 50, behavior: { scaleUp: { policies: [pods(4)] } }, history: changed([3, 30], [5, 61]) },
    [11, 'ReadyForNewScale', 'ScaleUpLimit', true],
  ],
  [
    'more than allowed went up before',
    { current: 10, desired: 50, behavior: { scaleUp: { policies: [pods(1)] } }, history: changed([3, 30]) },
    [10, 'ReadyForNewScale', 'ScaleUpLimit', true],
  ],
  [
    'what went down in between counts against it',
    { current: 10, desired: 50, behavior: { scaleUp: { policies: [pods(4)] } }, history: changed([3, 30], [-2, 20]) },
    [13, 'ReadyForNewScale', 'ScaleUpLimit', true],
  ],
  [
    'a share is rounded up',
    { current: 11, desired: 50, behavior: { scaleUp: { policies: [percent(10)] } } },
    [13, 'ReadyForNewScale', 'ScaleUpLimit', true],
  ],
  [
    'a share down, rounded down',
    { current: 11, desired: 1, behavior: { scaleDown: { stabilizationWindowSeconds: 0, policies: [percent(10)] } } },
    [9, 'ReadyForNewScale', 'ScaleDownLimit', true],
  ],
  [
    'the largest change down',
    { current: 20, desired: 1, behavior: { scaleDown: { policies: [pods(3), percent(50)] } } },
    [10, 'ReadyForNewScale', 'ScaleDownLimit', true],
  ],
  [
    'the smallest change down',
    { current: 20, desired: 1, behavior: { scaleDown: { selectPolicy: 'Min', policies: [pods(3), percent(50)] } } },
    [17, 'ReadyForNewScale', 'ScaleDownLimit', true],
  ],
  ['too many', { current: 9, desired: 50, max: 10, behavior: {} }, [10, 'ReadyForNewScale', 'TooManyReplicas', true]],
  ['too few', { current: 9, desired: 1, min: 3, behavior: {} }, [3, 'ReadyForNewScale', 'TooFewReplicas', true]],
  [
    'up, the lowest of its window',
    {
      current: 3,
      desired: 9,
      behavior: { scaleUp: { stabilizationWindowSeconds: 60 } },
      history: recommended([2, 61], [5, 50], [7, 10]),
    },
    [5, 'ScaleUpStabilized', 'DesiredWithinRange', false],
  ],
  [
    'down, the highest of its window',
    {
      current: 9,
      desired: 2,
      behavior: { scaleDown: { stabilizationWindowSeconds: 60 } },
      history: recommended([8, 61], [5, 50], [3, 10]),
    },
    [5, 'ScaleDownStabilized', 'DesiredWithinRange', false],
  ],
  [
    'down, the window of the flag',
    { current: 9, desired: 2, behavior: { scaleDown: {} }, history: recommended([8, 301], [6, 299]) },
    [6, 'ScaleDownStabilized', 'DesiredWithinRange', false],
  ],
];
test.each(ruled)('with a behavior: %s', (_, given, wanted) => {
  expect(run(given)).toEqual(wanted);
});

test('a change whose answer was lost counts once it is seen, from when it was asked for', () => {
  const unknown = { from: 2, to: 6, atMs: nowMs - 20 * seconds };
  const history = { ...firstHistory(2, nowMs), unknown };
  expect(settled(history, 6).ups).toEqual([{ by: 4, atMs: unknown.atMs }]);
  expect(settled(history, 2)).toEqual({ ...history, unknown: undefined });
});

test('what is older than any window may be is forgotten', () => {
  const old = withChange(withRecommendation(firstHistory(1, 0), 2, 1), 1, 2, 1);
  const next = withChange(withRecommendation(old, 3, 3_700_000), 2, 1, 3_700_000);
  expect(next.recommendations).toEqual([{ replicas: 3, atMs: 3_700_000 }]);
  expect(withChange(next, 1, 2, 3_700_001).ups).toEqual([{ by: 1, atMs: 3_700_001 }]);
});
