// Logging as a port: structured fields first, then a message that does not contain them.

/** Values of a log line. Errors go under the key `err`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** A logger; `child` adds fields to every line. No method throws. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Log;
}

/** Swallows everything. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
};
