// A watch through one of our clients' transports, with what came so far.

import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import type { ApiClient, WatchOptions } from '@drydock/client/api-client.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';

export interface Watching {
  /** `TYPE name version`. */
  readonly events: string[];
  /** Why the watch ended; undefined while it goes on, and where it ended without an error. */
  error(): unknown;
  ended(): boolean;
  stop(): void;
}

export function watching<T extends KubeObject>(client: ApiClient, resource: Resource<T>, options: WatchOptions): Watching {
  const events: string[] = [];
  const abort = new AbortController();
  let over = false;
  let failure: unknown;
  const run = async () => {
    for await (const { type, object } of client.watch(resource, { ...options, signal: abort.signal })) {
      events.push(`${type} ${object.metadata?.name ?? '-'} ${object.metadata?.resourceVersion}`);
    }
  };
  run()
    .catch((error: unknown) => {
      failure = error;
    })
    .finally(() => {
      over = true;
    });
  return { events, error: () => failure, ended: () => over, stop: () => abort.abort() };
}

/** Waits until `holds` does; the test's own timeout is the limit. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const clock = new SystemClock();
  while (!(await holds())) await clock.sleep(5);
}
