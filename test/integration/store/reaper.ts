// What outlives the process of a test: a shell that holds the other end of a pipe. When the test's process is gone, however that came
// (a timeout, SIGTERM, kill -9), the pipe ends, and the shell ends what was started and removes what was made.

import type { Writable } from 'node:stream';
import { type ChildProcess, spawn } from '@drydock/foundation/child-process.ts';

/** Lines: `+ PID`, `- PID` where it has ended by itself, `/ FOLDER` to be removed. */
const script = `
pids=' '
while IFS=' ' read -r what name; do
  case $what in
    +) pids="$pids$name " ;;
    -) case $pids in *" $name "*) pids="\${pids%%" $name "*} \${pids#*" $name "}" ;; esac ;;
    /) folders="$folders
$name" ;;
  esac
done
for pid in $pids; do kill -9 "$pid"; done
[ "$pids" = ' ' ] || sleep 1 # until they have let go of their folders
printf '%s\\n' "$folders" | while IFS= read -r folder; do [ -z "$folder" ] || rm -rf "$folder"; done
`;

let pipe: Writable | undefined;

function tell(line: string): void {
  if (pipe === undefined) {
    // Of a group of its own: what is sent to the group of the tests must not reach it.
    const reaper = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    reaper.unref();
    pipe = reaper.stdin;
    (pipe as Writable & { unref(): void }).unref();
    pipe.on('error', () => {});
  }
  pipe.write(`${line}\n`);
}

/** Ends `child` when this process is gone. */
export function reapProcess(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  tell(`+ ${pid}`);
  child.once('exit', () => tell(`- ${pid}`));
}

/** Removes `folder`, which is of the tests alone, when this process is gone. */
export function reapFolder(folder: string): void {
  tell(`/ ${folder}`);
}
