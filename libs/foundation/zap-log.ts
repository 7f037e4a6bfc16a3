// Adapter: a log in the shape of zap's production encoder, which the tools around etcd read: level, time, caller and message first,
// then the fields.
import { openSync, writeSync } from 'node:fs';
import type { Log, LogFields } from './log.ts';

export const zapLevels = ['debug', 'info', 'warn', 'error', 'dpanic', 'panic', 'fatal'] as const;
export type ZapLevel = (typeof zapLevels)[number];

export interface ZapLogOptions {
  readonly level: ZapLevel;
  readonly format: 'json' | 'console';
  /** `stderr`, `stdout`, `default` (stderr) or the path of a file that is appended to. */
  readonly outputs: readonly string[];
}

const stderrFd = 2;
const stdoutFd = 1;
const microsPerMs = 1000;

/** The log of a process. Construct it in `apps/*` only. Throws where a file cannot be opened. */
export function createZapLog({ level, format, outputs }: ZapLogOptions): Log {
  const files = outputs.map(fileOf);
  const least = zapLevels.indexOf(level);
  return logWith({}, (at, fields, message) => {
    if (zapLevels.indexOf(at) < least) return;
    const line = `${render(format, at, fields, message)}\n`;
    for (const file of files) writeSync(file, line);
  });
}

function fileOf(output: string): number {
  if (output === 'stdout') return stdoutFd;
  return output === 'stderr' || output === 'default' ? stderrFd : openSync(output, 'a', 0o600);
}

function logWith(base: LogFields, sink: (level: ZapLevel, fields: LogFields, message: string) => void): Log {
  const write = (level: ZapLevel, fields: LogFields, message: string): void => {
    try {
      sink(level, { ...base, ...fields }, message);
    } catch {
      // A log that cannot be written must not end what it tells of.
    }
  };
  return {
    debug: (fields, message) => write('debug', fields, message),
    info: (fields, message) => write('info', fields, message),
    warn: (fields, message) => write('warn', fields, message),
    error: (fields, message) => write('error', fields, message),
    child: (fields) => logWith({ ...base, ...fields }, sink),
  };
}

function render(format: ZapLogOptions['format'], level: ZapLevel, fields: LogFields, message: string): string {
  const { logger, ...rest } = fields;
  const named = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name === 'err' ? 'error' : name, plain(value)]),
  );
  const head = { ...(logger === undefined ? {} : { logger }), caller: callerOf() };
  if (format === 'json') return JSON.stringify({ level, ts: now(), ...head, msg: message, ...named }, asText);
  const more = Object.keys(named).length > 0 ? [JSON.stringify(named, asText)] : [];
  return [now(), level, ...Object.values(head), message, ...more].join('\t');
}

/** UTC with microseconds. */
function now(): string {
  const ms = performance.timeOrigin + performance.now();
  const micros = Math.floor((ms % 1) * microsPerMs);
  return new Date(ms).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
}

function callerOf(): string {
  const frames = (new Error().stack ?? '').split('\n');
  const own = /zap-log\.ts:/;
  const frame = frames.slice(1).find((line) => !own.test(line)) ?? '';
  return /([^/]+\/[^/]+:\d+):\d+\)?$/.exec(frame)?.[1] ?? 'undefined';
}

function plain(value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}

function asText(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
