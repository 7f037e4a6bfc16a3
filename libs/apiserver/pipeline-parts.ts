// What the path of a request is made of.
import type { FieldGate } from '@drydock/api/disabled-fields.ts';
import type { RuleGate } from '@drydock/api/validate/gates.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { Admission } from './admission/admission.ts';
import type { Authenticator } from './authn/authenticator.ts';
import type { Authorizer } from './authz/authorizer.ts';
import type { Caches } from './registry/caches.ts';
import type { HookTable } from './registry/hooks.ts';
import type { Reader } from './registry/reader.ts';
import type { Actions } from './rest/actions.ts';
import type { ObjectStore } from './storage/object-store.ts';

export interface PipelineParts {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly admission: Admission;
  readonly reader: Reader;
  readonly objects: ObjectStore;
  readonly caches: Caches;
  readonly hooks: HookTable;
  /** Requests that are not about a stored object of their own: reviews, bindings, evictions, tokens. */
  readonly actions: Actions;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly eventTtlSeconds: number;
  /** --feature-gates, of those that fields and rules hang on. */
  readonly gateEnabled: (gate: FieldGate | RuleGate) => boolean;
}
