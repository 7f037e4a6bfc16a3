// Adapter: what labs change on the host itself. The first one notes how it was; the last one gives it back.
import { readFileSync, writeFileSync } from 'node:fs';
import { dropHostBefore, listRecords, readHostBefore, writeHostBefore } from './registry.ts';

const forwardFile = '/proc/sys/net/ipv4/ip_forward';

/** Lets the host forward packets, for labs with namespaces. The caller holds the registry. */
export function letHostForward(registry: string): void {
  if (readHostBefore(registry) === undefined)
    writeHostBefore(registry, { ipForward: readFileSync(forwardFile, 'utf8').trim() === '1' ? '1' : '0' });
  writeFileSync(forwardFile, '1');
}

/** Gives back what was changed, once no lab with namespaces is left. The caller holds the registry and has dropped its record. */
export function giveBackHost(registry: string): void {
  const before = readHostBefore(registry);
  if (before === undefined || listRecords(registry).some((record) => record.host !== undefined)) return;
  // A later user of forwarding, such as Docker, may have found it on: only what was off before is switched off.
  if (before.ipForward === '0') writeFileSync(forwardFile, '0');
  dropHostBefore(registry);
}
