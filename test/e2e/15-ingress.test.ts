// Ingresses as study notes teach them: hosts, paths and rewriting, TLS, the default class, who serves, and what happens when one that
// serves is killed.
import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyObjects, deployEcho, e2eSkipReason, kubectl, kubectlJson, lab, nodeAddress, podsOf, until } from './lab.ts';

const namespace = 'e2e-ingress';

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

function ask(address: string, host: string, path = '/', tls = false): Promise<Answer> {
  const options: RequestOptions & { servername?: string; rejectUnauthorized?: boolean } = {
    host: address,
    port: tls ? 443 : 80,
    path,
    headers: { host },
    agent: false,
    timeout: 5_000,
    ...(tls ? { servername: host, rejectUnauthorized: false } : {}),
  };
  return new Promise((resolve, reject) => {
    const outgoing = (tls ? httpsRequest : httpRequest)(options, (incoming) => {
      let body = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (part) => {
        body += part;
      });
      incoming.on('error', reject);
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, location: incoming.headers.location, body }));
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/**
 * Waits until everybody who serves at `address` answers so: two controllers do, each told in its own time, and connections meet either.
 */
async function allAnswer(address: string, status: number, host: string, path = '/', tls = false): Promise<void> {
  await until(`${host}${path} at ${address}: ${status}`, async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(address, host, path, tls)));
    const seen = answers.map((answer) => answer.status);
    return seen.every((each) => each === status) || seen.join();
  });
}

const apply = (...objects: object[]): Promise<string> => applyObjects(namespace, ...objects);

const backend = (name: string) => ({ service: { name, port: { number: 80 } } });
const ingress = (name: string, spec: object, annotations: Record<string, string> = {}) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: {
    name,
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [`nginx.ingress.kubernetes.io/${key}`, value]),
    ),
  },
  spec: { ingressClassName: 'nginx', ...spec },
});

/** Asks one address over and over, with a connection of its own each time, and remembers what was not 200. */
class Load {
  readonly failures: string[] = [];
  answers = 0;
  #stopped = false;
  readonly #done: Promise<unknown>;

  constructor(address: string, host: string, path: string, clients: number) {
    const client = async () => {
      while (!this.#stopped) {
        const answer = await ask(address, host, path).catch((error: Error) => error.message);
        if (typeof answer === 'object' && answer.status === 200) this.answers++;
        else this.failures.push(typeof answer === 'object' ? String(answer.status) : answer);
      }
    };
    this.#done = Promise.all(Array.from({ length: clients }, client));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }
}

describe.skipIf(e2eSkipReason !== undefined)(`Ingress (${e2eSkipReason ?? 'as root'})`, () => {
  let workers: string[] = [];

  beforeAll(async () => {
    await kubectl('create', 'namespace', namespace);
    const { items } = await kubectlJson<{ items: { metadata: { name: string } }[] }>('get', 'nodes');
    workers = await Promise.all(items.map(({ metadata }) => nodeAddress(metadata.name)));
    await deployEcho(namespace, 'nodejs-app', 2);
  });
  afterAll(() => kubectl('delete', 'namespace', namespace));

  test('the class nginx is there, and before any Ingress every worker answers 404', async () => {
    expect(await kubectl('get', 'ingressclass', 'nginx', '-o', 'jsonpath={.spec.controller}')).toBe('k8s.io/ingress-nginx');
    for (const address of workers) expect((await ask(address, 'foo.bar.com')).status).toBe(404);
  });

  test('an Ingress is served at every worker, says where, and tells what was done in events', async () => {
    const spec = {
      rules: [
        {
          host: 'foo.bar.com',
          http: { paths: [{ path: '/nodejs', pathType: 'ImplementationSpecific', backend: backend('nodejs-app') }] },
        },
      ],
    };
    await apply(ingress('nodejs-ingress', spec, { 'rewrite-target': '/' }));
    const names = (await podsOf(namespace, 'app=nodejs-app')).map((pod) => pod.name);
    for (const address of workers) {
      await allAnswer(address, 200, 'foo.bar.com', '/nodejs');
      const { body } = await ask(address, 'foo.bar.com', '/nodejs');
      expect(names.some((name) => body.includes(name))).toBe(true);
      expect((await ask(address, 'foo.bar.com', '/other')).status).toBe(404);
      expect((await ask(address, 'other.org', '/nodejs')).status).toBe(404);
    }
    await until('the status has every worker', async () => {
      const text = await kubectl(
        '-n',
        namespace,
        'get',
        'ingress',
        'nodejs-ingress',
        '-o',
        'jsonpath={.status.loadBalancer.ingress[*].ip}',
      );
      return text.split(' ').sort().join() === [...workers].sort().join() || text;
    });
    await until('the events say so', async () =>
      /Normal\s+Sync\s+.*nginx-ingress-controller\s+Scheduled for sync/.test(
        await kubectl('-n', namespace, 'describe', 'ingress', 'nodejs-ingress'),
      ),
    );
  });

  test('path types: the longest, then Exact; endpoints that go away answer 503, and no reload is needed for them to come back', async () => {
    await deployEcho(namespace, 'api', 1);
    const spec = {
      rules: [
        {
          host: 'paths.bar.com',
          http: {
            paths: [
              { path: '/', pathType: 'Prefix', backend: backend('nodejs-app') },
              { path: '/api', pathType: 'Prefix', backend: backend('api') },
              { path: '/api/nodejs', pathType: 'Exact', backend: backend('nodejs-app') },
            ],
          },
        },
      ],
    };
    await apply(ingress('paths', spec));
    const [address = ''] = workers;
    await allAnswer(address, 200, 'paths.bar.com');
    const who = async (path: string) =>
      (await ask(address, 'paths.bar.com', path)).body.includes('nodejs-app') ? 'nodejs-app' : 'api';
    expect([await who('/'), await who('/api'), await who('/api/x'), await who('/apis'), await who('/api/nodejs')]).toEqual([
      'nodejs-app',
      'api',
      'api',
      'nodejs-app',
      'nodejs-app',
    ]);
    await kubectl('-n', namespace, 'scale', 'deployment/api', '--replicas=0');
    await allAnswer(address, 503, 'paths.bar.com', '/api');
    await kubectl('-n', namespace, 'scale', 'deployment/api', '--replicas=1');
    await allAnswer(address, 200, 'paths.bar.com', '/api');
  });

  test('TLS: HTTP is redirected, HTTPS is served', async () => {
    const spec = {
      tls: [{ hosts: ['tls.bar.com'] }],
      rules: [{ host: 'tls.bar.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend: backend('nodejs-app') }] } }],
    };
    await apply(ingress('tls', spec));
    const [address = ''] = workers;
    await allAnswer(address, 200, 'tls.bar.com', '/', true);
    expect(await ask(address, 'tls.bar.com', '/a?b=c')).toMatchObject({ status: 308, location: 'https://tls.bar.com/a?b=c' });
  });

  test('an Ingress whose class nobody has is not served, as in the notes', async () => {
    const spec = { rules: [{ http: { paths: [{ path: '/testpath', pathType: 'Prefix', backend: backend('nodejs-app') }] } }] };
    await apply({ ...ingress('minimal-ingress', { ...spec, ingressClassName: 'nginx-example' }, { 'rewrite-target': '/' }) });
    // The next one comes later, and is served.
    await apply(ingress('control', { rules: [{ host: 'control.bar.com', ...spec.rules[0] }] }));
    const [address = ''] = workers;
    await allAnswer(address, 200, 'control.bar.com', '/testpath');
    expect((await ask(address, 'any.org', '/testpath')).status).toBe(404);
    expect(await kubectl('-n', namespace, 'get', 'ingress', 'minimal-ingress', '-o', 'jsonpath={.status.loadBalancer}')).toBe(
      '{}',
    );
  });

  test('a resource backend is taken by the API, answers 503, and the reason is in an event', async () => {
    const resource = (name: string) => ({ resource: { apiGroup: 'k8s.example.com', kind: 'StorageBucket', name } });
    const paths = [{ path: '/icons', pathType: 'ImplementationSpecific', backend: resource('icon-assets') }];
    await apply(
      ingress('ingress-resource-backend', {
        defaultBackend: resource('static-assets'),
        rules: [{ host: 'icons.bar.com', http: { paths } }],
      }),
    );
    const [address = ''] = workers;
    await allAnswer(address, 503, 'icons.bar.com', '/icons');
    await until('the event', async () =>
      (await kubectl('-n', namespace, 'describe', 'ingress', 'ingress-resource-backend')).includes(
        'resource backend k8s.example.com/StorageBucket "icon-assets" cannot be resolved',
      ),
    );
  });

  test('a controller is killed, and one ends in an orderly way, under load: no request fails', async () => {
    const [address = ''] = workers;
    const load = new Load(address, 'control.bar.com', '/testpath', 4);
    try {
      await expect.poll(() => load.answers, { timeout: 60_000 }).toBeGreaterThan(20);
      await lab('kill', 'ingress-1');
      const killedAt = load.answers;
      await expect.poll(() => load.answers, { timeout: 60_000 }).toBeGreaterThan(killedAt + 100);
      await lab('start', 'ingress-1');
      await lab('kill', '-TERM', 'ingress-2');
      const endedAt = load.answers;
      await expect.poll(() => load.answers, { timeout: 60_000 }).toBeGreaterThan(endedAt + 200);
      await lab('start', 'ingress-2');
    } finally {
      await load.stop();
    }
    expect(load.failures).toEqual([]);
  });

  test('while one controller is dead, the other one serves what is new', async () => {
    await lab('kill', 'ingress-1');
    const [address = ''] = workers;
    const spec = {
      rules: [{ host: 'late.bar.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend: backend('nodejs-app') }] } }],
    };
    await apply(ingress('late', spec));
    // Half of the connections meet the nginx that nobody tells anything until its controller is back.
    await until('somebody serves it', async () => {
      const { status } = await ask(address, 'late.bar.com');
      return status === 200 || `the answer is ${status}`;
    });
    await lab('start', 'ingress-1');
    await allAnswer(address, 200, 'late.bar.com');
  });
});
