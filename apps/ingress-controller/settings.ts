// Flags and environment into the controller's options.
import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';
import type { Values } from '@drydock/foundation/flags.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import { findWorkerUser, type WorkerUser } from '@drydock/ingress/nginx/files.ts';
import type { ControllerOptions } from '@drydock/ingress/options.ts';
import type { flags } from './flags.ts';

type Given = Values<typeof flags>;

/** One place to listen in. */
export interface Place {
  readonly name: string;
  /** Where it is reached, for statuses. */
  readonly address?: string;
  readonly prefix: readonly string[];
}

/** Throws StartupError where a flag cannot be understood. */
export function controllerOptions(
  values: Given,
  env: Readonly<Record<string, string | undefined>>,
  host: string,
  worker: WorkerUser | undefined,
): ControllerOptions {
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
    defaultBackend: objectName('default-backend-service', values['default-backend-service']),
    defaultCertificate: objectName('default-ssl-certificate', values['default-ssl-certificate']),
    publishService: objectName('publish-service', values['publish-service']),
    publishAddresses: values['publish-status-address'].map((text) => text.trim()).filter((text) => text !== ''),
    updateStatus: values['update-status'],
    updateStatusOnShutdown: values['update-status-on-shutdown'],
    statusUpdateMs: values['status-update-interval'] * 1_000,
    syncEvents: !values['disable-sync-events'],
    reloadEveryMs: Math.ceil(1_000 / rate),
    disableCatchAll: values['disable-catch-all'],
    httpPort: values['http-port'],
    httpsPort: values['https-port'],
    election: values['disable-leader-election'] ? undefined : { id: values['election-id'], ttlMs: values['election-ttl'] },
    namespace: env.POD_NAMESPACE ?? 'ingress-nginx',
    pod: env.POD_NAME ?? host,
    workerUser: worker?.name,
    luaFolder: new URL('../../libs/ingress/nginx/lua', import.meta.url).pathname,
    modulesFolder: values['nginx-modules'],
  };
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
