// Drives conntrack-plan.ts: after what changed where UDP services are reached, and once a sync period for what slipped through
// between a transaction and the look at the flows.
import type { Log } from '@drydock/foundation/log.ts';
import { frontendsText, staleFlows, udpFrontends } from './conntrack-plan.ts';
import type { RuleSink } from './nft.ts';
import type { ServicePort } from './service-port.ts';

export class FlowCleaner {
  readonly #sink: Pick<RuleSink, 'udpFlows' | 'deleteFlows'>;
  readonly #log: Log;
  #looked = '';
  /** Where UDP services were reached since flows were last looked at with success. */
  #reached = new Set<string>();

  constructor(sink: Pick<RuleSink, 'udpFlows' | 'deleteFlows'>, log: Log) {
    this.#sink = sink;
    this.#log = log;
  }

  /** To be called after the rules of these ports are in place. `due`: also where nothing changed. Never rejects. */
  async clean(ports: readonly ServicePort[], nodePortIPs: readonly string[], due: boolean): Promise<void> {
    const frontends = udpFrontends(ports, nodePortIPs);
    const text = frontendsText(frontends);
    if (text === this.#looked && !due) return;
    for (const frontend of frontends.keys()) this.#reached.add(frontend);
    if (this.#reached.size === 0) return;
    try {
      const former = new Set([...this.#reached].filter((frontend) => !frontends.has(frontend)));
      const stale = staleFlows(await this.#sink.udpFlows(), frontends, former);
      if (stale.length > 0) {
        await this.#sink.deleteFlows(stale);
        this.#log.info({ groups: stale.length }, 'deleted stale UDP flows');
      }
      this.#looked = text;
      this.#reached = new Set(frontends.keys());
    } catch (err) {
      // What was not looked at stays known: the next sync or check does it.
      this.#log.warn({ err }, 'stale UDP flows could not be looked for');
    }
  }
}
