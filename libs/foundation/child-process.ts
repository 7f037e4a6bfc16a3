// Adapter: starts processes, each with a clean environment. The functions are those of node:child_process and execa, but what
// they start sees `cleanEnvironment` and what the caller adds, never all that this process has seen. `npm run tidy` finds
// whoever goes around it.
import * as node from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';
import { execa as plainExeca } from 'execa';
import { cleanEnvironment, type Environment } from './clean-environment.ts';

export type { ChildProcess, ChildProcessWithoutNullStreams, StdioOptions } from 'node:child_process';

type Options = { readonly env?: Environment };
type AnyFunction = (...args: never[]) => unknown;

/** The arguments with a clean environment in their options; adds options where there are none. */
function cleaned(args: readonly unknown[]): unknown[] {
  const isOptions = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  const at = args.findIndex(isOptions);
  const given = (at < 0 ? {} : args[at]) as Options;
  const options = { ...given, env: cleanEnvironment(process.env, given.env) };
  if (at >= 0) return args.with(at, options);
  const callback = args.findIndex((value) => typeof value === 'function');
  return callback < 0 ? [...args, options] : args.toSpliced(callback, 0, options);
}

function wrap<F extends AnyFunction>(start: F): F {
  return ((...args: unknown[]) => start(...(cleaned(args) as Parameters<F>))) as unknown as F;
}

export const spawn = wrap(node.spawn) as typeof node.spawn;
export const spawnSync = wrap(node.spawnSync) as typeof node.spawnSync;
export const fork = wrap(node.fork) as typeof node.fork;
export const execFileSync = wrap(node.execFileSync) as typeof node.execFileSync;
/** Works with util.promisify as Node's does. */
export const execFile = Object.assign(wrap(node.execFile as AnyFunction), {
  [promisify.custom]: wrap(promisify(node.execFile) as AnyFunction),
}) as unknown as typeof node.execFile;

export const execa = ((...args: unknown[]) => {
  const all = cleaned(args);
  return (plainExeca as (...args: unknown[]) => unknown)(...all.slice(0, -1), { ...(all.at(-1) as object), extendEnv: false });
}) as unknown as typeof plainExeca;
