// Adapter: what a container left as its last words.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { annotations, type ContainerDetail } from '../engine/engine.ts';

const terminationMessageBytesMax = 4096;

/** The termination message file; by policy FallbackToLogsOnError the end of the log of what failed. */
export function terminationMessage(container: ContainerDetail): string {
  const message = tail(container.annotations[annotations.terminationMessageFile] ?? '', terminationMessageBytesMax);
  if (message !== '' || container.exitCode === 0) return message;
  if (container.annotations[annotations.terminationMessagePolicy] !== 'FallbackToLogsOnError') return '';
  const lines = tail(container.logPath, terminationMessageBytesMax).split('\n');
  return lines
    .map((line) => line.split(' ').slice(3).join(' '))
    .join('\n')
    .slice(-2048);
}

function tail(path: string, bytesMax: number): string {
  if (path === '') return '';
  try {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      const buffer = Buffer.alloc(Math.min(size, bytesMax));
      readSync(file, buffer, 0, buffer.length, Math.max(0, size - bytesMax));
      return buffer.toString();
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}
