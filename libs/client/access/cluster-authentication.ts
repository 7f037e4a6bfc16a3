// Whom a component's clients may be, as its flags say and, for what they leave open, as the API servers publish it for others
// (ConfigMap kube-system/extension-apiserver-authentication): followed, so that a new authority counts without a restart.
import { readFileSync } from 'node:fs';
import type { ConfigMap } from '@drydock/api/generated/types.ts';
import { configMaps } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import { ClientAuthorities } from '@drydock/foundation/serving/client-authorities.ts';
import type { RequestHeaderNames } from '@drydock/foundation/serving/request-header.ts';
import { Informer, type InformerPorts } from '../informer.ts';
import { reviewTimeoutMs } from '../limits.ts';

/** How proxies say for whom they ask, and the common names of those that may; none: all that the authority vouches for. */
export type RequestHeader = RequestHeaderNames & { readonly allowedNames: readonly string[] };

/** Who may vouch for a client, at one moment. PEM bundles; undefined where nobody does. */
export interface Authentication {
  readonly clientCa: string | undefined;
  readonly proxyCa: string | undefined;
  readonly requestHeader: RequestHeader;
}

/** What the flags say: files; empty for what is looked up. */
export interface AuthenticationFlags {
  readonly clientCaFile: string;
  readonly proxyCaFile: string;
  readonly requestHeader: RequestHeader;
}

const published = { namespace: 'kube-system', name: 'extension-apiserver-authentication' } as const;

/** Where the ConfigMap has what the --requestheader-* flags say. */
const listKeys: Readonly<Record<keyof RequestHeader, string>> = {
  usernameHeaders: 'requestheader-username-headers',
  uidHeaders: 'requestheader-uid-headers',
  groupHeaders: 'requestheader-group-headers',
  extraPrefixes: 'requestheader-extra-headers-prefix',
  allowedNames: 'requestheader-allowed-names',
};

export class ClusterAuthentication {
  readonly #flags: Authentication;
  readonly #log: Log;
  readonly #changed: (() => void)[] = [];
  #now: Authentication;
  #authorities: ClientAuthorities;

  /** Throws StartupError where a file of the flags is of no use. */
  constructor(flags: AuthenticationFlags, log: Log) {
    const clientCa = bundle('client-ca-file', flags.clientCaFile);
    const proxyCa = bundle('requestheader-client-ca-file', flags.proxyCaFile);
    this.#flags = { clientCa, proxyCa, requestHeader: flags.requestHeader };
    this.#log = log;
    this.#now = this.#flags;
    this.#authorities = new ClientAuthorities({ client: clientCa, proxy: proxyCa });
  }

  get now(): Authentication {
    return this.#now;
  }

  get authorities(): ClientAuthorities {
    return this.#authorities;
  }

  /** Calls `handler` after every change. */
  onChange(handler: () => void): void {
    this.#changed.push(handler);
  }

  /** Whether the flags leave something open. */
  get isOpen(): boolean {
    return this.#flags.clientCa === undefined || this.#flags.proxyCa === undefined;
  }

  /** Looks it up once. Throws StartupError where that fails (--authentication-tolerate-lookup-failure=false). */
  async require({ client }: Pick<InformerPorts, 'client'>): Promise<void> {
    try {
      this.#take(await client.get(configMaps, published, { timeoutMs: reviewTimeoutMs }));
    } catch (error) {
      const hint = hasReason(error, 'Forbidden')
        ? '; a RoleBinding to extension-apiserver-authentication-reader is needed'
        : '';
      throw new StartupError(
        `unable to load configmap ${published.namespace}/${published.name}: ${(error as Error).message}${hint}`,
        { cause: error },
      );
    }
  }

  /** Follows it until the signal aborts. */
  follow(ports: InformerPorts, signal: AbortSignal): void {
    const { namespace, name } = published;
    const informer = new Informer(configMaps, ports, { namespace, fieldSelector: `metadata.name=${name}` });
    informer.subscribe(({ after }) => this.#take(after));
    void informer.run(signal);
  }

  #take(map: ConfigMap | undefined): void {
    const data = map?.data ?? {};
    const { clientCa = textOf(data['client-ca-file']), proxyCa } = this.#flags;
    const looked = proxyCa === undefined ? this.#proxyOf(data) : { proxyCa, requestHeader: this.#flags.requestHeader };
    try {
      this.#authorities = new ClientAuthorities({ client: clientCa, proxy: looked.proxyCa });
    } catch (error) {
      this.#log.warn({ err: error, configMap: published }, 'authorities of clients cannot be read: the former ones stay');
      return;
    }
    this.#now = { clientCa, ...looked };
    for (const handler of this.#changed) handler();
  }

  #proxyOf(data: Readonly<Record<string, string>>): Pick<Authentication, 'proxyCa' | 'requestHeader'> {
    const lists = Object.entries(listKeys).map(([field, key]) => [field, this.#listOf(data, key)] as const);
    // Names that cannot be read are not no names: without them every certificate of that authority would do.
    const isWhole = lists.every(([, list]) => list !== undefined);
    return {
      proxyCa: isWhole ? textOf(data['requestheader-client-ca-file']) : undefined,
      requestHeader: Object.fromEntries(lists.map(([field, list]) => [field, list ?? []])) as unknown as RequestHeader,
    };
  }

  #listOf(data: Readonly<Record<string, string>>, key: string): string[] | undefined {
    try {
      const value: unknown = JSON.parse(textOf(data[key]) ?? '[]');
      if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
    } catch {
      // Said below, as for a value of another kind.
    }
    this.#log.warn({ key, configMap: published }, 'expected a list of names in JSON: no proxy may speak for others');
    return undefined;
  }
}

function textOf(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text;
}

function bundle(flag: string, file: string): string | undefined {
  if (file === '') return undefined;
  try {
    const text = readFileSync(file, 'utf8');
    new ClientAuthorities({ client: text, proxy: undefined });
    return text;
  } catch (error) {
    throw new StartupError(`--${flag}: ${file}: ${(error as Error).message}`, { cause: error });
  }
}
