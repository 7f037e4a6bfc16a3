// The two kinds of status port in a process of their own, for tests that measure what it costs.
import process from 'node:process';
import { silentLog } from '@drydock/foundation/log.ts';
import type { ServingTimes } from '@drydock/foundation/serving/bounds.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { ClusterAuthentication } from '../access/cluster-authentication.ts';
import { AccessGuard } from '../access/guard.ts';
import { pathRules } from '../access/path-rules.ts';
import { servingService } from '../serving.ts';
import { statusPages } from '../status-pages.ts';
import { ok, statusServer } from '../status-server.ts';

const times: ServingTimes = { graceMs: 300, handshakeMs: 1_000, headersMs: 1_000, idleMs: 1_000, sweepMs: 200 };

if (process.send !== undefined) {
  const names = { usernameHeaders: [], uidHeaders: [], groupHeaders: [], extraPrefixes: [], allowedNames: [] };
  const guard = new AccessGuard({
    authentication: new ClusterAuthentication({ clientCaFile: '', proxyCaFile: '', requestHeader: names }, silentLog),
    tokens: undefined,
    reviews: undefined,
    everybody: pathRules(['/healthz']),
    log: silentLog,
  });
  const [plain, tls] = [20_000 + (process.pid % 10_000), 30_000 + (process.pid % 2_000)];
  await statusServer('healthz', { host: '127.0.0.1', port: plain }, { '/healthz': () => ok }, times).start();
  await servingService({
    component: 'test',
    address: '127.0.0.1',
    port: tls,
    certFile: '',
    keyFile: '',
    guard,
    clock: new SystemClock(),
    random: new SystemRandom().stream('test'),
    times,
    pages: statusPages(
      () => undefined,
      () => '',
    ),
  }).start();
  process.send({ plain, tls });
  process.on('disconnect', () => process.exit());
}
