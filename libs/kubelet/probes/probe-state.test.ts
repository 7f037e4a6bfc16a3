import { expect, test } from 'vitest';
import { initialProbeState, probeStep } from './probe-state.ts';

test('verdicts change only at their thresholds', () => {
  const spec = { failureThreshold: 2, successThreshold: 2 };
  let state = initialProbeState('readiness');
  const seen = [true, true, false, true, false, false, true, true].map((success) => {
    state = probeStep(state, spec, success);
    return state.passing;
  });
  expect(seen).toEqual([false, true, true, true, true, false, false, true]);
});
