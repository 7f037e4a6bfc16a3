// The port of a component of the control plane, with what it tells of itself, and who may ask: by the flags of component-flags.ts.
import type { Values } from '@drydock/foundation/flags.ts';
import type { ProgramContext } from '@drydock/foundation/program.ts';
import { delegatedAccess } from './access/flags.ts';
import type { componentFlags } from './component-flags.ts';
import { servingService } from './serving.ts';
import { statusPages } from './status-pages.ts';

type Ports = Pick<ProgramContext<Record<string, never>>, 'clock' | 'random' | 'log' | 'lifecycle'>;

/** Starts it under the lifecycle; does nothing where --secure-port is 0. */
export async function startServing(
  component: string,
  v: Values<ReturnType<typeof componentFlags>>,
  { clock, random, log, lifecycle }: Ports,
  metrics: () => string,
): Promise<void> {
  if (v['secure-port'] === 0) return;
  const access = await delegatedAccess(v, { clock, random, log, userAgent: component });
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
    pages: statusPages(() => undefined, metrics),
  });
  await lifecycle.start(serving);
}
