// Publishes the addresses in the status of every Ingress of ours: the driver of status.ts. Only who leads writes.
import type { Ingress, IngressLoadBalancerIngress } from '@drydock/api/generated/types.ts';
import { ingresses } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { ingressKey, planStatus } from './status.ts';

export interface StatusWriterOptions {
  /** Writes under the leadership only. */
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Looked at so often, whatever happens. */
  readonly everyMs: number;
  readonly ours: () => readonly Ingress[];
  readonly others: () => readonly Ingress[];
  readonly addresses: () => readonly IngressLoadBalancerIngress[];
}

const gatherMs = 100;

/** One for each time of leading. */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #published = new Set<string>();
  #timer: Timer | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.trigger();
  }

  trigger(): void {
    this.#again = this.#running !== undefined;
    if (!this.#again) this.#schedule(gatherMs);
  }

  /** No further write begins. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  /** Takes the addresses back from every Ingress of ours, at the end. */
  async withdraw(): Promise<void> {
    const { ours } = this.#options;
    await this.#write(planStatus(ours(), [], new Set(), []));
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.timer(delayMs, () => {
      const { ours, others, addresses, everyMs } = this.#options;
      this.#running = this.#write(planStatus(ours(), others(), this.#published, addresses())).finally(() => {
        this.#running = undefined;
        this.#schedule(this.#again ? gatherMs : everyMs);
        this.#again = false;
      });
    });
  }

  async #write(writes: ReturnType<typeof planStatus>): Promise<void> {
    const { client, log, ours } = this.#options;
    for (const { ingress, addresses } of writes) {
      const key = ingressKey(ingress);
      const status = { loadBalancer: addresses.length === 0 ? {} : { ingress: [...addresses] } };
      try {
        // Whole, as ingress-nginx writes it: its manifests give the right to update, not to patch.
        await client.update<Ingress>(ingresses, { ...ingress, status }, { subresource: 'status' });
        if (addresses.length > 0) this.#published.add(key);
        else this.#published.delete(key);
      } catch (err) {
        // It has changed, and is looked at again because of that.
        if (hasReason(err, 'Conflict') || hasReason(err, 'NotFound')) continue;
        log.warn({ err, ingress: key }, 'the status was not written');
      }
    }
    for (const ingress of ours())
      if ((ingress.status?.loadBalancer?.ingress ?? []).length > 0) this.#published.add(ingressKey(ingress));
  }
}
