// Reads a kubeconfig file (clientcmd/api/v1.Config) into what a connection needs. Errors name the field that is wrong.
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

/** How to reach the apiserver, and as whom. Certificates and keys are PEM. */
export interface ClientConfig {
  /** `https://host:port[/path]` for REST, `grpcs://h1:p1,h2:p2` for our own wire. */
  readonly server: string;
  readonly ca?: Buffer | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly tlsServerName?: string | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
  readonly token?: string | undefined;
  /** Read again from time to time; wins over `token`. */
  readonly tokenFile?: string | undefined;
  /** The namespace of the context. */
  readonly namespace?: string | undefined;
}

/** A kubeconfig that cannot be used. The message names file, field and what was expected. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
}

/** Reads `path` and the files it names (relative to its folder). Throws KubeconfigError. `context`: default `current-context`. */
export async function readKubeconfig(path: string, context?: string): Promise<ClientConfig> {
  const read = (file: string, field: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (cause) {
      throw new KubeconfigError(`${field}: cannot read ${file}: ${(cause as Error).message}`, { cause });
    }
  };
  const text = read(path, 'kubeconfig').toString('utf8');
  const resolve = (file: string) => (isAbsolute(file) ? file : join(dirname(path), file));
  return parseKubeconfig(await parseDocument(text, path), path, (file, field) => read(resolve(file), field), resolve, context);
}

/** JSON is YAML too, and needs no parser of 10 MB to be loaded: the lab writes its kubeconfigs as JSON. */
async function parseDocument(text: string, path: string): Promise<unknown> {
  try {
    return JSON.parse(text);
  } catch {
    const { parse } = await import('yaml');
    try {
      return parse(text);
    } catch (cause) {
      throw new KubeconfigError(`${path}: not YAML: ${(cause as Error).message}`, { cause });
    }
  }
}

/** The pure half: `document` is the parsed file, `readFile` gives the content of a file that a field names. */
export function parseKubeconfig(
  document: unknown,
  path: string,
  readFile: (file: string, field: string) => Buffer,
  resolve: (file: string) => string = (file) => file,
  contextName?: string,
): ClientConfig {
  const config = new Node(document, path);
  const current = contextName ?? config.text('current-context');
  if (current === undefined) throw new KubeconfigError(`${path}: current-context: expected the name of a context`);
  const context = config.named('contexts', current, 'context');
  const clusterName = context.text('cluster');
  if (clusterName === undefined) throw context.error('cluster', 'expected the name of a cluster');
  const cluster = config.named('clusters', clusterName, 'cluster');
  const userName = context.text('user');
  const user = userName === undefined ? new Node({}, path) : config.named('users', userName, 'user');
  for (const field of ['exec', 'auth-provider', 'username']) {
    if (user.has(field)) throw user.error(field, 'this way to authenticate is not supported');
  }

  const server = cluster.text('server');
  if (server === undefined) throw cluster.error('server', 'expected https://HOST:PORT or grpcs://HOST:PORT,HOST:PORT');
  checkServer(server, cluster);
  const ca = pem(cluster, 'certificate-authority', 'CERTIFICATE', readFile);
  const cert = pem(user, 'client-certificate', 'CERTIFICATE', readFile);
  const key = pem(user, 'client-key', 'PRIVATE KEY', readFile);
  if ((cert === undefined) !== (key === undefined)) {
    const missing = cert === undefined ? 'client-certificate' : 'client-key';
    throw user.error(missing, 'a client certificate and its key are needed together');
  }
  const tokenFile = user.text('tokenFile');
  return {
    server,
    ca,
    cert,
    key,
    insecureSkipTlsVerify: cluster.flag('insecure-skip-tls-verify'),
    tlsServerName: cluster.text('tls-server-name'),
    token: user.text('token'),
    tokenFile: tokenFile === undefined ? undefined : resolve(tokenFile),
    namespace: context.text('namespace'),
  };
}

/** The addresses of `grpcs://h1:p1,h2:p2`. */
export function grpcAddresses(server: string): string[] {
  return server.slice('grpcs://'.length).replace(/\/$/, '').split(',');
}

function checkServer(server: string, cluster: Node): void {
  if (server.startsWith('grpcs://')) {
    for (const address of grpcAddresses(server)) {
      if (!/^(?:\[[0-9a-fA-F:.]+\]|[^:/[\]]+):\d{1,5}$/.test(address)) {
        throw cluster.error('server', `expected HOST:PORT after grpcs://, got "${address}"`);
      }
    }
    return;
  }
  if (!server.startsWith('https://') || !URL.canParse(server)) {
    throw cluster.error('server', `expected https://HOST:PORT or grpcs://HOST:PORT,HOST:PORT, got "${server}"`);
  }
}

function pem(node: Node, field: string, label: string, readFile: (file: string, field: string) => Buffer): Buffer | undefined {
  const data = node.text(`${field}-data`);
  const file = node.text(field);
  if (data === undefined && file === undefined) return undefined;
  const name = data === undefined ? field : `${field}-data`;
  const content = data === undefined ? readFile(file ?? '', node.name(field)) : Buffer.from(data, 'base64');
  if (!content.toString('latin1').includes(label)) {
    throw node.error(name, `expected ${data === undefined ? 'a file with' : 'base64 of'} a PEM block "${label}"`);
  }
  return content;
}

/** A mapping inside the document that knows where it is. */
class Node {
  readonly #value: Record<string, unknown>;
  readonly #where: string;

  constructor(value: unknown, where: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new KubeconfigError(`${where}: expected a mapping`);
    }
    this.#value = value as Record<string, unknown>;
    this.#where = where;
  }

  name(field: string): string {
    return `${this.#where}: ${field}`;
  }

  error(field: string, message: string): KubeconfigError {
    return new KubeconfigError(`${this.name(field)}: ${message}`);
  }

  has(field: string): boolean {
    return this.#value[field] !== undefined && this.#value[field] !== null;
  }

  text(field: string): string | undefined {
    const value = this.#value[field];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value !== 'string') throw this.error(field, `expected text, got ${JSON.stringify(value)}`);
    return value;
  }

  flag(field: string): boolean {
    const value = this.#value[field] ?? false;
    if (typeof value !== 'boolean') throw this.error(field, `expected true or false, got ${JSON.stringify(value)}`);
    return value;
  }

  /** The entry of the list `field` with that name, and in it the mapping `inner`. */
  named(field: string, name: string, inner: string): Node {
    const list = this.#value[field];
    if (!Array.isArray(list)) throw this.error(field, 'expected a list');
    const index = list.findIndex((entry) => (entry as { name?: unknown } | null)?.name === name);
    if (index < 0) throw this.error(field, `no entry with the name "${name}"`);
    return new Node((list[index] as Record<string, unknown>)[inner], `${this.#where}: ${field}[${index}].${inner}`);
  }
}
