// From flags to what the server is told.
import { readFileSync } from 'node:fs';
import { type ParsedLabelSelector, parseLabelSelector } from '@drydock/api/selectors/label.ts';
import type { ClientConfig } from '@drydock/client/kubeconfig.ts';
import { formatDuration } from '@drydock/foundation/duration.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import type { KubeletTls } from '@drydock/metrics-server/kubelet-client.ts';
import type { flags } from './flags.ts';

export type Given = Values<typeof flags>;

const leastResolutionMs = 10_000;

/** Throws StartupError for what cannot be, in upstream's words where it has some. */
export function checkFlags(v: Given): void {
  const [ca, cert, key] = [v['kubelet-certificate-authority'], v['kubelet-client-certificate'], v['kubelet-client-key']];
  const [resolution, timeout] = [v['metric-resolution'], v['kubelet-request-timeout']];
  if (ca !== '' && v['kubelet-insecure-tls'])
    throw new StartupError('cannot use both --kubelet-certificate-authority and --kubelet-insecure-tls');
  if ((cert === '') !== (key === '')) throw new StartupError('need both --kubelet-client-key and --kubelet-client-certificate');
  if (timeout <= 0) throw new StartupError('kubelet-request-timeout should be positive');
  if (resolution < leastResolutionMs)
    throw new StartupError(
      `metric-resolution should be a time duration at least 10s, but value ${formatDuration(resolution)} provided`,
    );
  if ((resolution * 9) / 10 < timeout)
    throw new StartupError(
      `metric-resolution should be larger than kubelet-request-timeout, but metric-resolution value ${formatDuration(resolution)} kubelet-request-timeout value ${formatDuration(timeout)} provided`,
    );
  for (const name of ['secure-port', 'kubelet-port'] as const)
    if (v[name] < 1 || v[name] > 65_535) throw new StartupError(`--${name} ${v[name]} must be between 1 and 65535, inclusive`);
}

/** Of --node-selector; throws StartupError. */
export function nodeSelector(v: Given): ParsedLabelSelector {
  try {
    return parseLabelSelector(v['node-selector'].trim());
  } catch (cause) {
    throw new StartupError(`--node-selector: ${(cause as Error).message}`, { cause });
  }
}

/** How kubelets are met: as --kubeconfig says of the API server, but for what the flags say. Throws StartupError for a file. */
export function kubeletTls(v: Given, config: ClientConfig): KubeletTls {
  const insecure = v['kubelet-insecure-tls'];
  const ca = read(v, 'kubelet-certificate-authority');
  return {
    ca: insecure ? undefined : (ca ?? config.ca),
    insecure: insecure || (ca === undefined && config.insecureSkipTlsVerify === true),
    cert: read(v, 'kubelet-client-certificate') ?? config.cert,
    key: read(v, 'kubelet-client-key') ?? config.key,
  };
}

/** With --kubeconfig where upstream takes the account of its pod. */
export function accessOf(v: Given): Given {
  return {
    ...v,
    'authentication-kubeconfig': v['authentication-kubeconfig'] || v.kubeconfig,
    'authorization-kubeconfig': v['authorization-kubeconfig'] || v.kubeconfig,
  };
}

function read(
  v: Given,
  name: 'kubelet-certificate-authority' | 'kubelet-client-certificate' | 'kubelet-client-key',
): Buffer | undefined {
  if (v[name] === '') return undefined;
  try {
    return readFileSync(v[name]);
  } catch (cause) {
    throw new StartupError(`--${name}: ${(cause as Error).message}`, { cause });
  }
}
