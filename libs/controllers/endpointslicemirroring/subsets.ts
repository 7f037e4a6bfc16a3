// The subsets of an Endpoints object in one form: ports that the same addresses offer are together (pkg/api/v1/endpoints,
// RepackSubsets).
import type { CoreEndpointPort, EndpointAddress, Endpoints } from '@drydock/api/generated/types.ts';
import { canonicalJson } from '../common/equality.ts';

export interface RepackedSubset {
  readonly ports: readonly CoreEndpointPort[];
  readonly addresses: readonly { readonly address: EndpointAddress; readonly ready: boolean }[];
}

/** The addresses of one port; those without ports share an entry of their own. */
interface PortEntry {
  readonly port: CoreEndpointPort | undefined;
  readonly ready: Map<EndpointAddress, boolean>;
}

/** An address that is ready in one subset and not in another is not; what is said of it first holds everywhere. */
export function repackSubsets({ subsets = [] }: Endpoints): RepackedSubset[] {
  const known = new Map<string, EndpointAddress>();
  const byPort = new Map<string, PortEntry>();
  const add = (port: CoreEndpointPort | undefined, given: EndpointAddress, ready: boolean): void => {
    const who = `${given.ip} ${given.targetRef?.uid ?? ''}`;
    const address = known.get(who) ?? given;
    known.set(who, address);
    const key = canonicalJson(port);
    const entry = byPort.get(key) ?? { port, ready: new Map<EndpointAddress, boolean>() };
    byPort.set(key, entry);
    entry.ready.set(address, ready && entry.ready.get(address) !== false);
  };
  for (const { ports = [], addresses = [], notReadyAddresses = [] } of subsets) {
    for (const port of ports.length === 0 ? [undefined] : ports) {
      for (const address of addresses) add(port, address, true);
      for (const address of notReadyAddresses) add(port, address, false);
    }
  }
  const numbers = new Map([...known.values()].map((address, index) => [address, index]));
  const same = ({ ready }: PortEntry): string =>
    [...ready]
      .map(([address, isReady]) => `${numbers.get(address)} ${isReady}`)
      .sort()
      .join();
  return [...Map.groupBy(byPort.values(), same).values()].map((entries) => ({
    ports: entries.flatMap(({ port }) => (port === undefined ? [] : [port])),
    addresses: [...(entries[0]?.ready ?? [])].map(([address, ready]) => ({ address, ready })),
  }));
}
