// One probe of one container as a state machine: pure (pkg/kubelet/prober/worker.go).
import type { Probe } from '@drydock/api/generated/types.ts';

export type ProbeKind = 'liveness' | 'readiness' | 'startup';

export interface ProbeState {
  /** The verdict: what the kubelet acts on. */
  readonly passing: boolean;
  readonly last: boolean | undefined;
  /** Results in a row that equal `last`. */
  readonly run: number;
  /** The failure threshold has been crossed since the last success. */
  readonly failed: boolean;
}

/** Before the first result a container is alive, but neither started nor ready. */
export function initialProbeState(kind: ProbeKind): ProbeState {
  return { passing: kind === 'liveness', last: undefined, run: 0, failed: false };
}

export function probeStep(state: ProbeState, spec: Probe, success: boolean): ProbeState {
  const run = state.last === success ? state.run + 1 : 1;
  const threshold = success ? (spec.successThreshold ?? 1) : (spec.failureThreshold ?? 3);
  if (run < threshold) return { ...state, last: success, run };
  return { passing: success, last: success, run, failed: !success };
}
