// A host with a filter like Docker's, in a network namespace of its own: `unshare -n node forward.ts CHAIN`. Prints the filter, as
// JSON, before two labs, with both, after the first has gone, and after the second.
import { execFileSync } from '@drydock/foundation/child-process.ts';
import { endLettingThrough, forwardRemains, letThrough, neededForwardChain } from '../host-forward.ts';

const iptables = (...args: string[]) => execFileSync('iptables', ['-w', ...args], { encoding: 'utf8' });

iptables('-P', 'FORWARD', 'DROP');
if (process.argv[2] === 'DOCKER-USER') {
  iptables('-N', 'DOCKER-USER');
  iptables('-A', 'FORWARD', '-j', 'DOCKER-USER');
}
const chain = await neededForwardChain();
// A user's own rules: one for the same link, and what Docker itself puts last.
iptables('-A', chain ?? 'FORWARD', '-i', 'dd-a', '-j', 'ACCEPT');
iptables('-A', chain ?? 'FORWARD', '-j', 'RETURN');
const host = (link: string) => ({ namespaces: [], link, table: link, ...(chain === undefined ? {} : { forward: chain }) });
const seen = [iptables('-S')];
await letThrough(host('dd-a'));
await letThrough(host('dd-a-b'));
// An `up` that goes on finds them.
await letThrough(host('dd-a'));
seen.push(iptables('-S'));
const remains = await forwardRemains(host('dd-a'));
await endLettingThrough(host('dd-a'));
seen.push(iptables('-S'));
await endLettingThrough(host('dd-a-b'));
await endLettingThrough(host('dd-a-b'));
seen.push(iptables('-S'));
process.stdout.write(JSON.stringify({ chain, seen, remains, left: await forwardRemains(host('dd-a')) }));
