import { expect, test } from 'vitest';
import { type Command, runCommand } from './cobra.ts';

const ran: unknown[] = [];
const tool: Command = {
  use: 'tool',
  short: 'A tool.',
  flags: { out: { type: 'string', default: 'simple', usage: 'the format', typeName: 'string', shorthand: 'o' } },
  commands: [
    {
      use: 'group',
      short: 'A group',
      commands: [
        {
          use: 'act <file>',
          short: 'Acts',
          args: 1,
          flags: {
            dir: { type: 'string', default: '', usage: 'the place', typeName: 'string', required: true },
            by: { type: 'int', default: 0, usage: 'how much', typeName: 'uint' },
          },
          run: async (args, flags) => {
            ran.push([args, flags]);
            return 7;
          },
        },
        { use: 'old', short: 'Hidden', hidden: true, run: async () => 3 },
      ],
    },
  ],
};
const actUsage = `Usage:
  tool group act <file> [flags]

Flags:
      --by uint      how much
      --dir string   the place
  -h, --help         help for act

Global Flags:
  -o, --out string   the format (default "simple")
`;

async function play(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const add = (where: 'out' | 'err') => (text: string) => {
    said[where] += text;
  };
  const code = await runCommand(tool, args, { out: add('out'), err: add('err') });
  return { code, ...said };
}

test('runs a sub-command with flags of its own and of the root, in any order', async () => {
  expect(await play('group', 'act', '-o', 'json', 'file', '--by=3', '--dir', 'd')).toEqual({ code: 7, out: '', err: '' });
  expect(ran.at(-1)).toEqual([['file'], { dir: 'd', by: 3, out: 'json' }]);
  expect((await play('group', 'old')).code).toBe(3);
});

test('what is missing or unknown is an error with the usage', async () => {
  const missing = 'Error: required flag(s) "dir" not set\n';
  expect(await play('group', 'act', 'file')).toEqual({ code: 1, out: '', err: `${missing}${actUsage}\n${missing}` });
  const unknown = 'Error: unknown flag: --bogus\n';
  expect(await play('group', 'act', '--bogus')).toEqual({ code: 1, out: '', err: `${unknown}${actUsage}\n${unknown}` });
  const two = 'Error: accepts 1 arg(s), received 2\n';
  expect((await play('group', 'act', 'a', 'b', '--dir=d')).err).toBe(`${two}${actUsage}\n${two}`);
  const command = 'Error: unknown command "foo" for "tool"\n';
  expect(await play('foo')).toEqual({ code: 1, out: '', err: `${command}Run 'tool --help' for usage.\n${command}` });
});

test('help of a group lists its commands, but not hidden ones', async () => {
  const help = await play('help', 'group');
  expect(help).toEqual(await play('group', '--help'));
  expect(help).toEqual(await play('group'));
  expect(help.out).toContain('Available Commands:\n  act         Acts\n\nFlags:\n');
  expect((await play('group', 'act', '-h')).out).toBe(actUsage);
});
