// `etcd gateway start`: a port in front of the members, for clients that know only one address.
import { lookup } from 'node:dns/promises';
import { type Endpoint, parseEndpoint, TcpProxy } from '@drydock/etcd/tcp-proxy/tcp-proxy.ts';
import { FlagError, flag } from '@drydock/foundation/flags.ts';
import { type ProgramContext, runProgram, StartupError } from '@drydock/foundation/program.ts';
import { createZapLog } from '@drydock/foundation/zap-log.ts';

const gatewayFlags = {
  endpoints: flag('strings', ['127.0.0.1:2379'], 'comma separated etcd cluster endpoints'),
  'listen-addr': flag('string', '127.0.0.1:23790', 'listen address'),
  'retry-delay': flag('duration', 60_000, 'duration of delay before retrying failed endpoints'),
};

const usage = 'Usage:\n  etcd gateway start [flags]\n';

/** @param args what comes behind `gateway`. */
export async function runGateway(args: readonly string[]): Promise<void> {
  if (!args.includes('start')) {
    process.stdout.write(`gateway related command\n\n${usage}`);
    return;
  }
  await runProgram({
    name: 'etcd gateway start',
    flags: gatewayFlags,
    dialect: { style: 'pflag' },
    usage,
    args: args.filter((arg) => arg !== 'start'),
    env: {},
    log: () => createZapLog({ level: 'info', format: 'json', outputs: ['stderr'] }),
    start,
  });
}

async function start({ flags, clock, log, lifecycle }: ProgramContext<typeof gatewayFlags>): Promise<void> {
  const given = flags.values['listen-addr'];
  const listen = parseEndpoint(given);
  if (listen === undefined) throw new StartupError(`failed to validate listen address: ${given}`);
  const endpoints = flags.values.endpoints.map(endpointOf);
  await refuseItself(listen, endpoints, given);
  const proxy = new TcpProxy({ endpoints, retryMs: flags.values['retry-delay'], clock, log });
  await lifecycle.start({ name: 'gateway', start: () => listening(proxy, listen, given), stop: () => proxy.stop() });
}

function endpointOf(text: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint === undefined) throw new FlagError(`error parsing endpoint ${JSON.stringify(text)}`);
  return endpoint;
}

async function listening(proxy: TcpProxy, listen: Endpoint, given: string): Promise<void> {
  try {
    await proxy.listen(listen);
  } catch (cause) {
    throw new StartupError(`listen tcp ${given}: ${(cause as Error).message}`, { cause });
  }
}

/** A gateway that is its own member would speak with itself for ever. */
async function refuseItself(listen: Endpoint, endpoints: readonly Endpoint[], given: string): Promise<void> {
  const own = await addressesOf(listen.host, 'listen');
  for (const { host, port } of endpoints) {
    const found = (await addressesOf(host, 'endpoint')).find((address) => own.includes(address));
    if (port !== listen.port || found === undefined) continue;
    const who = `SRV or endpoint (${host}:${port}->${found}:${port})`;
    throw new StartupError(`${who} should not resolve to the gateway listen addr (${given})`);
  }
}

async function addressesOf(host: string, what: 'listen' | 'endpoint'): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (cause) {
    throw new StartupError(`failed to resolve ${what} host: ${host}`, { cause });
  }
}
