// Every flag of the original is served, refused or warned of.

import { type FlagDialect, parseFlags } from '@drydock/foundation/flags.ts';
import { endedProgram } from '@drydock/foundation/testing/ended-program.ts';
import { flagProblems } from '@drydock/foundation/testing/upstream-flags.ts';
import { flags, ignoredFlags, refusedFlags } from '@drydock/proxy/flags.ts';
import { expect, test } from 'vitest';

const dialect: FlagDialect = { style: 'pflag', ignored: ignoredFlags, refused: refusedFlags };

test('the flags are those of the original', () => {
  expect(flagProblems('kube-proxy', flags, dialect)).toEqual([]);
});

test.each(Object.keys(refusedFlags))('--%s would use other data: it is refused, with its name', (name) => {
  expect(() => parseFlags(flags, [`--${name}=x`], dialect)).toThrow(new RegExp(`^--${name} is not served here: `));
});

test.each(Object.entries(ignoredFlags))('--%s is warned of', (name, takes) => {
  expect(parseFlags(flags, takes === 'bool' ? [`--${name}`] : [`--${name}`, 'x'], dialect).ignored).toEqual([name]);
});

test.each([
  ['--proxy-mode=iptables', 'proxy mode "iptables" is not served here'],
  ['--feature-gates=AllAlpha', 'malformed pair, expect string=bool'],
  ['--nope', 'unknown flag: --nope'],
])(
  'the program ends with %s',
  (flag, message) => {
    const { status, stderr } = endedProgram(new URL('./main.ts', import.meta.url), flag);
    expect(stderr).toContain(message);
    expect(status).toBe(1);
  },
  90_000,
);
