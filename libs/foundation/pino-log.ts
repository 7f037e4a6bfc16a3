// Adapter: pino, one JSON line per event on standard error, so that standard output stays a program's answer.
import { destination, type Logger, pino, stdTimeFunctions } from 'pino';
import type { Log, LogFields } from './log.ts';

/** klog verbosity (`-v`) as a pino level: 0-1 info, 2 and more debug from 4 on. */
export function levelOf(verbosity: number): 'info' | 'debug' {
  return verbosity >= 4 ? 'debug' : 'info';
}

/** The log of a process. Construct it in `apps/*` only. */
export function createLog(component: string, level: 'debug' | 'info' | 'warn' | 'error' = 'info'): Log {
  const stream = destination({ dest: 2, sync: true });
  // A disk that is full, or a reader that has gone: a log that cannot be written must not end what it tells of.
  stream.on('error', () => {});
  return wrap(pino({ level, base: { component }, timestamp: stdTimeFunctions.isoTime }, stream));
}

function wrap(logger: Logger): Log {
  const write = (at: 'debug' | 'info' | 'warn' | 'error', fields: LogFields, message: string): void => {
    try {
      logger[at](fields, message);
    } catch {
      // See above; and a field that cannot be made text is not worth a process either.
    }
  };
  return {
    debug: (fields, message) => write('debug', fields, message),
    info: (fields, message) => write('info', fields, message),
    warn: (fields, message) => write('warn', fields, message),
    error: (fields, message) => write('error', fields, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}
