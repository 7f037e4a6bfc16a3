// From flags to what the controllers of the cloud are told.
import type { CloudOptions } from '@drydock/controllers/cloud-controllers.ts';
import { parsePool } from '@drydock/controllers/service/pool.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import type { flags } from './flags.ts';
import { healthCheck } from './health-check.ts';
import { netnsRouter } from './router.ts';

type Wanted = Pick<Values<typeof flags>, 'cloud-provider' | 'load-balancer-cidr' | 'load-balancer-router'>;

/** Throws StartupError, naming the flag that is wrong. */
export function cloudOptions(wanted: Wanted): CloudOptions {
  const { 'cloud-provider': provider, 'load-balancer-cidr': range, 'load-balancer-router': netns } = wanted;
  if (provider !== 'local') throw new StartupError(`--cloud-provider: unknown cloud provider ${JSON.stringify(provider)}`);
  if (range === '' && netns !== '')
    throw new StartupError('--load-balancer-router: there is nothing to route without --load-balancer-cidr');
  if (range === '') return { addresses: undefined, paths: undefined };
  const addresses = parsePool(range);
  if (addresses === undefined)
    throw new StartupError(`--load-balancer-cidr: ${JSON.stringify(range)}: expected an IPv4 range such as 10.251.0.0/24`);
  return { addresses, paths: netns === '' ? undefined : { router: netnsRouter(netns), check: healthCheck } };
}
