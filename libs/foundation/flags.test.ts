import { describe, expect, test } from 'vitest';
import { describeFlags, FlagError, flag, parseFlags } from './flags.ts';

const set = {
  name: flag('string', 'default', 'a name'),
  'leader-elect': flag('bool', true, 'whether'),
  'secure-port': flag('int', 10257, 'a port'),
  'lease-duration': flag('duration', 15_000, 'how long'),
  controllers: flag('strings', ['*'], 'which'),
  'feature-gates': flag('map', {}, 'gates'),
  v: flag('int', 0, 'verbosity', 'v'),
};
const pflag = { style: 'pflag', ignored: { 'flex-volume-plugin-dir': 'value', profiling: 'bool' } } as const;

describe('pflag', () => {
  test.each([
    [['--name=x'], { name: 'x' }],
    [['--name', 'x'], { name: 'x' }],
    [['--leader-elect=false'], { 'leader-elect': false }],
    [['--leader-elect'], { 'leader-elect': true }],
    [['--secure_port', '1'], { 'secure-port': 1 }],
    [['--lease-duration=1m30s'], { 'lease-duration': 90_000 }],
    [['--controllers=*,-foo', '--controllers', 'bar'], { controllers: ['*', '-foo', 'bar'] }],
    [['--feature-gates=A=true,B=false'], { 'feature-gates': { A: 'true', B: 'false' } }],
    [['-v4'], { v: 4 }],
    [['-v=4'], { v: 4 }],
    [['-v', '4'], { v: 4 }],
  ])('%j', (args, expected) => {
    expect(parseFlags(set, args, pflag).values).toMatchObject(expected);
  });

  test.each([
    [['--nothing'], 'unknown flag: --nothing'],
    [['--nothing=5'], 'unknown flag: --nothing'],
    [['-x'], "unknown shorthand flag: 'x' in -x"],
    [['--name'], 'flag needs an argument: --name'],
    [['--secure-port=abc'], 'invalid argument "abc" for "--secure-port" flag: expected a whole number'],
    [
      ['--lease-duration=5'],
      'invalid argument "5" for "--lease-duration" flag: expected a duration such as 300ms, 10s or 1h30m',
    ],
    [['--leader-elect=maybe'], 'invalid argument "maybe" for "--leader-elect" flag: expected true or false'],
  ])('%j is refused', (args, message) => {
    expect(() => parseFlags(set, args, pflag)).toThrow(new FlagError(message));
  });

  test("upstream's flags without use here are accepted and told", () => {
    const parsed = parseFlags(set, ['--flex-volume-plugin-dir', '/x', '--profiling', '--name=y', 'rest'], pflag);
    expect(parsed.ignored).toEqual(['flex-volume-plugin-dir', 'profiling']);
    expect(parsed.values.name).toBe('y');
    expect(parsed.positional).toEqual(['rest']);
  });

  test('defaults stay, and are told apart from what was given', () => {
    const parsed = parseFlags(set, ['--v=0'], pflag);
    expect(parsed.values['secure-port']).toBe(10257);
    expect([...parsed.given]).toEqual(['v']);
  });
});

describe("Go's flag package", () => {
  const go = { style: 'go', envPrefix: 'ETCD_' } as const;

  test('one dash or two, and the environment below the command line', () => {
    expect(parseFlags(set, ['-name', 'a'], go).values.name).toBe('a');
    expect(parseFlags(set, [], go, { ETCD_NAME: 'b', ETCD_SECURE_PORT: '7' }).values).toMatchObject({
      name: 'b',
      'secure-port': 7,
    });
    expect(parseFlags(set, ['--name=a'], go, { ETCD_NAME: 'b' }).values.name).toBe('a');
  });

  test('unknown flags', () => {
    expect(() => parseFlags(set, ['--nothing'], go)).toThrow('flag provided but not defined: -nothing');
  });
});

test('help lists every flag with its default', () => {
  expect(describeFlags(set)).toMatch(/--lease-duration duration +how long \(default 15s\)/);
});
