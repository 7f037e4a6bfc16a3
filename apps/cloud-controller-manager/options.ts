// From flags to what the controllers of the cloud are told.
import type { CloudOptions } from '@drydock/controllers/cloud-controllers.ts';
import { parsePool } from '@drydock/controllers/service/pool.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import type { flags } from './flags.ts';

type Wanted = Pick<Values<typeof flags>, 'cloud-provider' | 'load-balancer-cidr'>;

/** Throws StartupError, naming the flag that is wrong. */
export function cloudOptions({ 'cloud-provider': provider, 'load-balancer-cidr': range }: Wanted): CloudOptions {
  if (provider !== 'local') throw new StartupError(`--cloud-provider: unknown cloud provider ${JSON.stringify(provider)}`);
  if (range === '') return { addresses: undefined };
  const addresses = parsePool(range);
  if (addresses === undefined)
    throw new StartupError(`--load-balancer-cidr: ${JSON.stringify(range)}: expected an IPv4 range such as 10.251.0.0/24`);
  return { addresses };
}
