// Runs the probes of the containers that run, each on its own period, and keeps their verdicts.
import type { Container, Pod, Probe } from '@drydock/api/generated/types.ts';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { ContainerDetail } from '../engine/engine.ts';
import type { HandlerResult, HandlerRunner } from './handlers.ts';
import { initialProbeState, type ProbeKind, type ProbeState, probeStep } from './probe-state.ts';

interface Probed {
  readonly podUid: string;
  readonly container: Container;
  readonly id: string;
  readonly probes: Map<ProbeKind, { readonly spec: Probe; state: ProbeState; timer: Timer | undefined }>;
  pod: Pod;
  podIp: string;
  stopped: boolean;
}

export interface ProberPorts {
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly handlers: HandlerRunner;
  /** A verdict has changed. */
  readonly changed: (podUid: string) => void;
  /** What a probe has found, for the event. */
  readonly said: (pod: Pod, container: string, reason: string, message: string) => void;
}

function periodMsOf(spec: Probe): number {
  return (spec.periodSeconds ?? 10) * 1000;
}

const title: Record<ProbeKind, string> = { liveness: 'Liveness', readiness: 'Readiness', startup: 'Startup' };

/** The event of a result; undefined where there is nothing to say. */
function eventOf(kind: ProbeKind, result: HandlerResult): { reason: string; message: string } | undefined {
  const { success, unknown, output, warning } = result;
  if (warning !== undefined) return { reason: warning.reason, message: `${title[kind]} probe warning: ${warning.message}` };
  if (unknown === true)
    return { reason: 'Unhealthy', message: `${title[kind]} probe errored and resulted in unknown state: ${output}` };
  return success ? undefined : { reason: 'Unhealthy', message: `${title[kind]} probe failed: ${output}` };
}

export class Prober {
  readonly #ports: ProberPorts;
  readonly #probed = new Map<string, Probed>();
  readonly #startedAtMs: number;

  constructor(ports: ProberPorts) {
    this.#ports = ports;
    this.#startedAtMs = ports.clock.monotonicMs();
  }

  /**
   * Starts probing a running container; once per container. `said`: what the apiserver has of this very container, which a
   * restarted kubelet goes on from, so that its restart makes no pod unready.
   */
  add(
    pod: Pod,
    container: Container,
    running: ContainerDetail,
    podIp: string,
    said?: { ready: boolean; started: boolean },
  ): void {
    const known = this.#probed.get(running.id);
    if (known !== undefined) {
      known.pod = pod;
      known.podIp = podIp;
      return;
    }
    const probed: Probed = {
      podUid: pod.metadata?.uid ?? '',
      container,
      id: running.id,
      probes: new Map(),
      pod,
      podIp,
      stopped: false,
    };
    this.#probed.set(running.id, probed);
    const specs: [ProbeKind, Probe | undefined][] = [
      ['startup', container.startupProbe],
      ['liveness', container.livenessProbe],
      ['readiness', container.readinessProbe],
    ];
    const ageMs = this.#ports.clock.wallMs() - running.startedAtMs;
    for (const [kind, spec] of specs) {
      if (spec === undefined) continue;
      const passed = kind === 'startup' ? said?.started : kind === 'readiness' ? said?.ready : undefined;
      const initial = initialProbeState(kind);
      probed.probes.set(kind, { spec, state: { ...initial, passing: passed ?? initial.passing }, timer: undefined });
      const delayMs = Math.max(0, (spec.initialDelaySeconds ?? 0) * 1000 - ageMs);
      this.#schedule(probed, kind, Math.max(delayMs, this.#scatterMs(spec)));
    }
  }

  /** A kubelet that has just started takes up many containers at once: each waits for a part of its own period. */
  #scatterMs(spec: Probe): number {
    const { clock, random } = this.#ports;
    const periodMs = periodMsOf(spec);
    return clock.monotonicMs() - this.#startedAtMs < periodMs ? random.next() * periodMs : 0;
  }

  /** Ends the probes of containers of that pod that are not in `running`. */
  keep(podUid: string, running: ReadonlySet<string>): void {
    for (const [id, probed] of this.#probed) {
      if (probed.podUid !== podUid || running.has(id)) continue;
      probed.stopped = true;
      for (const { timer } of probed.probes.values()) timer?.cancel();
      this.#probed.delete(id);
    }
  }

  started(id: string): boolean {
    return this.#state(id, 'startup')?.passing ?? true;
  }

  ready(id: string): boolean {
    return this.#state(id, 'readiness')?.passing ?? true;
  }

  unhealthy(): Map<string, 'liveness' | 'startup'> {
    const result = new Map<string, 'liveness' | 'startup'>();
    for (const [id, { probes }] of this.#probed) {
      if (probes.get('startup')?.state.failed === true) result.set(id, 'startup');
      else if (probes.get('liveness')?.state.failed === true) result.set(id, 'liveness');
    }
    return result;
  }

  #state(id: string, kind: ProbeKind): ProbeState | undefined {
    return this.#probed.get(id)?.probes.get(kind)?.state;
  }

  #schedule(probed: Probed, kind: ProbeKind, delayMs: number): void {
    const probe = probed.probes.get(kind);
    if (probe === undefined || probed.stopped) return;
    probe.timer = this.#ports.clock.timer(delayMs, () => {
      void this.#probe(probed, kind);
    });
  }

  async #probe(probed: Probed, kind: ProbeKind): Promise<void> {
    const probe = probed.probes.get(kind);
    if (probe === undefined || probed.stopped) return;
    const periodMs = periodMsOf(probe.spec);
    const gated = kind === 'startup' ? probe.state.passing : !this.started(probed.id);
    if (kind === 'startup' && probe.state.passing) return;
    if (!gated) {
      const { container, id, podIp } = probed;
      const result = await this.#ports.handlers.run(probe.spec, {
        container,
        containerId: id,
        podIp,
        timeoutSeconds: probe.spec.timeoutSeconds ?? 1,
      });
      if (probed.stopped) return;
      const before = probe.state;
      if (result.unknown !== true) probe.state = probeStep(before, probe.spec, result.success);
      const event = eventOf(kind, result);
      if (event !== undefined) this.#ports.said(probed.pod, container.name, event.reason, event.message);
      if (before.passing !== probe.state.passing || before.failed !== probe.state.failed) this.#ports.changed(probed.podUid);
      // The container is to end: it is asked nothing more (worker.onHold).
      if (kind !== 'readiness' && probe.state.failed) return;
    }
    this.#schedule(probed, kind, gated ? Math.min(periodMs, 1000) : periodMs);
  }
}
