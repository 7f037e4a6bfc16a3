// Keeps the data plane at what the objects say: endpoints at once, reloads no more often than they may come, and one Ingress that the
// data plane refuses is found and left out instead of holding up all others.
import type { Ingress } from '@drydock/api/generated/types.ts';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { DataPlane, DataPlaneContent } from './data-plane.ts';
import { nameText, type RoutingPlan } from './model.ts';
import { ingressKey } from './status.ts';

export interface Made {
  readonly plan: RoutingPlan;
  readonly content: DataPlaneContent;
  readonly generation: string;
}

export interface SyncerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly plane: DataPlane;
  /** The least time between two reloads, in milliseconds. */
  readonly reloadEveryMs: number;
  /** The Ingresses that are this controller's now. */
  readonly ingresses: () => readonly Ingress[];
  /** Plans these, leaving out what is refused. */
  readonly make: (ingresses: readonly Ingress[], refused: ReadonlyMap<string, string>) => Made;
  /** What decides how an Ingress is served: one that was refused is tried again when this is another. */
  readonly basisOf: (ingress: Ingress) => string;
  /** After every sync. */
  readonly onSynced: (made: Made) => void;
  /** After a reload, or the failure of one. */
  readonly onReload: (failed: boolean) => void;
  readonly onCheck: (failed: boolean) => void;
}

/** Changes that come together are taken together. */
const gatherMs = 20;
const retryMinMs = 1_000;
const retryMaxMs = 30_000;
/** Planning takes at most this part of the time. */
const planningShare = 4;

export class Syncer {
  readonly #options: SyncerOptions;
  #timer: Timer | undefined;
  #dueMs = 0;
  #running: Promise<void> | undefined;
  #dirty = false;
  #stopped = false;
  #served: { readonly generation: string; readonly backends: string } | undefined;
  #nextReloadMs = Number.NEGATIVE_INFINITY;
  #nextPlanMs = Number.NEGATIVE_INFINITY;
  #retryMs = retryMinMs;
  /** By Ingress: what decided how it would be served when it was refused, and with which words. */
  readonly #refused = new Map<string, { readonly basis: string; readonly words: string }>();
  #made: Made | undefined;

  constructor(options: SyncerOptions) {
    this.#options = options;
  }

  /** What is served; undefined before the first sync. */
  get made(): Made | undefined {
    return this.#made;
  }

  /** Something changed. */
  trigger(): void {
    this.#dirty = true;
    this.#schedule(gatherMs);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  #schedule(delayMs: number): void {
    if (this.#stopped || this.#running !== undefined) return;
    const nowMs = this.#options.clock.monotonicMs();
    const dueMs = Math.max(nowMs + delayMs, this.#nextPlanMs);
    // A reload that must wait does not make a change of endpoints wait.
    if (this.#timer !== undefined && this.#dueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = this.#options.clock.timer(dueMs - nowMs, () => {
      this.#timer = undefined;
      this.#dirty = false;
      let again: number | undefined;
      this.#running = this.#sync()
        .then((waitMs) => {
          again = waitMs;
          this.#retryMs = retryMinMs;
        })
        .catch((err) => {
          this.#options.log.error({ err, retryInMs: this.#retryMs }, 'the data plane was not brought up to date');
          again = this.#retryMs;
          this.#retryMs = Math.min(this.#retryMs * 2, retryMaxMs);
        })
        .finally(() => {
          this.#running = undefined;
          if (this.#dirty) this.#schedule(gatherMs);
          else if (again !== undefined) this.#schedule(again);
        });
    });
  }

  /** Resolves with when it must be looked at again although nothing changed; undefined where it need not be. */
  async #sync(): Promise<number | undefined> {
    const { clock, ingresses, plane, onSynced } = this.#options;
    const startedMs = clock.monotonicMs();
    const all = ingresses();
    this.#forgetChanged(all);
    const first = this.#tried(all, this.refused());
    this.#nextPlanMs = clock.monotonicMs() + (clock.monotonicMs() - startedMs) * (planningShare - 1);
    if (typeof first !== 'string' && this.#served?.generation === first.generation) {
      await this.#backends(first);
      this.#made = first;
      onSynced(first);
      return undefined;
    }
    const waitMs = this.#nextReloadMs - clock.monotonicMs();
    if (waitMs > 0) {
      // Endpoints do not wait for the reload that something else needs.
      if (this.#served !== undefined && typeof first !== 'string') await this.#backends(first);
      return waitMs;
    }
    const made = await this.#sound(all, first);
    this.#nextReloadMs = clock.monotonicMs() + this.#options.reloadEveryMs;
    await plane.apply(made.content, made.generation);
    this.#served = { generation: made.generation, backends: made.content.backends };
    this.#made = made;
    const unhealthy = plane.unhealthy();
    this.#options.onReload(unhealthy !== undefined);
    onSynced(made);
    return undefined;
  }

  async #backends({ content: { backends } }: Made): Promise<void> {
    if (this.#served === undefined || this.#served.backends === backends) return;
    await this.#options.plane.applyBackends(backends);
    this.#served = { ...this.#served, backends };
  }

  /** The plan, or why there is none: what one Ingress says may not hold up the others even where it should never have got so far. */
  #tried(ingresses: readonly Ingress[], refused: ReadonlyMap<string, string>): Made | string {
    try {
      return this.#options.make(ingresses, refused);
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** The plan without what the data plane refuses. Rejects where it refuses even a plan of nothing. */
  async #sound(all: readonly Ingress[], first: Made | string): Promise<Made> {
    const { basisOf, log } = this.#options;
    const words = await this.#check(first);
    if (words === undefined && typeof first !== 'string') return first;
    const empty = await this.#check(this.#tried([], new Map()));
    if (empty !== undefined) throw new Error(empty);
    for (const { ingress, said } of await this.#culprits(all.filter((ingress) => !this.#refused.has(ingressKey(ingress))))) {
      log.warn({ ingress: ingressKey(ingress), said }, 'an Ingress is left out: the data plane refuses it');
      this.#refused.set(ingressKey(ingress), { basis: basisOf(ingress), words: said });
    }
    const rest = this.#tried(all, this.refused());
    const still = await this.#check(rest);
    if (still !== undefined || typeof rest === 'string') throw new Error(still);
    return rest;
  }

  /** Those that cannot be served, found by halves: one of a thousand takes twenty tests. */
  async #culprits(suspects: readonly Ingress[]): Promise<{ ingress: Ingress; said: string }[]> {
    const [first] = suspects;
    if (first === undefined) return [];
    const said = await this.#check(this.#tried(suspects, new Map()));
    if (said === undefined) return [];
    if (suspects.length === 1) return [{ ingress: first, said: inShort(said) }];
    const middle = Math.ceil(suspects.length / 2);
    return [...(await this.#culprits(suspects.slice(0, middle))), ...(await this.#culprits(suspects.slice(middle)))];
  }

  async #check(made: Made | string): Promise<string | undefined> {
    const words = typeof made === 'string' ? made : await this.#options.plane.check(made.content);
    this.#options.onCheck(words !== undefined);
    return words;
  }

  #forgetChanged(all: readonly Ingress[]): void {
    for (const [key, { basis }] of this.#refused) {
      const ingress = all.find((candidate) => ingressKey(candidate) === key);
      if (ingress === undefined || this.#options.basisOf(ingress) !== basis) this.#refused.delete(key);
    }
  }

  /** Ingresses that are left out at present, and why. */
  refused(): ReadonlyMap<string, string> {
    return new Map([...this.#refused].map(([key, { words }]) => [key, words]));
  }
}

/** What of an Ingress decides how it is served. */
export function whatItSays({ metadata, spec }: Ingress): string {
  return JSON.stringify([metadata?.annotations ?? {}, spec]);
}

/** nginx's own complaint, without time, number and file. */
function inShort(words: string): string {
  const line = words.split('\n').find((text) => text.includes('[emerg]')) ?? words.split('\n')[0] ?? '';
  return line.replace(/^.*\[emerg\] (?:\d+#\d+: )?/, '').replace(/ in \S+:\d+$/, '');
}

/** Problems of a plan by Ingress. */
export function problemsByIngress(plan: RoutingPlan): Map<string, { reason: string; message: string }[]> {
  const found = new Map<string, { reason: string; message: string }[]>();
  for (const { ingress, reason, message } of plan.problems) {
    const key = nameText(ingress);
    found.set(key, [...(found.get(key) ?? []), { reason, message }]);
  }
  return found;
}
