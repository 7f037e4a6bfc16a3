// Asks the servers behind APIServices whether they answer, and says so in the APIServices' status; what they serve is kept for
// discovery. Each apiserver asks for itself, as upstream's: an endpoint may be there for one and not for another.
import type { APIService } from '@drydock/api/generated/types.ts';
import { apiServices, type KubeObject } from '@drydock/api/resource.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { addressText } from '../http/dial-text.ts';
import {
  availabilityAnswerMaxBytes,
  availabilityAttempts,
  availabilityBackoffMinMs,
  availabilityChecksMax,
  availabilityResyncMs,
  availabilityTimeoutMs,
} from '../limits.ts';
import { objectKey } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { ask } from './ask.ts';
import type { Backends } from './backends.ts';
import { type Finding, failedCheck, passed, serviceFinding, withFinding } from './condition.ts';
import { type Rows, rowsIn } from './rows.ts';
import { type UserHeaders, userHeaders } from './user-headers.ts';

export interface AvailabilityOptions {
  readonly backends: Backends;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly log: Log;
}

/** As whom this server asks: one who may read discovery anywhere. */
const checker: UserHeaders = userHeaders({ name: 'system:kube-aggregator', uid: '', groups: ['system:masters'], extra: {} });

const openApiReader: UserHeaders = userHeaders({ name: 'system:aggregator', uid: '', groups: [], extra: {} });

/** What a server was found to be. */
interface Found {
  readonly finding: Finding;
  readonly rows?: Rows;
  /** Where its OpenAPI is, with its hash; undefined where it has none. */
  readonly openApi?: string | undefined;
}

interface Known extends Found {
  /** What the finding was made of. */
  readonly basis: string;
  readonly dueMs: number;
  readonly failures: number;
}

function nameOf({ metadata }: APIService): string {
  return metadata?.name ?? '';
}

export class Availability {
  readonly #options: AvailabilityOptions;
  readonly #known = new Map<string, Known>();
  /** Names of those that are being checked. */
  readonly #underWay = new Set<string>();

  constructor(options: AvailabilityOptions) {
    this.#options = options;
  }

  /** What the server of an APIService was found to serve; undefined where its last check failed. */
  rowsOf(name: string): Rows | undefined {
    return this.#known.get(name)?.rows;
  }

  /** Where the OpenAPI document of its version is, relative to this server. */
  openApiOf(name: string): string | undefined {
    return this.#known.get(name)?.openApi;
  }

  /** Begins a round, and logs where it fails: a server that takes its time holds up no check of another. */
  look(): void {
    this.round().catch((err: unknown) => this.#options.log.warn({ err }, 'APIServices could not be checked'));
  }

  /**
   * Checks what has changed and what is due, as far as there is room beside the checks of earlier rounds; resolves when its own have
   * ended. Fails with what the store says.
   */
  async round(): Promise<void> {
    const { backends, clock } = this.#options;
    const all = backends.remote();
    const names = new Set(all.map(nameOf));
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
    if (all.length === 0) return;
    await backends.follow();
    const nowMs = clock.monotonicMs();
    const due = all
      .filter((each) => !this.#underWay.has(nameOf(each)))
      .map((apiService) => ({ apiService, dueMs: this.#dueMs(apiService) }))
      .filter(({ dueMs }) => dueMs <= nowMs)
      .sort((a, b) => a.dueMs - b.dueMs)
      .slice(0, availabilityChecksMax - this.#underWay.size);
    await Promise.all(due.map(({ apiService }) => this.#check(apiService)));
  }

  /** When it is to be checked; 0 where it is new, or what it says or leads to is. */
  #dueMs(apiService: APIService): number {
    const known = this.#known.get(nameOf(apiService));
    return known?.basis === this.#basisOf(apiService) ? known.dueMs : 0;
  }

  #basisOf(apiService: APIService): string {
    const { backends } = this.#options;
    const version = (object: KubeObject | undefined) => object?.metadata?.resourceVersion;
    const slices = backends.slicesOf(apiService).map(version);
    return JSON.stringify([apiService.metadata?.uid, apiService.spec, version(backends.serviceOf(apiService)), slices]);
  }

  async #check(apiService: APIService): Promise<void> {
    const name = nameOf(apiService);
    const basis = this.#basisOf(apiService);
    const before = this.#known.get(name);
    this.#underWay.add(name);
    try {
      const found = await this.#find(apiService);
      const failures = found.finding.status === 'True' ? 0 : (before?.basis === basis ? before.failures : 0) + 1;
      // What is found and cannot be said is looked for again at once.
      await this.#write(name, apiService, found.finding);
      this.#known.set(name, { basis, failures, dueMs: this.#nextMs(found.finding, failures), ...found });
    } finally {
      this.#underWay.delete(name);
    }
  }

  #nextMs({ reason }: Finding, failures: number): number {
    const waitMs = reason === 'FailedDiscoveryCheck' ? availabilityBackoffMinMs * 2 ** failures : availabilityResyncMs;
    return this.#options.clock.monotonicMs() + Math.min(waitMs, availabilityResyncMs);
  }

  async #find(apiService: APIService): Promise<Found> {
    const { backends } = this.#options;
    const against = serviceFinding(apiService, backends.serviceOf(apiService), backends.slicesOf(apiService));
    return against === undefined ? this.#ask(apiService) : { finding: against };
  }

  /** Several at once: one of several endpoints is enough. */
  async #ask(apiService: APIService): Promise<Found> {
    const attempts = Array.from({ length: availabilityAttempts }, () => this.#attempt(apiService));
    try {
      const rows = await Promise.any(attempts);
      return { finding: passed, rows, openApi: await this.#openApi(apiService).catch(() => undefined) };
    } catch (error) {
      const [first] = (error as AggregateError).errors as Error[];
      return { finding: failedCheck(first?.message ?? '') };
    }
  }

  async #attempt(apiService: APIService): Promise<Rows> {
    return rowsIn(await this.#get(apiService, `/apis/${apiService.spec?.group}/${apiService.spec?.version}`, checker));
  }

  /** From its index of OpenAPI v3; not every server has one. */
  async #openApi(apiService: APIService): Promise<string | undefined> {
    const body = await this.#get(apiService, '/openapi/v3', openApiReader);
    const { paths } = JSON.parse(body.toString()) as { paths?: Record<string, { serverRelativeURL?: unknown }> };
    const own = `apis/${apiService.spec?.group}/${apiService.spec?.version}`;
    const url = paths?.[own]?.serverRelativeURL;
    return typeof url === 'string' && url.split('?')[0] === `/openapi/v3/${own}` ? url : undefined;
  }

  /** The body of a good answer; fails in the words of a check. */
  async #get(apiService: APIService, path: string, headers: UserHeaders): Promise<Buffer> {
    const { backends, clock } = this.#options;
    const place = backends.placeOf(apiService);
    if ('problem' in place) throw new Error(place.problem);
    const url = `https://${addressText(place)}${path}`;
    const stop = new AbortController();
    const timer = clock.timer(availabilityTimeoutMs, () => stop.abort(new Error('context deadline exceeded')));
    try {
      const to = { place, tls: backends.tlsOf(apiService), path, headers };
      const answer = await ask({ ...to, maxBytes: availabilityAnswerMaxBytes, signal: stop.signal }).catch((error: Error) => {
        throw new Error(`Get ${JSON.stringify(url)}: ${error.message}`);
      });
      if (answer.code < 200 || answer.code > 299) throw new Error(`bad status from ${url}: ${answer.code}`);
      return answer.body;
    } catch (error) {
      throw new Error(`failing or missing response from ${url}: ${(error as Error).message}`);
    } finally {
      timer.cancel();
    }
  }

  async #write(name: string, { metadata }: APIService, finding: Finding): Promise<void> {
    const { objects, clock } = this.#options;
    await objects.update(objectKey(apiServices, '', name), undefined, (current) => {
      const found = current?.object as APIService | undefined;
      if (found === undefined || found.metadata?.uid !== metadata?.uid) return { keep: true };
      const conditions = withFinding(found, finding, clock.wallMs());
      return conditions === undefined ? { keep: true } : { put: { ...found, status: { ...found.status, conditions } } };
    });
  }
}
