// Reads the file of --config.
import { readFileSync } from 'node:fs';
import type { Log } from '@drydock/foundation/log.ts';
import { StartupError } from '@drydock/foundation/program.ts';

/**
 * The document; undefined where there is no file. Most that programs write are JSON; the reader of YAML takes 6 MB, so it is
 * loaded only for YAML. Throws StartupError.
 */
export async function readDocument(path: string, log: Pick<Log, 'warn'>): Promise<unknown> {
  if (path === '') return undefined;
  try {
    const text = readFileSync(path, 'utf8');
    if (/^\s*\{/.test(text)) return JSON.parse(text);
    const { parseDocument } = await import('yaml');
    const document = parseDocument(text);
    for (const error of document.errors) {
      if (error.code !== 'DUPLICATE_KEY') throw error;
      // The last one counts, as in the original.
      log.warn({ err: error.message }, 'Using lenient decoding as strict decoding failed');
    }
    return document.toJS();
  } catch (cause) {
    throw new StartupError(loadFailure(path, cause as Error), { cause });
  }
}

/** What upstream says of a file that it cannot read. */
export function loadFailure(path: string, { message }: Error): string {
  return `failed to load kubelet config file, path: ${path}, error: failed to load Kubelet config file ${path}, error failed to decode: ${message}`;
}
