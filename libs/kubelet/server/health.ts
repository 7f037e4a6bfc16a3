// The answer of /healthz (apiserver's healthz library, as the kubelet uses it).
import { ok, type StatusAnswer } from '@drydock/client/status-server.ts';

/** `problem`: why the loop of the pods is not healthy; undefined where it is. */
export function healthAnswer(problem: string | undefined): StatusAnswer {
  if (problem === undefined) return ok;
  const lines = ['[+]ping ok', '[+]log ok', `[-]syncloop failed: ${problem}`, 'healthz check failed'];
  return { code: 500, body: `${lines.join('\n')}\n` };
}
