// The store: one member of an etcd cluster.
import { join } from 'node:path';
import process from 'node:process';
import { bcryptHasher } from '@drydock/etcd/auth/bcrypt.ts';
import { limits } from '@drydock/etcd/limits.ts';
import { EtcdMember } from '@drydock/etcd/member.ts';
import { openLmdbBackend } from '@drydock/etcd/mvcc/lmdb-backend.ts';
import { askHash } from '@drydock/etcd/peer/ask-hash.ts';
import { createGrpcTransport } from '@drydock/etcd/peer/grpc-transport.ts';
import { MemberRemovedError } from '@drydock/etcd/replica.ts';
import { ClientListener } from '@drydock/etcd/rpc/listener.ts';
import { encodeDescription } from '@drydock/etcd/server/cluster-description.ts';
import { httpHandler, metricsHandler } from '@drydock/etcd/server/http.ts';
import { LeaderClient } from '@drydock/etcd/server/leader-client.ts';
import { hexId } from '@drydock/etcd/server/members.ts';
import { decodeHashAnswer, encodeHashQuestion } from '@drydock/etcd/server/peer-hash.ts';
import { peerHttpHandler } from '@drydock/etcd/server/peer-http.ts';
import { FlagError } from '@drydock/foundation/flags.ts';
import { makeFolderDurably } from '@drydock/foundation/node-disk.ts';
import { type ProgramContext, runProgram, StartupError } from '@drydock/foundation/program.ts';
import { withAutoTls } from './auto-tls.ts';
import { readConfig } from './config.ts';
import { argumentsOf, configFileOf } from './config-file.ts';
import { dataDisk } from './data-disk.ts';
import { withDiskFaults } from './disk-faults.ts';
import { explain, logOf, sayClosing, sayReady, sayServing, sayStarting, usage, version } from './face.ts';
import { etcdDialect, etcdFlags } from './flags.ts';
import { runGateway } from './gateway-command.ts';
import { help } from './help.ts';
import { findIdentity } from './identity.ts';
import { importEtcdData } from './import-data.ts';
import { httpOptions, memberSettings } from './settings.ts';
import { told } from './startup-failures.ts';

type Context = ProgramContext<typeof etcdFlags>;

async function start(context: Context): Promise<void> {
  const { flags: parsed, log, clock, random, lifecycle, fatal } = context;
  const flags = parsed.values;
  const described = verified(() => readConfig(flags, parsed.given));
  await importEtcdData(described.dataDir, log);
  await makeDataDir(described.dataDir);
  const config = await withAutoTls(described, flags, context);
  const { disk, reached } = withDiskFaults(dataDisk(config.dataDir, flags['wal-dir']), clock, process.env.DRYDOCK_DISK_FAULTS);
  const identity = await findIdentity(config, flags, { disk, clock, log });
  const { id, clusterId } = identity;
  const served = { config, name: flags.name, id, clusterId };
  sayStarting(log, served, flags['initial-cluster-state'] === 'existing');

  const transport = createGrpcTransport({
    id,
    clusterId,
    listenUrls: config.peerUrls.map((url) => url.text),
    advertiseUrls: config.advertisePeerUrls,
    describe: () => encodeDescription(member.describe()),
    answerHash: (question) => member.answerHash(question),
    http: (request, response) => peerHttpHandler(member.server)(request, response),
    tls: config.peerTls,
    anyAddress: flags['experimental-peer-skip-client-san-verification'],
    clock,
    random,
    log,
  });
  const member = await EtcdMember.open(memberSettings(config, flags, identity), {
    disk,
    backend: openLmdbBackend(join(config.dataDir, 'member', 'db'), reached),
    transport,
    leader: (server) => new LeaderClient(server, config.tls),
    askPeerHash: async (urls, revision) => {
      const deadline = clock.wallMs() + member.server.requestTimeoutMs;
      return decodeHashAnswer(await askHash(urls, config.peerTls, encodeHashQuestion(revision), deadline));
    },
    clock,
    random,
    passwordHasher: bcryptHasher,
    log,
    fatal: (error, message) =>
      error instanceof MemberRemovedError ? leave(context, config.dataDir, error) : fatal(error, message),
  });
  const listener = new ClientListener({
    services: member.services,
    http: httpHandler(member.server, httpOptions(flags, member.services, log)),
    tls: config.tls,
    log,
    receiveBytesMax: flags['max-request-bytes'] + limits.requestOverheadBytes,
    streamsMax: flags['max-concurrent-streams'],
    clock,
  });
  const metrics = new ClientListener({
    ...{ services: [], http: metricsHandler(member.server), tls: config.tls, log, receiveBytesMax: 0, clock },
  });

  await lifecycle.start({ name: 'log', start: async () => {}, stop: async () => sayClosing(log, served, 'closed') });
  await member.start(lifecycle);
  await lifecycle.start({
    name: 'clients',
    start: async () => {
      for (const url of config.clientUrls) await listener.listen(url);
      for (const url of config.metricsUrls) await metrics.listen(url, true);
    },
    stop: async () => {
      sayClosing(log, served, 'closing');
      member.endCalls();
      await Promise.all([listener, metrics].map((one) => one.stop((ms) => clock.sleep(ms))));
    },
  });
  sayServing(log, served);
  member.publish(() => sayReady(log, served, identity.bootstrap));
}

/** Nothing is wrong with a member that was removed: its process ends as if it was told to. */
function leave({ log }: Context, dataDir: string, error: MemberRemovedError): void {
  log.warn({ error: error.message, member: hexId(error.id), by: hexId(error.by) }, 'server error');
  log.warn({ 'data-dir': dataDir }, 'data-dir used by this member must be removed');
  process.kill(process.pid, 'SIGTERM');
}

/** What does not go together is told as etcd tells it: in its log, before anything else. */
function verified<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof StartupError ? new FlagError(error.message, 'environment') : error;
  }
}

async function makeDataDir(path: string): Promise<void> {
  try {
    await makeFolderDurably(join(path, 'member', 'db'), path);
  } catch (cause) {
    throw new StartupError(`cannot access data directory: ${(cause as Error).message}`, { cause });
  }
}

/** Of the file that `--config-file` names, else of the process. Throws FlagError. */
function sourceOf(): { args?: string[]; env?: Record<string, string> } {
  const file = configFileOf(process.argv.slice(2), process.env);
  if (file === undefined) return {};
  return { args: argumentsOf(file, (name) => Object.hasOwn({ ...etcdFlags, ...etcdDialect.ignored }, name)), env: {} };
}

const program = { name: 'etcd', flags: etcdFlags, dialect: etcdDialect, version, usage, help, log: logOf, explain };
try {
  if (process.argv[2] === 'gateway') await runGateway(process.argv.slice(3));
  else await runProgram({ ...program, ...sourceOf(), start: (context) => told(start(context)) });
} catch (error) {
  if (!(error instanceof FlagError)) throw error;
  explain(logOf(undefined), error);
  process.exit(1);
}
