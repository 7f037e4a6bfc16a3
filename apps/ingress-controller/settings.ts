// Flags and environment into the controller's options.
import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { parseHostPort } from '@drydock/client/status-server.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import { findWorkerUser, type WorkerUser } from '@drydock/ingress/nginx/files.ts';
import type { ControllerOptions } from '@drydock/ingress/options.ts';
import type { Asked, Permissions } from '@drydock/ingress/permissions.ts';
import type { flags } from './flags.ts';

type Given = Values<typeof flags>;

/** One place to listen in. */
export interface Place {
  readonly name: string;
  /** Where it is reached, for statuses. */
  readonly address?: string;
  readonly prefix: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

function namespaceOf(env: Environment): string {
  return env.POD_NAMESPACE ?? 'ingress-nginx';
}

/** What is asked of the API server before anything else, where the account is one that somebody else's manifest made. */
export function askedPermissions(values: Given, env: Environment): Asked {
  return {
    namespace: namespaceOf(env),
    watchNamespace: values['watch-namespace'],
    electionId: values['election-id'],
    ingressClass: values['ingress-class'],
  };
}

/** Throws StartupError where a flag cannot be understood. */
export function controllerOptions(
  values: Given,
  env: Environment,
  host: string,
  worker: WorkerUser | undefined,
  { slices, classes, election }: Permissions,
): ControllerOptions {
  const publishAddresses = values['publish-status-address'].map((text) => text.trim()).filter((text) => text !== '');
  const rate = values['sync-rate-limit'];
  if (!(rate > 0)) throw new StartupError('--sync-rate-limit: expected more than 0');
  for (const name of ['http-port', 'https-port', 'healthz-port'] as const)
    if (values[name] < 1 || values[name] > 65_535) throw new StartupError(`--${name}: expected a port, got ${values[name]}`);
  return {
    classes: {
      controller: values['controller-class'],
      annotationValue: values['ingress-class'],
      watchWithoutClass: values['watch-ingress-without-class'],
      byName: values['ingress-class-by-name'],
    },
    annotationPrefix: values['annotations-prefix'],
    watchNamespace: values['watch-namespace'],
    configMap: objectName('configmap', values.configmap),
    streamConfigMaps: (['tcp', 'udp'] as const).flatMap((protocol) => {
      const flag = `${protocol}-services-configmap` as const;
      const name = objectName(flag, values[flag]);
      return name === undefined ? [] : [{ protocol, name }];
    }),
    defaultBackend: objectName('default-backend-service', values['default-backend-service']),
    defaultCertificate: objectName('default-ssl-certificate', values['default-ssl-certificate']),
    publishService: objectName('publish-service', values['publish-service']),
    publishAddresses,
    // Only a pod has a node.
    publishNodes: values.kubeconfig === '' && values['publish-service'] === '' && publishAddresses.length === 0,
    reportInternal: values['report-node-internal-ip-address'],
    updateStatus: values['update-status'],
    updateStatusOnShutdown: values['update-status-on-shutdown'],
    statusUpdateMs: values['status-update-interval'] * 1_000,
    syncEvents: !values['disable-sync-events'],
    reloadEveryMs: Math.ceil(1_000 / rate),
    disableCatchAll: values['disable-catch-all'],
    httpPort: values['http-port'],
    httpsPort: values['https-port'],
    election: values['disable-leader-election'] ? undefined : { ...election, ttlMs: values['election-ttl'] },
    readsSlices: slices,
    readsClasses: classes,
    namespace: namespaceOf(env),
    pod: env.POD_NAME ?? host,
    workerUser: worker?.name,
    luaFolder: new URL('../../libs/ingress/nginx/lua', import.meta.url).pathname,
    modulesFolder: values['nginx-modules'],
  };
}

export interface Webhook {
  readonly host: string;
  readonly port: number;
  readonly certificatePem: Buffer;
  readonly keyPem: Buffer;
}

/** Where and with what the API server is answered; undefined without --validating-webhook. Throws StartupError. */
export function readWebhook(values: Given): Webhook | undefined {
  const text = values['validating-webhook'];
  if (text === '') return undefined;
  const address = parseHostPort(text);
  if (address === undefined) throw new StartupError(`--validating-webhook: expected an address and a port, got "${text}"`);
  const read = (name: 'validating-webhook-certificate' | 'validating-webhook-key'): Buffer => {
    if (values[name] === '') throw new StartupError(`--validating-webhook: --${name} is required`);
    try {
      return readFileSync(values[name]);
    } catch (cause) {
      throw new StartupError(`--${name}: ${(cause as Error).message}`, { cause });
    }
  };
  return { ...address, certificatePem: read('validating-webhook-certificate'), keyPem: read('validating-webhook-key') };
}

/** Whom workers run as; undefined where this process is not root and cannot choose. */
export function workerUser(): WorkerUser | undefined {
  return process.getuid?.() === 0 ? findWorkerUser(readFileSync('/etc/passwd', 'utf8')) : undefined;
}

/** Throws StartupError where the machine has no nginx that can serve. */
export function checkNginx(modulesFolder: string): void {
  if (existsSync(`${modulesFolder}/ngx_http_lua_module.so`)) return;
  throw new StartupError(
    `${modulesFolder} has no ngx_http_lua_module.so: the data plane is nginx with its Lua module (Debian: apt-get install nginx libnginx-mod-http-lua)`,
  );
}

/** The places of --places; this process's own network without it. */
export function readPlaces(file: string): Place[] {
  if (file === '') return [{ name: 'here', prefix: [] }];
  try {
    const list: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!Array.isArray(list) || list.length === 0) throw new Error('expected a list of places');
    return list.map((place: Partial<Place>) => {
      const { name, address, prefix } = place;
      if (typeof name !== 'string' || !/^[a-z0-9-]{1,63}$/.test(name)) throw new Error('a place needs a name');
      if (!Array.isArray(prefix) || !prefix.every((word) => typeof word === 'string')) throw new Error(`${name}: no prefix`);
      return { name, prefix, ...(typeof address === 'string' ? { address } : {}) };
    });
  } catch (cause) {
    throw new StartupError(`--places: ${(cause as Error).message}`, { cause });
  }
}

function objectName(flag: string, text: string): string | undefined {
  if (text === '') return undefined;
  if (!/^[a-z0-9][-a-z0-9.]*\/[a-z0-9][-a-z0-9.]*$/.test(text))
    throw new StartupError(`--${flag}: expected NAMESPACE/NAME, got "${text}"`);
  return text;
}
