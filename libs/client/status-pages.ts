// What scheduler and controller-manager tell of themselves: health checks and metrics.
import type { Pages } from './serving.ts';
import { metricsType, ok } from './status-server.ts';

/** /healthz, /livez and /readyz say what `unhealthy` says (undefined: nothing is wrong), /metrics has that text. */
export function statusPages(unhealthy: () => string | undefined, metrics: () => string): Pages {
  return {
    answer({ path }) {
      if (path === '/metrics') return { code: 200, body: metrics(), type: metricsType };
      if (!/^\/(healthz|livez|readyz)(\/|$)/.test(path)) return { code: 404, body: '404 page not found\n' };
      const reason = unhealthy();
      return reason === undefined ? ok : { code: 500, body: `[-]leaderElection failed: ${reason}\n` };
    },
  };
}
