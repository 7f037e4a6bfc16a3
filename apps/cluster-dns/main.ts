// The cluster-dns process: answers for the cluster's domain from services and endpoint slices, forwards the rest.
import { readFileSync } from 'node:fs';
import { connect } from '@drydock/client/connect.ts';
import { InformerFactory } from '@drydock/client/informer-factory.ts';
import { KubeconfigError } from '@drydock/client/kubeconfig.ts';
import { Metrics } from '@drydock/client/metrics.ts';
import { metricsType, ok, parseHostPort, type StatusRoutes, statusServer } from '@drydock/client/status-server.ts';
import { InformerView } from '@drydock/dns/cluster-view.ts';
import { Forwarder } from '@drydock/dns/forwarder.ts';
import { DnsListener } from '@drydock/dns/listener.ts';
import { type DnsServer, parseResolvConf, parseServer } from '@drydock/dns/resolv-conf.ts';
import { Responder } from '@drydock/dns/responder.ts';
import { flag } from '@drydock/foundation/flags.ts';
import { runProgram, StartupError } from '@drydock/foundation/program.ts';

const flags = {
  kubeconfig: flag('string', '', 'Path to kubeconfig file with authorization information.'),
  'bind-address': flag('string', '0.0.0.0', 'The IP address on which DNS is served, over UDP and TCP.'),
  port: flag('int', 53, 'The port on which DNS is served.'),
  domain: flag('string', 'cluster.local', 'The domain of the cluster.'),
  'resolv-conf': flag('string', '/etc/resolv.conf', 'The file that names the servers to which other names are forwarded.'),
  forward: flag('strings', [], 'Servers to forward to, ADDRESS[:PORT], instead of those of --resolv-conf.'),
  'health-bind-address': flag('string', '', 'IP address and port of the health check (/health). Empty to disable.'),
  'ready-bind-address': flag('string', '', 'IP address and port of the readiness check (/ready). Empty to disable.'),
  'metrics-bind-address': flag(
    'string',
    '127.0.0.1:9153',
    'IP address and port of /metrics, /health and /ready. Empty to disable.',
  ),
  v: flag('int', 0, 'Number for the log level verbosity.', 'v'),
};

function forwardServers(given: readonly string[], resolvConf: string): DnsServer[] {
  if (given.length === 0) {
    try {
      return parseResolvConf(readFileSync(resolvConf, 'utf8'));
    } catch (cause) {
      throw new StartupError(`--resolv-conf: ${(cause as Error).message}`, { cause });
    }
  }
  return given.map((text) => {
    const server = parseServer(text);
    if (server === undefined) throw new StartupError(`--forward: expected ADDRESS[:PORT], got "${text}"`);
    return server;
  });
}

await runProgram({
  name: 'cluster-dns',
  flags,
  dialect: { style: 'pflag' },
  async start({ flags: { values }, log, clock, random, lifecycle }) {
    if (values.kubeconfig === '') throw new StartupError('--kubeconfig is required');
    const client = await connect(values.kubeconfig, { clock, random, userAgent: 'cluster-dns/drydock' }).catch(
      (error: unknown) => {
        throw error instanceof KubeconfigError ? new StartupError(error.message, { cause: error }) : error;
      },
    );
    const factory = new InformerFactory({ client, clock, random, log, firstList: 'cached' });
    const view = new InformerView(factory);
    const domain = values.domain.toLowerCase().replace(/\.$/, '');
    const metrics = new Metrics();
    const responses = metrics.counter('coredns_dns_responses_total', 'Counter of response status codes.');
    const order = random.stream('dns/order');
    const chance = (bound: number) => order.int(bound);
    const forwarder = new Forwarder(forwardServers(values.forward, values['resolv-conf']), clock, chance);
    const responder = new Responder({
      view,
      domain,
      forward: (query, protocol) => forwarder.ask(query, protocol),
      ready: () => view.ready,
      serial: () => Math.floor(clock.wallMs() / 1000) >>> 0,
      random: chance,
      onAnswer: (type, rcode, zone) => responses({ type, rcode, zone }),
    });
    const health: StatusRoutes = { '/health': () => ({ code: 200, body: 'OK' }), '/healthz': () => ok };
    const ready: StatusRoutes = {
      '/ready': () => (view.ready ? { code: 200, body: 'OK' } : { code: 503, body: 'kubernetes' }),
      '/readyz': () => (view.ready ? ok : { code: 503, body: 'kubernetes' }),
    };
    const scrape: StatusRoutes = { '/metrics': () => ({ code: 200, body: metrics.text(), type: metricsType }) };
    const listen = async (name: 'health' | 'ready' | 'metrics', routes: StatusRoutes): Promise<void> => {
      const text = values[`${name}-bind-address`];
      if (text === '') return;
      const address = parseHostPort(text);
      if (address === undefined) throw new StartupError(`--${name}-bind-address: expected HOST:PORT, got "${text}"`);
      await lifecycle.start(statusServer(name, address, routes));
    };
    const stop = new AbortController();
    await lifecycle.start({
      name: 'informers',
      start: async () => factory.start(stop.signal),
      stop: async () => {
        forwarder.close();
        stop.abort();
        await factory.stopped();
        client.close();
      },
    });
    await listen('health', health);
    await listen('ready', ready);
    await listen('metrics', { ...scrape, ...health, ...ready });
    const dns = new DnsListener(responder, log, clock, values['bind-address'], values.port);
    await lifecycle.start(dns);
    log.info({ address: values['bind-address'], port: dns.port, domain }, 'serving DNS');
  },
});
