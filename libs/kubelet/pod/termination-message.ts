// Adapter: what a container left as its last words.
import { endOfFile } from '@drydock/foundation/beneath/tail.ts';
import { annotations, type ContainerDetail } from '../engine/engine.ts';

const terminationMessageBytesMax = 4096;
const logLinesMax = 80;
const logCharsMax = 2048;
/** Enough of the file for that, with its headers. */
const logBytesMax = 16_384;

/** The termination message file; by policy FallbackToLogsOnError the end of the log of what failed. */
export function terminationMessage(container: ContainerDetail): string {
  const message = tail(container.annotations[annotations.terminationMessageFile] ?? '', terminationMessageBytesMax);
  if (message !== '' || container.exitCode === 0) return message;
  if (container.annotations[annotations.terminationMessagePolicy] !== 'FallbackToLogsOnError') return '';
  return logEnd(tail(container.logPath, logBytesMax));
}

/** What a container wrote last, of its log in the CRI's format: at most 80 lines and 2048 bytes; a partial line stays one. */
export function logEnd(log: string): string {
  const lines = log.split('\n').filter((line) => /^\S+ (stdout|stderr) [FP]/.test(line));
  const text = lines.slice(-logLinesMax).map((line) => {
    const [, , tag = 'F', ...content] = line.split(' ');
    return `${content.join(' ')}${tag.split(':')[0] === 'P' ? '' : '\n'}`;
  });
  return text.join('').slice(-logCharsMax);
}

function tail(path: string, bytesMax: number): string {
  return path === '' ? '' : (endOfFile(path, bytesMax)?.toString() ?? '');
}
