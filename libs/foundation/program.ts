// Adapter: what every process of the project has in common: flags, log, signals, an orderly stop, exit codes.
import { flushCompileCache } from 'node:module';
import process from 'node:process';
import type { Clock } from './clock.ts';
import { describeFlags, type FlagDialect, FlagError, type FlagSet, type ParsedFlags, parseFlags } from './flags.ts';
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

/** Runs `program` with this process's arguments. Exit codes: 0 stopped by a signal, 1 failed, 2 (etcd's dialect) bad flags. */
export async function runProgram<S extends FlagSet>(program: Program<S>): Promise<void> {
  let flags: ParsedFlags<S>;
  try {
    flags = parseFlags(program.flags, process.argv.slice(2), program.dialect, process.env);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    const go = program.dialect.style === 'go';
    process.stderr.write(go ? `${error.message}\n` : `Error: ${error.message}\nSee '${program.name} --help' for usage.\n`);
    process.exit(go ? 2 : 1);
  }
  if (flags.help) {
    process.stdout.write(`Usage:\n  ${program.name} [flags]\n\nFlags:\n${describeFlags(program.flags)}\n`);
    process.exit(0);
  }
  const verbosity = Number((flags.values as { v?: number }).v ?? 0);
  const log = createLog(program.name, levelOf(verbosity));
  if (flags.positional.length > 0) {
    process.stderr.write(`Error: unexpected argument: ${flags.positional[0]}\n`);
    process.exit(1);
  }
  for (const name of flags.ignored) log.warn({ flag: `--${name}` }, 'flag accepted but it has no effect here');

  const lifecycle = new Lifecycle(log);
  let stopping = false;
  const stop = (code: number): void => {
    if (stopping) return;
    stopping = true;
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
  process.on('SIGTERM', () => stop(0));
  process.on('SIGINT', () => stop(0));
  process.on('uncaughtException', (error) => {
    log.error({ err: error }, 'uncaught exception');
    process.exit(1);
  });
  process.on('unhandledRejection', (error) => {
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
    if (error instanceof StartupError) {
      process.stderr.write(`Error: ${error.message}\n`);
      stop(1);
    } else {
      fatal(error, 'could not start');
    }
  }
}
