// Adapter: starts a process of the lab so that it outlives the command, and runs small tools.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { execa } from '@drydock/foundation/child-process.ts';
import { cleanEnvironment } from '@drydock/foundation/clean-environment.ts';
import { environmentOf, identify, type ProcessId, processesWithEnv, viewProcess } from './proc.ts';

export interface SpawnRequest {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly netns: string | undefined;
  /** The host name that the process sees, in a UTS namespace of its own; undefined: the machine's. */
  readonly hostname: string | undefined;
  /** A cgroup.procs file that the process writes itself into before it begins. */
  readonly cgroupProcs: string | undefined;
  readonly logFile: string;
}

export interface Spawned extends ProcessId {
  /** Resolves with how it ended; only seen while this command runs. */
  readonly ended: Promise<string>;
}

/** Set in the environment of everything a lab starts; the value is the lab's folder. */
export const labVariable = 'DRYDOCK_LAB';
/** The name of the process; its children inherit it, but they do not lead a session. */
export const nameVariable = 'DRYDOCK_PROCESS';

/** Processes of a lab that run although nothing may have recorded them: a command can die right after it started one. */
export function findStarted(dir: string): Map<string, ProcessId> {
  const found = new Map<string, ProcessId>();
  for (const pid of processesWithEnv(labVariable, dir)) {
    const view = viewProcess(pid);
    const name = environmentOf(pid, nameVariable);
    if (view !== undefined && view.session === pid && name !== undefined) found.set(name, { pid, startTime: view.startTime });
  }
  return found;
}

/**
 * Joins the cgroup, sends output to the log, takes its host name, raises the soft limit of open files, becomes the program:
 * the pid stays.
 */
const prelude =
  'if [ -n "$1" ]; then echo 0 > "$1"; fi; exec >> "$2" 2>&1; if [ -n "$3" ]; then hostname "$3"; fi; shift 3; ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@"';

/** Starts the process in a session of its own; its output is appended to the log file. */
export function spawnProcess(request: SpawnRequest): Spawned {
  mkdirSync(dirname(request.logFile), { recursive: true });
  const inside = request.netns === undefined ? [] : ['nsenter', `--net=${netnsFile(request.netns)}`, '--'];
  const prepared = [
    ...['/bin/sh', '-c', prelude, 'sh', request.cgroupProcs ?? '', request.logFile, request.hostname ?? ''],
    ...inside,
    ...request.argv,
  ];
  const [file = '', ...args] = request.hostname === undefined ? prepared : ['unshare', '--uts', '--', ...prepared];
  const child = execa(file, args, {
    detached: true,
    cleanup: false,
    reject: false,
    stdio: 'ignore',
    buffer: false,
    env: request.env,
  });
  child.nodeChildProcess.unref();
  const ended = child.then((result) =>
    result.signal === undefined ? `exit code ${result.exitCode ?? 'unknown'}` : `signal ${result.signal}`,
  );
  if (child.nodeChildProcess.pid === undefined) throw new Error(`cannot start ${request.argv[0]}`);
  return { ...(identify(child.nodeChildProcess.pid) ?? { pid: child.nodeChildProcess.pid, startTime: 0 }), ended };
}

/** Where `ip netns` keeps a namespace. */
export function netnsFile(netns: string): string {
  return `/var/run/netns/${netns}`;
}

/** A tool that failed: what was run and what it said. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  readonly stderr: string;

  constructor(command: string, stderr: string) {
    super(`${command}: ${stderr.trim()}`);
    this.stderr = stderr;
  }
}

/** Runs a tool to its end and returns its output. Throws ToolError where it fails. */
export async function tool(argv: readonly string[], input?: string): Promise<string> {
  const [file = '', ...args] = argv;
  const result = await execa(file, args, { reject: false, ...(input === undefined ? { stdin: 'ignore' } : { input }) });
  if (result.exitCode !== 0) throw new ToolError(argv.join(' '), result.stderr || result.message || '');
  return result.stdout;
}

/** Runs a tool and says only whether it worked. */
export async function succeeds(argv: readonly string[], input?: string): Promise<boolean> {
  try {
    await tool(argv, input);
    return true;
  } catch (error) {
    if (error instanceof ToolError) return false;
    throw error;
  }
}

/** The environment of the lab's processes: what tools need to be found, nothing of the user's. */
export function processEnv(dir: string, name: string, compileCache: string): Record<string, string> {
  return cleanEnvironment(process.env, {
    PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`,
    HOME: process.env.HOME ?? '/root',
    NODE_COMPILE_CACHE: compileCache,
    [labVariable]: dir,
    [nameVariable]: name,
  });
}
