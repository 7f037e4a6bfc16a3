// A command line as upstream's tools have it (spf13/cobra): sub-commands, flags anywhere, and the texts of help and errors.
import { FlagError, type FlagSet, type FlagType, parseFlags, type Values } from '@drydock/foundation/flags.ts';

/** A flag's type as help names it; nothing for a bool. */
export type TypeName = 'string' | 'uint' | 'int' | '';

export interface CommandFlag {
  readonly type: FlagType;
  readonly default: string | number | boolean;
  readonly usage: string;
  readonly typeName: TypeName;
  readonly shorthand?: string;
  readonly required?: boolean;
  /** What help shows as the default where it is not `default`. */
  readonly shownDefault?: string;
}

export interface Command {
  /** As in `Usage:`, the name first. */
  readonly use: string;
  readonly short: string;
  readonly hidden?: boolean;
  readonly flags?: Readonly<Record<string, CommandFlag>>;
  readonly commands?: readonly Command[];
  /** Positional arguments taken; any number where it is not given. */
  readonly args?: number;
  /** Resolves to the exit code. */
  readonly run?: (args: readonly string[], flags: Readonly<Record<string, unknown>>) => Promise<number>;
}

export interface Output {
  out(text: string): void;
  err(text: string): void;
}

const helpCommand: Command = { use: 'help', short: 'Help about any command' };
const helpFlag = (name: string): CommandFlag => ({
  ...{ type: 'bool', default: false, usage: `help for ${name}`, typeName: '', shorthand: 'h' },
});

const nameOf = (command: Command): string => command.use.split(' ')[0] ?? '';

/** Runs what `args` say; resolves to the exit code. `root.flags` are taken everywhere. */
export async function runCommand(root: Command, args: readonly string[], output: Output): Promise<number> {
  if (args[0] === 'help') return runCommand(root, [...args.slice(1), '--help'], output);
  const path = [root];
  const rest: string[] = [];
  for (const arg of args) {
    const found = rest.every((other) => other.startsWith('-'))
      ? path.at(-1)?.commands?.find((child) => nameOf(child) === arg)
      : undefined;
    if (found === undefined) rest.push(arg);
    else path.push(found);
  }
  const command = path.at(-1) ?? root;
  const fail = (message: string): number => {
    output.err(`Error: ${message}\n${usage(path)}\nError: ${message}\n`);
    return 1;
  };
  const set = { ...root.flags, ...command.flags };
  let parsed: ReturnType<typeof parseFlags>;
  try {
    parsed = parseFlags(set as unknown as FlagSet, rest, { style: 'pflag' });
  } catch (error) {
    if (error instanceof FlagError) return fail(error.message);
    throw error;
  }
  if (command === root && parsed.positional.length > 0) {
    const message = `unknown command "${parsed.positional[0]}" for "${nameOf(root)}"`;
    output.err(`Error: ${message}\nRun '${nameOf(root)} --help' for usage.\nError: ${message}\n`);
    return 1;
  }
  if (parsed.help || command.run === undefined) {
    output.out(usage(path));
    return 0;
  }
  const missing = Object.entries(set).filter(([name, flag]) => flag.required === true && !parsed.given.has(name));
  if (missing.length > 0) return fail(`required flag(s) ${missing.map(([name]) => `"${name}"`).join(', ')} not set`);
  if (command.args !== undefined && parsed.positional.length !== command.args) {
    return fail(`accepts ${command.args} arg(s), received ${parsed.positional.length}`);
  }
  return command.run(parsed.positional, parsed.values as Values<FlagSet>);
}

function usage(path: readonly Command[]): string {
  const [root, command] = [path[0], path.at(-1)];
  if (root === undefined || command === undefined) return '';
  const parents = path.slice(0, -1).map(nameOf).join(' ');
  const full = parents === '' ? nameOf(command) : `${parents} ${nameOf(command)}`;
  const sections: string[] = [];
  const help = command === root ? [helpCommand] : [];
  const children = [...(command.commands ?? []), ...help]
    .filter((child) => child.hidden !== true)
    .sort((a, b) => (a.use < b.use ? -1 : 1));
  if (children.length > 0) {
    sections.push(`Usage:\n  ${full} [command]\n`);
    const width = Math.max(11, ...children.map((child) => nameOf(child).length));
    const rows = children.map((child) => `  ${nameOf(child).padEnd(width)} ${child.short}\n`);
    sections.push(`Available Commands:\n${rows.join('')}`);
  } else {
    sections.push(`Usage:\n  ${parents} ${command.use} [flags]\n`);
  }
  const local = command === root ? { ...root.flags } : { ...command.flags };
  sections.push(`Flags:\n${flagLines({ ...local, help: helpFlag(nameOf(command)) })}`);
  if (command !== root) sections.push(`Global Flags:\n${flagLines(root.flags ?? {})}`);
  if (children.length > 0) sections.push(`Use "${full} [command] --help" for more information about a command.\n`);
  return sections.join('\n');
}

function flagLines(flags: Readonly<Record<string, CommandFlag>>): string {
  const rows = Object.entries(flags)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => {
      const short = flag.shorthand === undefined ? '      ' : `  -${flag.shorthand}, `;
      return [`${short}--${name}${flag.typeName === '' ? '' : ` ${flag.typeName}`}`, flag] as const;
    });
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, flag]) => `${left.padEnd(width)}   ${flag.usage}${defaultText(flag)}\n`).join('');
}

function defaultText(flag: CommandFlag): string {
  const shown = flag.shownDefault ?? (typeof flag.default === 'string' ? `"${flag.default}"` : String(flag.default));
  return ['""', '0', 'false'].includes(shown) ? '' : ` (default ${shown})`;
}
