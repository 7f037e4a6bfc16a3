// How a command ended, as the error channel of a client says it (k8s.io/client-go/tools/remotecommand: errorDecoderV4;
// k8s.io/apiserver/pkg/util/proxy: codeExitToStatusError).
import type { Status } from '@drydock/api/generated/types.ts';
import { apiError } from '@drydock/api/status.ts';

const success = { metadata: {}, status: 'Success' };
const nonZero = 'NonZeroExitCode';

/** What a client is told where the kubelet's error stream said `text`. What a node says may be anything. */
export function clientStatus(text: string): object {
  if (text === '') return success;
  const said = parsed(text);
  if (said === undefined) return internal(`error stream protocol error: unmarshalling failed: ${JSON.stringify(text)}`);
  if (said.status === 'Success') return success;
  if (said.status !== 'Failure') return internal(`error stream protocol error: unknown error, ${text}`);
  if (said.reason !== nonZero) return internal(String(said.message ?? ''));
  const causes = said.details?.causes;
  const code = Array.isArray(causes) ? causes.find((cause) => cause?.reason === 'ExitCode')?.message : undefined;
  if (code === undefined || !/^-?\d+$/.test(String(code)))
    return internal(`error stream protocol error: no exit code of ${nonZero}`);
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: command terminated with exit code ${code}`,
    reason: nonZero,
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}

/** Something between client and container failed. */
export function internal(message: string): Status {
  return apiError('InternalError', `Internal error occurred: ${message}`).status;
}

interface Said {
  readonly status?: unknown;
  readonly reason?: unknown;
  readonly message?: unknown;
  readonly details?: { readonly causes?: unknown };
}

function parsed(text: string): Said | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
