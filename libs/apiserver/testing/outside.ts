// Where backends of tests listen: proxies lead to no loopback address.
import { networkInterfaces } from 'node:os';

/** An address of this machine's that is reached from elsewhere, too. Throws where it has none. */
export function outsideAddress(): string {
  const found = Object.values(networkInterfaces()).flat();
  const address = found.find((each) => each?.family === 'IPv4' && !each.internal)?.address;
  if (address === undefined) throw new Error('this test needs an IPv4 address beside loopback');
  return address;
}
