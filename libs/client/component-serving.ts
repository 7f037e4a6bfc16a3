// The port of a component of the control plane, with what it tells of itself, and who may ask: by the flags of component-flags.ts.
import type { Values } from '@drydock/foundation/flags.ts';
import type { ProgramContext } from '@drydock/foundation/program.ts';
import { delegatedAccess } from './access/flags.ts';
import type { componentFlags } from './component-flags.ts';
import { type Pages, servingService } from './serving.ts';
import { statusPages } from './status-pages.ts';

type Ports = Pick<ProgramContext<Record<string, never>>, 'clock' | 'random' | 'log' | 'lifecycle'>;

/** Where a component serves: the flags that say so. */
interface Place {
  readonly 'bind-address': string;
  readonly 'secure-port': number;
  readonly 'tls-cert-file': string;
  readonly 'tls-private-key-file': string;
}

/** Starts it under the lifecycle; does nothing where --secure-port is 0. */
export async function startServing(
  component: string,
  v: Values<ReturnType<typeof componentFlags>>,
  ports: Ports,
  metrics: () => string,
): Promise<void> {
  if (v['secure-port'] === 0) return;
  const access = await delegatedAccess(v, { ...ports, userAgent: component });
  await startGuarded(
    component,
    v,
    access,
    ports,
    statusPages(() => undefined, metrics),
  );
}

/** Serves `pages` under the lifecycle to those whom `access` lets in. */
export async function startGuarded(
  component: string,
  v: Place,
  access: Awaited<ReturnType<typeof delegatedAccess>>,
  { clock, random, lifecycle }: Pick<Ports, 'clock' | 'random' | 'lifecycle'>,
  pages: Pages,
): Promise<void> {
  await lifecycle.start(access.service);
  const serving = servingService({
    component,
    address: v['bind-address'],
    port: v['secure-port'],
    certFile: v['tls-cert-file'],
    keyFile: v['tls-private-key-file'],
    guard: access.guard,
    clock,
    random: random.stream('serving'),
    pages,
  });
  await lifecycle.start(serving);
}
