// Adapter: what every process of the project has in common: flags, log, signals, an orderly stop, exit codes.
import { flushCompileCache } from 'node:module';
import process from 'node:process';
import type { Clock } from './clock.ts';
import {
  describeFlags,
  type FlagDialect,
  FlagError,
  type FlagSet,
  type ParsedFlags,
  parseFlags,
  type Values,
} from './flags.ts';
import { Lifecycle } from './lifecycle.ts';
import type { Log } from './log.ts';
import { createLog, levelOf } from './pino-log.ts';
import type { Random } from './random.ts';
import { SystemClock } from './system-clock.ts';
import { SystemRandom } from './system-random.ts';

/** The ports that a program is given. */
export interface ProgramContext<S extends FlagSet> {
  readonly flags: ParsedFlags<S>;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  /** Services registered here are stopped, last first, on SIGTERM, SIGINT or `fatal`. */
  readonly lifecycle: Lifecycle;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Stops the process with exit code 1 after the log line. For states from which going on would do harm. */
  fatal(error: unknown, message: string): void;
}

export interface Program<S extends FlagSet> {
  readonly name: string;
  readonly flags: S;
  readonly dialect: FlagDialect;
  /** What `--version` prints. */
  readonly version?: string;
  /** Printed after what is wrong with an argument, and before the flags by `--help`. */
  readonly usage?: string;
  /** The flags, as `--help` prints them after the usage, where they are not a sorted list. */
  readonly help?: () => string;
  /** The process's arguments and environment unless given. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The log; pino's on standard error unless given. Without flags where they could not be read. */
  readonly log?: (flags: Values<S> | undefined) => Log;
  /** Tells why it cannot start, where that is not done by a plain line. */
  readonly explain?: (log: Log, error: Error) => void;
  /** Resolves when everything runs; the process then goes on until a signal. Throws where it cannot start. */
  start(context: ProgramContext<S>): Promise<void>;
}

/** A start-up failure that is the user's to mend: its message is printed as it is, without a stack. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}

/** After this long a program has loaded what it needs; see `keepCompiled`. */
const compiledAfterMs = 10_000;

/**
 * Writes Node's compile cache once the program has settled. Node itself writes it at an orderly exit only, and processes of a
 * lab tend to be killed: without this every start would strip types anew, which costs 250 ms and 22 MB for good.
 */
function keepCompiled(): void {
  setTimeout(flushCompileCache, compiledAfterMs).unref();
}

/** How long an orderly stop may take before the process ends anyway. */
const stopTimeoutMs = 30_000;

function explainFlag<S extends FlagSet>(program: Program<S>, error: FlagError): never {
  if (error.from === 'environment' && program.explain !== undefined) {
    program.explain(logOf(program, undefined), error);
    process.exit(1);
  }
  const go = program.dialect.style === 'go';
  const usage = program.usage === undefined ? '' : `${program.usage}\n`;
  const text = go ? `${error.message}\n${usage}` : `Error: ${error.message}\nSee '${program.name} --help' for usage.\n`;
  process.stderr.write(text);
  process.exit(go ? 2 : 1);
}

function logOf<S extends FlagSet>(program: Program<S>, flags: Values<S> | undefined): Log {
  const verbosity = Number((flags as { v?: number } | undefined)?.v ?? 0);
  return program.log?.(flags) ?? createLog(program.name, levelOf(verbosity));
}

/** Flags and log, or the end of the process: 0 after `--help` and `--version`, else as `runProgram` says. */
function readCommandLine<S extends FlagSet>(program: Program<S>): { flags: ParsedFlags<S>; log: Log } {
  const { args = process.argv.slice(2), env = process.env, version } = program;
  if (version !== undefined && args.some((arg) => /^--?version$/.test(arg))) {
    process.stdout.write(`${version}\n`);
    process.exit(0);
  }
  try {
    const flags = parseFlags(program.flags, args, program.dialect, env);
    if (flags.help) {
      const usage = program.usage ?? `Usage:\n  ${program.name} [flags]\n`;
      const described = program.help?.() ?? `Flags:\n${describeFlags(program.flags)}\n`;
      process.stdout.write(`${usage}\n${described}`);
      process.exit(0);
    }
    const log = logOf(program, flags.values);
    const [extra] = flags.positional;
    if (extra === undefined) return { flags, log };
    if (program.explain === undefined) process.stderr.write(`Error: unexpected argument: ${extra}\n`);
    else program.explain(log, new FlagError(`'${extra}' is not a valid flag`));
    process.exit(1);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    explainFlag(program, error);
  }
}

/** Runs `program` with this process's arguments. Exit codes: 0 stopped by a signal, 1 failed, 2 (etcd's dialect) bad flags. */
export async function runProgram<S extends FlagSet>(program: Program<S>): Promise<void> {
  // A full disk under standard output or error, or nobody who reads it: what is said there is lost, the program goes on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const { flags, log } = readCommandLine(program);
  for (const name of flags.ignored) log.warn({ flag: `--${name}` }, 'flag accepted but it has no effect here');

  const lifecycle = new Lifecycle(log);
  let stopping = false;
  const stop = (code: number): void => {
    if (stopping) return;
    stopping = true;
    // Also where nothing is left to wait for before all has stopped.
    process.exitCode = code === 0 ? 1 : code;
    setTimeout(() => process.exit(code === 0 ? 1 : code), stopTimeoutMs).unref();
    lifecycle.stop().then(
      () => process.exit(code),
      () => process.exit(1),
    );
  };
  const fatal = (error: unknown, message: string): void => {
    log.error({ err: error }, message);
    stop(1);
  };
  for (const [name, signal] of [
    ['SIGTERM', 'terminated'],
    ['SIGINT', 'interrupt'],
  ] as const) {
    process.on(name, () => {
      log.info({ signal }, 'received signal; shutting down');
      stop(0);
    });
  }
  process.on('uncaughtException', (error) => {
    log.error({ err: error }, 'uncaught exception');
    process.exit(1);
  });
  process.on('unhandledRejection', (error) => {
    // What broke may break its neighbours too: they must not cut the stop short.
    if (stopping) return;
    log.error({ err: error }, 'unhandled rejection');
    process.exit(1);
  });
  try {
    await program.start({
      flags,
      log,
      clock: new SystemClock(),
      random: new SystemRandom(),
      lifecycle,
      env: process.env,
      fatal,
    });
    keepCompiled();
  } catch (error) {
    if (error instanceof FlagError) explainFlag(program, error);
    if (error instanceof StartupError) {
      if (program.explain === undefined) process.stderr.write(`Error: ${error.message}\n`);
      else program.explain(log, error);
      stop(1);
    } else {
      fatal(error, 'could not start');
    }
  }
}
