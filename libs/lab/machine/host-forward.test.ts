import { fileURLToPath } from 'node:url';
import { execFileSync } from '@drydock/foundation/child-process.ts';
import { expect, test } from 'vitest';
import { findProgram, hostAbilities } from './facts.ts';

const { isLinux, isRoot } = hostAbilities();
const able = isLinux && isRoot && findProgram('iptables') !== undefined;
const scene = fileURLToPath(new URL('./testing/forward.ts', import.meta.url));

test.skipIf(!able).each(['DOCKER-USER', 'FORWARD'])(
  'two labs on a host that drops in %s: each takes back its own rules, and the host has its own again (needs root and iptables)',
  { timeout: 120_000 },
  (chain) => {
    const output = execFileSync('unshare', ['--net', process.execPath, scene, chain], { encoding: 'utf8' });
    const { seen, ...found } = JSON.parse(output) as { chain: string; seen: string[]; remains: string[]; left: string[] };
    const [before = '', both = '', one = '', after = ''] = seen;
    expect(found).toEqual({
      chain,
      remains: [expect.stringContaining('-i dd-a '), expect.stringContaining('-o dd-a ')],
      left: [],
    });
    const rulesOf = (text: string) => text.split('\n').filter((line) => line.startsWith(`-A ${chain} `));
    const own = (link: string) => (line: string) => line.includes(`"drydock ${link}"`);
    expect(rulesOf(both).filter(own('dd-a'))).toHaveLength(2);
    expect(rulesOf(both).filter(own('dd-a-b'))).toHaveLength(2);
    // Before what drops, and what is the user's.
    expect(rulesOf(both).slice(4)).toEqual(rulesOf(before));
    expect(rulesOf(one).filter(own('dd-a'))).toEqual([]);
    expect(rulesOf(one).filter(own('dd-a-b'))).toHaveLength(2);
    expect(after).toBe(before);
  },
);
