// The flags of delegated authentication and authorisation, the same for every component that serves a port of its own, and the guard
// that they stand for (DelegatingAuthenticationOptions and DelegatingAuthorizationOptions of k8s.io/apiserver).
import { flag, type Values } from '@drydock/foundation/flags.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import type { ApiClient } from '../api-client.ts';
import { type ClientPorts, connect } from '../connect.ts';
import type { InformerPorts } from '../informer.ts';
import { kubeconfigOfFlag } from '../kubeconfig-flag.ts';
import { reviewsBurst, reviewsPerSecond } from '../limits.ts';
import { limited } from '../rate-limit.ts';
import { AccessReviews } from './access-reviews.ts';
import { ClusterAuthentication } from './cluster-authentication.ts';
import { AccessGuard } from './guard.ts';
import { type PathRules, pathRules } from './path-rules.ts';
import { TokenReviews } from './token-reviews.ts';

const tenSeconds = 10_000;

export const accessFlags = {
  'authentication-kubeconfig': flag(
    'string',
    '',
    'Kubeconfig file for TokenReviews and for looking up authorities of clients; without it tokens say nothing.',
  ),
  'authentication-skip-lookup': flag(
    'bool',
    false,
    'If true, what the flags leave open about authorities of clients is not looked up in the cluster.',
  ),
  'authentication-tolerate-lookup-failure': flag(
    'bool',
    true,
    'If false, the program does not start where that cannot be looked up.',
  ),
  'authentication-token-webhook-cache-ttl': flag('duration', tenSeconds, 'How long the answer to a TokenReview is good.'),
  'authorization-kubeconfig': flag(
    'string',
    '',
    'Kubeconfig file for SubjectAccessReviews; without it all that is not allowed without a question is forbidden.',
  ),
  'authorization-always-allow-paths': flag(
    'strings',
    ['/healthz', '/readyz', '/livez'],
    'Paths that everybody may ask for; a * at the end stands for whatever follows.',
  ),
  'authorization-webhook-cache-authorized-ttl': flag(
    'duration',
    tenSeconds,
    'How long a SubjectAccessReview that allows is good.',
  ),
  'authorization-webhook-cache-unauthorized-ttl': flag(
    'duration',
    tenSeconds,
    'How long a SubjectAccessReview that does not allow is good.',
  ),
  'client-ca-file': flag('string', '', 'Authorities of client certificates; looked up in the cluster if not given.'),
  'requestheader-client-ca-file': flag(
    'string',
    '',
    'Authorities of the client certificates that may give user names in headers; looked up in the cluster if not given.',
  ),
  'requestheader-allowed-names': flag('strings', [], 'Common names of those certificates; empty allows each of them.'),
  'requestheader-username-headers': flag('strings', ['x-remote-user'], 'Headers for user names.'),
  'requestheader-uid-headers': flag('strings', [], 'Headers for user ids.'),
  'requestheader-group-headers': flag('strings', ['x-remote-group'], 'Headers for groups.'),
  'requestheader-extra-headers-prefix': flag(
    'strings',
    ['x-remote-extra-'],
    'Header prefixes for extra information about users.',
  ),
} as const;

export interface DelegatedAccess {
  readonly guard: AccessGuard;
  /** Follows what is looked up, and closes the connections. */
  readonly service: Service;
}

/** Throws StartupError for flags and files that are of no use, and where a lookup that must not fail does. */
export async function delegatedAccess(
  v: Values<typeof accessFlags>,
  ports: ClientPorts & Pick<InformerPorts, 'log'>,
): Promise<DelegatedAccess> {
  const { clock, log } = ports;
  const everybody = rulesOf(v['authorization-always-allow-paths']);
  const authentication = new ClusterAuthentication(
    {
      clientCaFile: v['client-ca-file'],
      proxyCaFile: v['requestheader-client-ca-file'],
      requestHeader: {
        allowedNames: v['requestheader-allowed-names'],
        usernameHeaders: v['requestheader-username-headers'],
        uidHeaders: v['requestheader-uid-headers'],
        groupHeaders: v['requestheader-group-headers'],
        extraPrefixes: v['requestheader-extra-headers-prefix'],
      },
    },
    log,
  );
  const [authentications, authorizations] = [v['authentication-kubeconfig'], v['authorization-kubeconfig']];
  const authenticator = await reviewer(authentications, ports);
  // One connection where both are the same.
  const authorizer = authorizations === authentications ? authenticator : await reviewer(authorizations, ports);
  const looksUp = !v['authentication-skip-lookup'] && authentication.isOpen;
  if (looksUp && authenticator === undefined)
    log.warn({}, 'no --authentication-kubeconfig to look up authorities of clients: what the flags leave open says nothing');
  if (authorizer === undefined)
    log.warn({}, 'no --authorization-kubeconfig: what is not allowed without a question is forbidden');
  const source = looksUp ? authenticator : undefined;
  if (source !== undefined && !v['authentication-tolerate-lookup-failure']) await authentication.require({ client: source });
  const stopped = new AbortController();
  return {
    guard: new AccessGuard({
      authentication,
      tokens: authenticator && new TokenReviews(authenticator, clock, v['authentication-token-webhook-cache-ttl']),
      reviews:
        authorizer &&
        new AccessReviews(authorizer, clock, {
          allowedMs: v['authorization-webhook-cache-authorized-ttl'],
          deniedMs: v['authorization-webhook-cache-unauthorized-ttl'],
        }),
      everybody,
      log,
    }),
    service: {
      name: 'access',
      async start() {
        if (source !== undefined) authentication.follow({ ...ports, client: source }, stopped.signal);
      },
      async stop() {
        stopped.abort();
        authenticator?.close();
        authorizer?.close();
      },
    },
  };
}

async function reviewer(kubeconfig: string, ports: ClientPorts): Promise<ApiClient | undefined> {
  if (kubeconfig === '') return undefined;
  const client = await connect(await kubeconfigOfFlag(kubeconfig), ports);
  return limited(client, ports.clock, { perSecond: reviewsPerSecond, burst: reviewsBurst });
}

function rulesOf(texts: readonly string[]): PathRules {
  try {
    return pathRules(texts);
  } catch (cause) {
    throw new StartupError(`--authorization-always-allow-paths: ${(cause as Error).message}`, { cause });
  }
}
