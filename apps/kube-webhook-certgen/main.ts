// kube-webhook-certgen: the certificate of an admission webhook, made by one Job and made known by another.
import process from 'node:process';
import { connect } from '@drydock/client/connect.ts';
import { kubeconfigOrPod } from '@drydock/client/kubeconfig-flag.ts';
import { describeFlags, FlagError, type FlagSet } from '@drydock/foundation/flags.ts';
import { createLog, levelOf } from '@drydock/foundation/pino-log.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { CommandError, createSecret, type Ports, patchWebhooks } from './commands.ts';
import { createFlags, patchFlags, readFlags } from './flags.ts';

const name = 'kube-webhook-certgen';
const clock = new SystemClock();
const random = new SystemRandom();

const usage = `Create certificates and patch them to admission hooks

Usage:
  ${name} create|patch [flags]
`;

async function withClient(kubeconfig: string, work: (ports: Ports) => Promise<void>): Promise<void> {
  const config = await kubeconfigOrPod(kubeconfig, process.env);
  const client = await connect(config, { clock, random, userAgent: `${name}/drydock` });
  try {
    await work({ client, clock, log: createLog(name, levelOf(0)) });
  } finally {
    client.close();
  }
}

function help(command: string, set: FlagSet): void {
  process.stdout.write(`Usage:\n  ${name} ${command} [flags]\n\nFlags:\n${describeFlags(set)}\n`);
}

async function create(args: readonly string[]): Promise<void> {
  const { values: v, help: wanted } = readFlags(createFlags, args, ['host', 'secret-name', 'namespace']);
  if (wanted) return help('create', createFlags);
  const key = { namespace: v.namespace, name: v['secret-name'] };
  await withClient(v.kubeconfig, (ports) =>
    createSecret(ports, key, { certificate: v['cert-name'], key: v['key-name'] }, async () => {
      const { makeCertificate } = await import('./certificates.ts');
      return makeCertificate(v.host, clock.wallMs(), random.stream('certificate'));
    }),
  );
}

async function patch(args: readonly string[]): Promise<void> {
  const { values: v, help: wanted } = readFlags(patchFlags, args, ['secret-name', 'namespace', 'webhook-name']);
  if (wanted) return help('patch', patchFlags);
  const key = { namespace: v.namespace, name: v['secret-name'] };
  await withClient(v.kubeconfig, (ports) =>
    patchWebhooks(ports, key, {
      webhookName: v['webhook-name'],
      validating: v['patch-validating'],
      mutating: v['patch-mutating'],
      failurePolicy: v['patch-failure-policy'],
    }),
  );
}

try {
  const [command, ...args] = process.argv.slice(2);
  if (command === 'create') await create(args);
  else if (command === 'patch') await patch(args);
  else if (command === undefined || command === '--help' || command === '-h' || command === 'help') process.stdout.write(usage);
  else throw new FlagError(`unknown command "${command}" for "${name}"`);
  // At once: a connection that is still being closed would hold up its Job.
  process.exit(0);
} catch (error) {
  const plain = error instanceof FlagError || error instanceof StartupError || error instanceof CommandError;
  process.stderr.write(`Error: ${plain ? error.message : ((error as Error).stack ?? String(error))}\n`);
  process.exit(1);
}
