import type { Container, Pod, Probe } from '@drydock/api/generated/types.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import type { ContainerDetail } from '../engine/engine.ts';
import type { HandlerResult } from './handlers.ts';
import { Prober } from './prober.ts';

const pod: Pod = { metadata: { name: 'p', namespace: 'ns', uid: 'u' }, spec: { containers: [{ name: 'c' }] } };
const well: HandlerResult = { success: true, output: '' };

class Rig {
  readonly clock = new VirtualClock();
  readonly asked: number[] = [];
  readonly events: string[] = [];
  changes = 0;
  answer: HandlerResult = well;
  readonly prober: Prober;

  constructor(float = 0.5) {
    const random = { next: () => float } as RandomStream;
    const run = async () => {
      this.asked.push(this.clock.monotonicMs() / 1000);
      return this.answer;
    };
    this.prober = new Prober({
      clock: this.clock,
      random,
      handlers: { run },
      changed: () => void this.changes++,
      said: (_, container, reason, message) => void this.events.push(`${container} ${reason} ${message}`),
    });
  }

  add(container: Partial<Container>, ageMs = 0): void {
    const running = { id: 'id', startedAtMs: this.clock.wallMs() - ageMs } as ContainerDetail;
    this.prober.add(pod, { name: 'c', ...container }, running, '10.0.0.1');
  }

  async seconds(count: number): Promise<void> {
    for (let index = 0; index < count * 2; index++) await this.clock.advance(500);
  }
}

const every = (periodSeconds: number, more: Partial<Probe> = {}): Probe => ({ periodSeconds, ...more });

test('a kubelet that has just started scatters its probes over their period', async () => {
  const rig = new Rig(0.25);
  rig.add({ readinessProbe: every(20) }, 100_000);
  await rig.seconds(26);
  expect(rig.asked).toEqual([5, 25]);
});

test('later ones begin at once, and those with a delay after it', async () => {
  const rig = new Rig(0.9);
  await rig.seconds(20);
  rig.add({ readinessProbe: every(10, { initialDelaySeconds: 3 }) }, 1000);
  await rig.seconds(13);
  expect(rig.asked).toEqual([22, 32]);
});

test('a container that is to end for its probe is asked nothing more', async () => {
  const rig = new Rig(0);
  rig.answer = { success: false, output: 'no' };
  rig.add({ livenessProbe: every(1, { failureThreshold: 2 }) });
  await rig.seconds(10);
  expect(rig.asked).toHaveLength(2);
  expect(rig.prober.unhealthy()).toEqual(new Map([['id', 'liveness']]));
  expect(rig.events).toEqual(Array(2).fill('c Unhealthy Liveness probe failed: no'));
});

test('what learns nothing counts neither way, is said, and goes on', async () => {
  const rig = new Rig(0);
  rig.add({ readinessProbe: every(1) });
  await rig.seconds(2);
  rig.answer = { success: false, output: 'no end', unknown: true };
  await rig.seconds(20);
  expect(rig.prober.ready('id')).toBe(true);
  expect(rig.changes).toBe(1);
  expect(rig.asked.length).toBeGreaterThan(20);
  expect(rig.events[0]).toBe('c Unhealthy Readiness probe errored and resulted in unknown state: no end');
});

test('a warning is a success that is said', async () => {
  const rig = new Rig(0);
  rig.answer = { ...well, warning: { reason: 'ProbeWarning', message: 'Probe terminated redirects, Response body: x' } };
  rig.add({ startupProbe: every(1) });
  await rig.seconds(3);
  expect(rig.prober.started('id')).toBe(true);
  expect(rig.events).toEqual(['c ProbeWarning Startup probe warning: Probe terminated redirects, Response body: x']);
});
