// Asks the servers behind APIServices whether they answer, and says so in the APIServices' status; what they serve is kept for
// discovery. Each apiserver asks for itself, as upstream's: an endpoint may be there for one and not for another.
import type { APIResourceList, APIService } from '@drydock/api/generated/types.ts';
import { apiServices } from '@drydock/api/resource.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { availabilityAttempts, availabilityBackoffMinMs, availabilityResyncMs, availabilityTimeoutMs } from '../limits.ts';
import { objectKey } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { ask } from './ask.ts';
import type { Backends } from './backends.ts';
import { type Finding, failedCheck, passed, serviceFinding, withFinding } from './condition.ts';
import { type UserHeaders, userHeaders } from './user-headers.ts';

/** The rows of a server's version, as its discovery has them. */
export type Rows = APIResourceList['resources'];

export interface AvailabilityOptions {
  readonly backends: Backends;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly log: Log;
}

interface Known {
  /** What the last finding was made of. */
  basis: string;
  dueMs: number;
  failures: number;
  rows: Rows | undefined;
  /** Where its OpenAPI is, with its hash; undefined where it has none. */
  openApi: string | undefined;
}

/** As whom this server asks: one who may read discovery anywhere. */
const checker: UserHeaders = userHeaders({ name: 'system:kube-aggregator', uid: '', groups: ['system:masters'], extra: {} });

const openApiReader: UserHeaders = userHeaders({ name: 'system:aggregator', uid: '', groups: [], extra: {} });

/** What a server was found to be. */
interface Found {
  readonly finding: Finding;
  readonly rows?: Rows;
  readonly openApi?: string | undefined;
}

export class Availability {
  readonly #options: AvailabilityOptions;
  readonly #known = new Map<string, Known>();

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

  /** Checks what has changed and what is due. Fails with what the store says. */
  async round(): Promise<void> {
    const { backends, clock } = this.#options;
    const all = backends.remote();
    const names = new Set(all.map(({ metadata }) => metadata?.name ?? ''));
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);
    if (all.length === 0) return;
    await backends.follow();
    const due = all.filter((each) => this.#isDue(each, clock.monotonicMs()));
    await Promise.all(due.map((each) => this.#check(each)));
  }

  #isDue(apiService: APIService, nowMs: number): boolean {
    const name = apiService.metadata?.name ?? '';
    const { backends } = this.#options;
    const version = (object: { metadata?: { resourceVersion?: string | undefined } | undefined } | undefined) =>
      object?.metadata?.resourceVersion;
    const slices = backends.slicesOf(apiService).map(version);
    const basis = JSON.stringify([apiService.metadata?.uid, apiService.spec, version(backends.serviceOf(apiService)), slices]);
    const known = this.#known.get(name) ?? { basis: '', dueMs: 0, failures: 0, rows: undefined, openApi: undefined };
    this.#known.set(name, known);
    if (known.basis !== basis) known.failures = 0;
    else if (nowMs < known.dueMs) return false;
    known.basis = basis;
    return true;
  }

  async #check(apiService: APIService): Promise<void> {
    const { backends, clock } = this.#options;
    const name = apiService.metadata?.name ?? '';
    const service = backends.serviceOf(apiService);
    const against = serviceFinding(apiService, service, backends.slicesOf(apiService));
    const found: Found = against === undefined ? await this.#ask(apiService) : { finding: against };
    const { finding, rows } = found;
    const known = this.#known.get(name);
    if (known !== undefined) {
      known.rows = rows;
      known.openApi = found.openApi;
      known.failures = finding.status === 'True' ? 0 : known.failures + 1;
      const waitMs =
        finding.reason === 'FailedDiscoveryCheck' ? availabilityBackoffMinMs * 2 ** known.failures : Number.POSITIVE_INFINITY;
      known.dueMs = clock.monotonicMs() + Math.min(waitMs, availabilityResyncMs);
    }
    await this.#write(name, apiService, finding).catch((error: unknown) => {
      // What was found and could not be said is looked for again at once.
      if (known !== undefined) known.basis = '';
      throw error;
    });
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
    const url = `https://${place.host}:${place.port}${path}`;
    const stop = new AbortController();
    const timer = clock.timer(availabilityTimeoutMs, () => stop.abort(new Error('context deadline exceeded')));
    try {
      const answer = await ask({ place, tls: backends.tlsOf(apiService), path, headers, signal: stop.signal }).catch(
        (error: Error) => {
          throw new Error(`Get ${JSON.stringify(url)}: ${error.message}`);
        },
      );
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

/** None where it is no list of resources: whoever answers counts as there. */
function rowsIn(body: Buffer): Rows {
  try {
    const { resources } = JSON.parse(body.toString()) as Partial<APIResourceList>;
    return Array.isArray(resources) ? resources.filter((row) => typeof row?.name === 'string') : [];
  } catch {
    return [];
  }
}
