// `--help` in etcd's layout: the flags by section, each with its default and what it does.
import { formatDuration } from '@drydock/foundation/duration.ts';
import type { Flag } from '@drydock/foundation/flags.ts';
import { etcdFlags } from './flags.ts';

const sections = [
  'Member',
  'Clustering',
  'Security',
  'Auth',
  'Profiling and Monitoring',
  'Logging',
  'Experimental feature',
  'Unsafe feature',
] as const;
type Section = (typeof sections)[number];

type Name = keyof typeof etcdFlags;

/** In the order in which they are shown; one that is not named here is a member's, and comes last. */
const sectionOf: Readonly<Partial<Record<Name, Section>>> = {
  name: 'Member',
  'data-dir': 'Member',
  'wal-dir': 'Member',
  'snapshot-count': 'Member',
  'heartbeat-interval': 'Member',
  'election-timeout': 'Member',
  'listen-peer-urls': 'Member',
  'listen-client-urls': 'Member',
  'quota-backend-bytes': 'Member',
  'max-txn-ops': 'Member',
  'max-request-bytes': 'Member',
  'max-concurrent-streams': 'Member',
  'enable-grpc-gateway': 'Member',

  'initial-advertise-peer-urls': 'Clustering',
  'initial-cluster': 'Clustering',
  'initial-cluster-state': 'Clustering',
  'initial-cluster-token': 'Clustering',
  'advertise-client-urls': 'Clustering',
  'strict-reconfig-check': 'Clustering',
  'max-learners': 'Clustering',
  'pre-vote': 'Clustering',
  'auto-compaction-retention': 'Clustering',
  'auto-compaction-mode': 'Clustering',

  'cert-file': 'Security',
  'key-file': 'Security',
  'client-cert-auth': 'Security',
  'client-cert-file': 'Security',
  'client-key-file': 'Security',
  'client-crl-file': 'Security',
  'client-cert-allowed-hostname': 'Security',
  'trusted-ca-file': 'Security',
  'auto-tls': 'Security',
  'peer-cert-file': 'Security',
  'peer-key-file': 'Security',
  'peer-client-cert-auth': 'Security',
  'peer-trusted-ca-file': 'Security',
  'peer-cert-allowed-cn': 'Security',
  'peer-cert-allowed-hostname': 'Security',
  'peer-auto-tls': 'Security',
  'peer-client-cert-file': 'Security',
  'peer-client-key-file': 'Security',
  'peer-crl-file': 'Security',
  'cipher-suites': 'Security',
  cors: 'Security',
  'host-whitelist': 'Security',
  'tls-min-version': 'Security',
  'tls-max-version': 'Security',

  'auth-token': 'Auth',
  'bcrypt-cost': 'Auth',
  'auth-token-ttl': 'Auth',

  metrics: 'Profiling and Monitoring',
  'listen-metrics-urls': 'Profiling and Monitoring',

  'log-outputs': 'Logging',
  'log-level': 'Logging',
  'log-format': 'Logging',
  v: 'Logging',

  'feature-gates': 'Experimental feature',
  'initial-corrupt-check': 'Experimental feature',
  'experimental-initial-corrupt-check': 'Experimental feature',
  'corrupt-check-time': 'Experimental feature',
  'experimental-corrupt-check-time': 'Experimental feature',
  'compact-hash-check-enabled': 'Experimental feature',
  'experimental-compact-hash-check-enabled': 'Experimental feature',
  'compact-hash-check-time': 'Experimental feature',
  'experimental-compact-hash-check-time': 'Experimental feature',
  'experimental-peer-skip-client-san-verification': 'Experimental feature',
  'experimental-watch-progress-notify-interval': 'Experimental feature',
  'experimental-snapshot-catchup-entries': 'Experimental feature',
  'experimental-max-learners': 'Experimental feature',

  'force-new-cluster': 'Unsafe feature',
};

export function help(): string {
  const names = [...new Set([...Object.keys(sectionOf), ...Object.keys(etcdFlags)])] as Name[];
  return sections
    .map((section) => {
      const own = names.filter((name) => (sectionOf[name] ?? 'Member') === section);
      return `${section}:\n${own.map((name) => `  --${name} '${shown(etcdFlags[name])}'\n    ${etcdFlags[name].usage}\n`).join('')}`;
    })
    .join('\n');
}

function shown({ type, default: value }: Flag): string {
  if (type === 'duration') return formatDuration(Number(value));
  return type === 'map' ? '' : String(value);
}
