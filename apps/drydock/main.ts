// The lab's command line: reads it, runs the verb, and turns what goes wrong into one line and an exit code.
import process from 'node:process';
import { explain } from '@drydock/lab/errors.ts';
import { CommanderError } from 'commander';
import { chosenLab, program } from './command-line.ts';
import { withLab } from './hints.ts';
import { guardOutput } from './output.ts';
import { readableSignals } from './process-verbs.ts';

guardOutput();
try {
  await program.parseAsync(readableSignals(process.argv));
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode);
  const line = explain(error);
  if (line === undefined) throw error;
  process.stderr.write(`drydock: ${withLab(line, chosenLab())}\n`);
  process.exit(1);
}
