// Standard output of the command line. Who reads it may go away (`| head`), and a file may be full: both end a verb quietly.
import process from 'node:process';

/** As a shell has it for a program that SIGPIPE ended. */
const brokenPipeCode = 141;

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** To be called once, before anything is printed. */
export function guardOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(brokenPipeCode);
    process.stderr.write(
      `drydock: cannot write to standard output: ${error.code === 'ENOSPC' ? 'no space left' : error.message}\n`,
    );
    process.exit(1);
  });
  // Nobody is left to be told.
  process.stderr.on('error', () => {});
}
