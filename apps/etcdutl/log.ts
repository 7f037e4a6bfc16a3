// What a command does, on stderr, in the console form of etcd's tools.
import process from 'node:process';

export function info(message: string, fields: Readonly<Record<string, unknown>>): void {
  const pairs = Object.entries(fields).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  process.stderr.write(`${new Date().toISOString().slice(0, 19)}Z\tinfo\t${message}\t{${pairs.join(', ')}}\n`);
}
