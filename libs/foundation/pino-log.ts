// Adapter: pino, one JSON line per event on standard error, so that standard output stays a program's answer.
import { destination, type Logger, pino, stdTimeFunctions } from 'pino';
import type { Log, LogFields } from './log.ts';

/** klog verbosity (`-v`) as a pino level: 0-1 info, 2 and more debug from 4 on. */
export function levelOf(verbosity: number): 'info' | 'debug' {
  return verbosity >= 4 ? 'debug' : 'info';
}

/** The log of a process. Construct it in `apps/*` only. */
export function createLog(component: string, level: 'debug' | 'info' | 'warn' | 'error' = 'info'): Log {
  const logger = pino(
    { level, base: { component }, timestamp: stdTimeFunctions.isoTime },
    destination({ dest: 2, sync: true }),
  );
  return wrap(logger);
}

function wrap(logger: Logger): Log {
  return {
    debug: (fields: LogFields, message: string) => logger.debug(fields, message),
    info: (fields: LogFields, message: string) => logger.info(fields, message),
    warn: (fields: LogFields, message: string) => logger.warn(fields, message),
    error: (fields: LogFields, message: string) => logger.error(fields, message),
    child: (fields: LogFields) => wrap(logger.child(fields)),
  };
}
