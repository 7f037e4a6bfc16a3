// etcdutl: works on data directories and snapshot files while no member runs on them.
import process from 'node:process';
import { fileHash } from '@drydock/etcd/backup/file-hash.ts';
import { SnapshotFileError } from '@drydock/etcd/backup/snapshot-file.ts';
import { snapshotStatus } from '@drydock/etcd/backup/status.ts';
import { BoltError } from '@drydock/etcd/bbolt/errors.ts';
import { EtcdError } from '@drydock/etcd/errors.ts';
import { UrlError } from '@drydock/etcd/server/urls.ts';
import { serverVersion } from '@drydock/etcd/server/version.ts';
import { type Command, runCommand } from './cobra.ts';
import { defragCommand } from './defrag-command.ts';
import { exitCode, UsageError } from './exit.ts';
import { FileError, withFile } from './file-source.ts';
import { hashResult, type OutputFormat, outputFormats, render, statusResult } from './print.ts';
import { restoreCommand } from './restore-command.ts';

const say = (text: string): void => {
  process.stdout.write(text);
};

function print(format: unknown, result: Parameters<typeof render>[1]): number {
  const text = render(format as OutputFormat, result);
  if (text === undefined) throw new UsageError(`${format} not supported as output format`, exitCode.badFeature);
  say(text);
  return exitCode.success;
}

function checkFormat(format: unknown): void {
  if (!(outputFormats as readonly unknown[]).includes(format))
    throw new UsageError('unsupported output format', exitCode.badFeature);
}

const statusCommand: Command = {
  use: 'status <filename>',
  short: 'Gets backend snapshot status of a given file',
  run: async (args, flags) => {
    const [file] = args;
    if (file === undefined || args.length !== 1)
      throw new UsageError('snapshot status requires exactly one argument', exitCode.badArgs);
    checkFormat(flags['write-out']);
    return print(flags['write-out'], statusResult(await withFile(file, 'stat', snapshotStatus)));
  },
};

const snapshotCommand: Command = {
  use: 'snapshot',
  short: 'Manages etcd node snapshots',
  commands: [
    restoreCommand,
    {
      use: 'save <filename>',
      short: 'Stores an etcd node backend snapshot to a given file',
      hidden: true,
      run: async () => {
        say('Command "save" is deprecated, Use `etcdctl snapshot save` to download snapshot\n');
        throw new UsageError('In order to download snapshot use: `etcdctl snapshot save ...`', exitCode.badArgs);
      },
    },
    statusCommand,
  ],
};

const hashCommand: Command = {
  use: 'hashkv <filename>',
  short: 'Prints the KV history hash of a given file',
  args: 1,
  flags: {
    rev: { type: 'int', default: 0, usage: 'maximum revision to hash (default: latest revision)', typeName: 'int' },
  },
  run: async ([file = ''], flags) => {
    checkFormat(flags['write-out']);
    return print(flags['write-out'], hashResult(await withFile(file, 'open', (source) => fileHash(source, Number(flags.rev)))));
  },
};

const versionCommand: Command = {
  use: 'version',
  short: 'Prints the version of etcdutl',
  run: async () => {
    say(`etcdutl version: ${serverVersion}\nAPI version: ${serverVersion.replace(/\.\d+$/, '')}\n`);
    return exitCode.success;
  },
};

const root: Command = {
  use: 'etcdutl',
  short: 'An administrative command line tool for etcd3.',
  commands: [defragCommand, hashCommand, snapshotCommand, versionCommand],
  flags: {
    'write-out': {
      type: 'string',
      default: 'simple',
      usage: `set the output format (${outputFormats.join(', ')})`,
      typeName: 'string',
      shorthand: 'w',
    },
  },
};

const expected = [BoltError, EtcdError, FileError, SnapshotFileError, UrlError, UsageError];
try {
  process.exitCode = await runCommand(root, process.argv.slice(2), { out: say, err: (text) => process.stderr.write(text) });
} catch (error) {
  if (!expected.some((type) => error instanceof type)) throw error;
  process.stderr.write(`Error: ${(error as Error).message}\n`);
  process.exitCode = error instanceof UsageError ? error.exitCode : exitCode.error;
}
