// Which container of which pod a streaming request means (pkg/registry/core/pod/strategy.go).
import type { Pod } from '@drydock/api/generated/types.ts';
import { apiError } from '@drydock/api/status.ts';

/** The container asked for, or the one that is meant; fails with BadRequest where that is not clear. */
export function containerOf(pod: Pod, asked: string): string {
  const spec = pod.spec;
  const name = pod.metadata?.name ?? '';
  const main = (spec?.containers ?? []).map((container) => container.name);
  const init = (spec?.initContainers ?? []).map((container) => container.name);
  const ephemeral = (spec?.ephemeralContainers ?? []).map((container) => container.name);
  if (asked !== '') {
    if ([...main, ...init, ...ephemeral].includes(asked)) return asked;
    throw apiError('BadRequest', `container ${asked} is not valid for pod ${name}`);
  }
  const preferred = pod.metadata?.annotations?.['kubectl.kubernetes.io/default-container'];
  if (preferred !== undefined && main.includes(preferred)) return preferred;
  const [first = ''] = main;
  if (main.length === 1) return first;
  if (main.length === 0) throw apiError('BadRequest', `a container name must be specified for pod ${name}`);
  const others = init.length > 0 ? ` or one of the init containers: [${init.join(' ')}]` : '';
  throw apiError(
    'BadRequest',
    `a container name must be specified for pod ${name}, choose one of: [${main.join(' ')}]${others}`,
  );
}
