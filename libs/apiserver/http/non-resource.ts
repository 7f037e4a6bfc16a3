// Everything that is not an object: health, version, metrics, discovery, OpenAPI, token issuer.

import { parseAccept } from '@drydock/api/negotiate.ts';
import { openApiV2 } from '@drydock/api/openapi/v2.ts';
import { openApiV2Bytes, openApiV2Protobuf } from '@drydock/api/openapi/v2-protobuf.ts';
import { openApiHash, openApiV3, openApiV3Index } from '@drydock/api/openapi/v3.ts';
import { notServed } from '@drydock/api/status.ts';
import { type HealthEndpoints, healthAnswer } from '@drydock/foundation/serving/health-checks.ts';
import type { RemoteGroup } from '../aggregated/remote-groups.ts';
import type { ServiceAccountTokens } from '../authn/service-account-tokens.ts';
import { discover } from './discovery.ts';
import { type Exchange, headerOf, send, sendError, sendText, sendValue } from './exchange.ts';
import type { RequestMetrics } from './metrics.ts';

export interface NonResourceOptions {
  readonly health: HealthEndpoints;
  readonly metrics: RequestMetrics;
  readonly tokens: ServiceAccountTokens;
  /** `host:port` under which clients find this server. */
  readonly advertised: string;
  /** What servers behind this one add to discovery. Fails where that is not known. */
  readonly remoteGroups: () => readonly RemoteGroup[];
  /** Their OpenAPI documents: relative URLs by what the index calls them. */
  readonly remoteOpenApi: () => Readonly<Record<string, string>>;
}

/** What /version says: the Kubernetes version whose behaviour this server has. */
export const versionInfo = {
  major: '1',
  minor: '36',
  emulationMajor: '1',
  emulationMinor: '36',
  minCompatibilityMajor: '1',
  minCompatibilityMinor: '35',
  gitVersion: 'v1.36.2+drydock',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: 'linux/amd64',
};

const rootPaths: readonly string[] = [
  '/.well-known/openid-configuration',
  '/api',
  '/api/v1',
  '/apis',
  '/healthz',
  '/livez',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/openid/v1/jwks',
  '/readyz',
  '/version',
];

export class NonResource {
  readonly #options: NonResourceOptions;

  constructor(options: NonResourceOptions) {
    this.#options = options;
  }

  /** Answers the exchange; 404 in plain text for paths that are not served. */
  async serve(exchange: Exchange): Promise<void> {
    const { path } = exchange;
    const { metrics, health } = this.#options;
    const checked = await healthAnswer(path, exchange.query, health);
    if (checked !== undefined) return sendText(exchange, checked.code, checked.text);
    if (path === '/') return sendValue(exchange, 200, { paths: rootPaths });
    if (path === '/version' || path === '/version/') return sendValue(exchange, 200, versionInfo);
    if (path.startsWith('/version/')) return sendError(exchange, notServed());
    if (path === '/metrics') return send(exchange, 200, metrics.registry.contentType, await metrics.registry.metrics());
    if (path === '/api' || path.startsWith('/api/') || path === '/apis' || path.startsWith('/apis/'))
      return this.#discover(exchange);
    if (path === '/openapi/v2') return this.#openApiV2(exchange);
    if (path === '/openapi/v3' || path === '/openapi/v3/') return sendValue(exchange, 200, this.#openApiV3Index());
    if (path.startsWith('/openapi/v3/')) return this.#openApiV3(exchange, path.slice('/openapi/v3/'.length));
    if (path === '/openid/v1/jwks')
      return send(exchange, 200, 'application/jwk-set+json', JSON.stringify(await this.#options.tokens.keySet()));
    if (path === '/.well-known/openid-configuration') return this.#issuer(exchange);
    sendText(exchange, 404, '404 page not found\n');
  }

  #discover(exchange: Exchange): void {
    const { advertised, remoteGroups } = this.#options;
    const remote = exchange.path.startsWith('/apis') ? remoteGroups() : [];
    const document = discover(exchange.path, headerOf(exchange.req, 'accept'), advertised, remote);
    if (document === undefined) {
      if (exchange.path.startsWith('/apis/')) sendText(exchange, 404, '404 page not found\n');
      else sendError(exchange, notServed());
      return;
    }
    const headers: Record<string, string> = { vary: 'Accept', ...(document.etag === undefined ? {} : { etag: document.etag }) };
    if (document.etag !== undefined && headerOf(exchange.req, 'if-none-match') === document.etag) {
      send(exchange, 304, document.contentType, '', headers);
      return;
    }
    send(exchange, 200, document.contentType, JSON.stringify(document.value), headers);
  }

  #openApiV2(exchange: Exchange): void {
    const etag = `"${openApiHash('v2')}"`;
    const form = openApiForm(headerOf(exchange.req, 'accept'), ['application/json', openApiV2Protobuf]);
    if (form === undefined) send(exchange, 406, 'text/plain', '', { vary: 'Accept' });
    else if (headerOf(exchange.req, 'if-none-match') === etag) send(exchange, 304, form, '', { etag });
    else send(exchange, 200, form, form === openApiV2Protobuf ? openApiV2Bytes() : openApiV2(), { vary: 'Accept', etag });
  }

  #openApiV3Index(): object {
    const remote = Object.entries(this.#options.remoteOpenApi());
    const index = openApiV3Index() as { readonly paths: object };
    if (remote.length === 0) return index;
    const all = [
      ...Object.entries(index.paths),
      ...remote.map(([name, serverRelativeURL]) => [name, { serverRelativeURL }] as const),
    ];
    return { paths: Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1))) };
  }

  /** A request that names the current hash may be kept for ever; one with another hash is sent to the current one. */
  #openApiV3(exchange: Exchange, path: string): void {
    const document = openApiV3(path);
    if (document === undefined) {
      sendText(exchange, 404, '404 page not found\n');
      return;
    }
    const form = openApiForm(headerOf(exchange.req, 'accept'), ['application/json']);
    if (form === undefined) {
      send(exchange, 406, 'text/plain', '', { vary: 'Accept' });
      return;
    }
    const hash = openApiHash(path);
    const asked = exchange.query.get('hash');
    if (asked !== null && asked !== hash) {
      send(exchange, 301, 'text/plain', '', { location: `/openapi/v3/${path}?hash=${hash}` });
      return;
    }
    const kept: Record<string, string> = asked === null ? {} : { 'cache-control': 'public, immutable' };
    send(exchange, 200, form, document, { vary: 'Accept', etag: `"${hash}"`, ...kept });
  }

  #issuer(exchange: Exchange): void {
    const { tokens, advertised } = this.#options;
    const document = {
      issuer: tokens.issuer,
      jwks_uri: `https://${advertised}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: tokens.algorithms,
    };
    send(exchange, 200, 'application/json', JSON.stringify(document));
  }
}

/** The first form that the client takes: `@v1.0` in a media type is `.v1.0` in ours. Undefined where it takes none. */
function openApiForm(accept: string, forms: readonly string[]): string | undefined {
  if (accept === '') return forms[0];
  for (const { type } of parseAccept(accept)) {
    const plain = type.replace('@', '.');
    if (plain === '*/*' || plain === 'application/*') return forms[0];
    if (forms.includes(plain)) return plain;
  }
  return undefined;
}
