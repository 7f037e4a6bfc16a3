// What a controller is given: caches to read, a client to write with, and the ports of the process.
import type { KubeObject } from '@drydock/api/resource.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import type { Informer } from '@drydock/client/informer.ts';
import type { InformerFactory } from '@drydock/client/informer-factory.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { EventAction } from './action.ts';

export type { Change } from '@drydock/client/informer.ts';

/** The local copy of one resource. Objects in it must not be modified. */
export type Cache<T extends KubeObject = KubeObject> = Informer<T>;

export interface ControllerContext {
  /** Acts with this controller's identity. */
  readonly client: ApiClient;
  /** The informers of the process; each resource has one, whoever asks. */
  readonly caches: InformerFactory;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborts when the controller must stop: nothing is written afterwards. */
  readonly signal: AbortSignal;
  record(event: EventAction): void;
}
