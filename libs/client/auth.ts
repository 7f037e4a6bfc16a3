// The bearer token of a connection: fixed, or read from a file again and again, as projected service-account tokens rotate.
import { readFileSync } from 'node:fs';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { ClientConfig } from './kubeconfig.ts';
import { tokenRefreshMs } from './limits.ts';

/** Gives the value of the `authorization` header, or undefined where the identity is the certificate's. */
export function authorization(config: ClientConfig, clock: Clock): () => string | undefined {
  const { token, tokenFile } = config;
  if (tokenFile === undefined) return () => (token === undefined ? undefined : `Bearer ${token}`);
  let current = token;
  let readAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (clock.monotonicMs() - readAtMs >= tokenRefreshMs) {
      try {
        current = readFileSync(tokenFile, 'utf8').trim();
        readAtMs = clock.monotonicMs();
      } catch {
        // An unreadable file leaves the last token in use; the server says so when it is no longer valid.
      }
    }
    return current === undefined ? undefined : `Bearer ${current}`;
  };
}
