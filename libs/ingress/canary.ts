// Canaries: Ingresses that take some of the requests of another one with the same host and path.
import type { IngressBackend } from '@drydock/api/generated/types.ts';
import type { Canary, Location } from './model.ts';
import { anyHost, type Parsed } from './parsed.ts';
import { locationId, matchersOf } from './paths.ts';

interface Host {
  readonly host: string;
  readonly asRegex: boolean;
  readonly locations: ReadonlyMap<string, Location>;
  readonly rest: Location | undefined;
}

/** The rules that say which requests go elsewhere. One canary a path, as in ingress-nginx: the oldest. */
export function canariesOf(
  entries: readonly Parsed[],
  hosts: readonly Host[],
  backendOf: (entry: Parsed, backend: IngressBackend) => string | undefined,
  problem: (entry: Parsed, message: string) => void,
): Canary[] {
  const canaries = new Map<string, Canary>();
  for (const entry of entries)
    for (const { host: given, http } of entry.ingress.spec?.rules ?? []) {
      const host = hosts.find((candidate) => candidate.host === (given?.toLowerCase() || anyHost));
      for (const path of http?.paths ?? []) {
        const found = matchersOf(path, host?.asRegex ?? false)
          .map((matcher) => host?.locations.get(`${matcher.match} ${matcher.path}`))
          .filter((location) => location?.rulePath === (path.path ?? '/'));
        const backend = backendOf(entry, path.backend);
        if (found.length === 0 || host === undefined)
          problem(
            entry,
            `no Ingress without canary has host ${JSON.stringify(given ?? '')} and path ${JSON.stringify(path.path ?? '/')}`,
          );
        for (const location of found) {
          if (location === undefined || host === undefined || backend === undefined) continue;
          if (location.backend?.name === backend) {
            problem(entry, `its backend is the one that the path ${JSON.stringify(location.rulePath)} has already`);
            continue;
          }
          const key = locationId(host.host, location);
          if (canaries.has(key)) problem(entry, `the path ${JSON.stringify(location.rulePath)} has a canary already`);
          else canaries.set(key, canaryOf(entry, key, backend));
        }
      }
    }
  return [...canaries.values()];
}

function canaryOf({ annotations: { values } }: Parsed, location: string, backend: string): Canary {
  return {
    location,
    backend,
    header: values['canary-by-header'] ?? '',
    headerValue: values['canary-by-header-value'] ?? '',
    headerPattern: values['canary-by-header-pattern'] ?? '',
    cookie: values['canary-by-cookie'] ?? '',
    weight: values['canary-weight'] ?? 0,
    total: Math.max(100, values['canary-weight-total'] ?? 100),
    sticky: values['affinity-canary-behavior'] !== 'legacy',
  };
}
