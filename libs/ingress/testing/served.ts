// A routing plan on a real nginx with real sockets, for tests: in a folder and at ports of its own.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import process from 'node:process';
import { createLog } from '@drydock/foundation/pino-log.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { contentOf } from '../content.ts';
import { findWorkerUser } from '../nginx/files.ts';
import { NginxPlane } from '../nginx/nginx.ts';
import type { NginxOptions } from '../nginx/options.ts';
import { findMaster } from '../nginx/processes.ts';
import { ownCertificatePair } from '../own-certificate.ts';
import { type Observed, type PlanOptions, planRouting } from '../plan.ts';
import { readSettings } from '../settings.ts';
import { prefix } from './objects.ts';

/** Where Debian has what the data plane needs. */
export const modulesFolder = '/usr/lib/nginx/modules';
/** Why tests with nginx cannot run here; undefined where they can. */
export const missing = existsSync(`${modulesFolder}/ngx_http_lua_module.so`)
  ? undefined
  : 'nginx and libnginx-mod-http-lua are not installed';

const luaFolder = new URL('../nginx/lua', import.meta.url).pathname;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class Served {
  readonly folder: string;
  readonly plane: NginxPlane;
  readonly httpPort: number;
  readonly httpsPort: number;
  readonly options: NginxOptions;
  readonly #own: { certificatePem: string; keyPem: string };

  private constructor(
    folder: string,
    plane: NginxPlane,
    options: NginxOptions,
    own: { certificatePem: string; keyPem: string },
  ) {
    this.folder = folder;
    this.plane = plane;
    this.options = options;
    this.#own = own;
    this.httpPort = options.httpPort;
    this.httpsPort = options.httpsPort;
  }

  /** Starts nothing yet; `show` does. */
  static async create(given: { folder?: string; httpPort?: number; httpsPort?: number } = {}): Promise<Served> {
    const folder = given.folder ?? mkdtempSync(`${tmpdir()}/drydock-ingress-`);
    const worker = process.getuid?.() === 0 ? findWorkerUser(readFileSync('/etc/passwd', 'utf8')) : undefined;
    const clock = new SystemClock();
    const own = await ownCertificatePair(clock.wallMs(), new SystemRandom().stream('test'));
    const options = {
      httpPort: given.httpPort ?? (await freePort()),
      httpsPort: given.httpsPort ?? (await freePort()),
      user: worker?.name,
      luaFolder,
      modulesFolder,
    };
    const plane = new NginxPlane({
      folder,
      places: [{ name: 'here', prefix: [] }],
      nginx: 'nginx',
      worker,
      clock,
      log: createLog('test', 'error'),
    });
    return new Served(folder, plane, options, own);
  }

  /** Serves these objects; returns what is wrong with them. */
  async show(observed: Observed, more: Partial<PlanOptions> = {}, config: Record<string, string> = {}): Promise<string[]> {
    const { plan, content, generation } = this.#made(observed, more, config);
    await this.plane.apply(content, generation);
    const unhealthy = this.plane.unhealthy();
    if (unhealthy !== undefined) throw new Error(unhealthy);
    return plan.problems.map(({ message }) => message);
  }

  /** Only the backends of these objects. */
  async showBackends(observed: Observed): Promise<void> {
    await this.plane.applyBackends(this.#made(observed, {}, {}).content.backends);
  }

  /** What nginx says against the configuration of these objects. */
  async check(observed: Observed, config: Record<string, string> = {}): Promise<string | undefined> {
    return this.plane.check(this.#made(observed, {}, config).content);
  }

  #made(observed: Observed, more: Partial<PlanOptions>, config: Record<string, string>) {
    const { settings } = readSettings({
      'worker-processes': '1',
      'max-worker-connections': '512',
      'disable-access-log': 'true',
      'error-log-level': 'emerg',
      ...config,
    });
    const plan = planRouting(observed, {
      settings,
      annotationPrefix: prefix,
      defaultBackend: undefined,
      defaultCertificate: undefined,
      ...more,
    });
    return { plan, ...contentOf(plan, settings, this.#own, this.options) };
  }

  /** The master of the nginx. */
  pids(): number[] {
    const master = findMaster(`${this.folder}/here`);
    return master === undefined ? [] : [master];
  }

  async close(): Promise<void> {
    await this.plane.stop(2_000);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
