// Probes and hooks of pods that are simulated: behind their addresses is nobody to be asked, so everything that a pod promises holds.
import type { LifecycleHandler, Probe } from '@drydock/api/generated/types.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { HandlerResult, HandlerRunner } from './handlers.ts';

/** Every probe and hook succeeds at once; a hook that sleeps takes its time. */
export class SimulatedHandlers implements HandlerRunner {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async run(handler: Probe & LifecycleHandler): Promise<HandlerResult> {
    if (handler.sleep !== undefined) await this.#clock.sleep(handler.sleep.seconds * 1000);
    return { success: true, output: '' };
  }
}
