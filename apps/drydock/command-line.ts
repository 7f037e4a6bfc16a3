// The lab's command line as a value. Verbs are thin: what they do is in libs/lab.
import { LabError } from '@drydock/lab/errors.ts';
import { buildable } from '@drydock/lab/images/on-demand.ts';
import type { Lab } from '@drydock/lab/lab.ts';
import { groupAliases } from '@drydock/lab/net/partition.ts';
import { Command } from 'commander';
import { convertVerb } from './convert-verb.ts';
import { downVerb } from './down-verb.ts';
import { buildArchive, buildImages, listImages, loadImages } from './image-verbs.ts';
import { followLogs } from './log-verb.ts';
import { renderLabs } from './ls-verb.ts';
import { labsOfMachine, openLab } from './open-lab.ts';
import { say } from './output.ts';
import { signalNamed, someOf, tellStarted } from './process-verbs.ts';
import { restoreVerb, saveVerb } from './snapshot-verbs.ts';
import { renderStatus } from './status-verb.ts';
import { installDependencies, runTool, toolEnvironment } from './tool-verbs.ts';
import { addUpFlags, readUpFlags } from './up-flags.ts';
import { readLabFile, upVerb } from './up-verb.ts';

export const program = new Command('drydock')
  .description('A Kubernetes cluster of separate processes on one machine, to be taken apart.')
  .option('--name <lab>', 'which lab (default "lab", environment DRYDOCK_NAME)')
  .option('--dir <folder>', "the lab's folder (default .drydock/<lab> in the repository, environment DRYDOCK_DIR)")
  .enablePositionalOptions()
  .showSuggestionAfterError()
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(`drydock: ${text.replace(/^error: /, '')}`) });

/** Set before a verb acts: --name and --dir may stand before the verb or behind it. */
let chosen: { name?: string; dir?: string } = {};
program.hook('preAction', (_, action) => {
  chosen = action.optsWithGlobals();
});
const lab = (): Lab => openLab(chosen, true);
const ofLab = (command: Command): Command =>
  command.option('--name <lab>', 'which lab').option('--dir <folder>', "the lab's folder");
const verb = (usage: string, description: string, examples: readonly string[]): Command =>
  ofLab(program.command(usage))
    .description(description)
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  ./drydock ${line}`).join('\n')}`);
/** A verb that takes names of processes and workers, or `--all` (also said as the name `all`). */
const named = (name: string, description: string, examples: readonly string[]): Command =>
  verb(`${name} [names...]`, description, examples)
    .option('--all', 'every process of the lab')
    .hook('preAction', (_, action) => {
      if (action.opts().all !== true && action.args.length === 0)
        throw new LabError('config', `${name}: expected names of processes or workers, or --all`);
    });
const chosenNames = (names: readonly string[], options: { all?: boolean }): readonly string[] =>
  options.all === true ? ['all'] : names;

addUpFlags(
  verb('up', 'start the lab, or whatever of it does not run', [
    'up',
    'up --profile fast --workers 2',
    'up --config lab.yaml',
    'up --network=loopback --engine=hollow',
  ]),
).action(async (options: Record<string, unknown>) => {
  const file = typeof options.config === 'string' ? readLabFile(options.config) : {};
  await upVerb(openLab({ ...chosen, name: chosen.name ?? file.name }), { ...file, ...readUpFlags(options, file) });
});
verb('status', 'what every process is doing', ['status', 'status --json'])
  .option('--json', 'as JSON')
  .action(async (options: { json?: boolean }) =>
    say(options.json === true ? JSON.stringify(await lab().status(), null, 2) : await renderStatus(lab())),
  );
verb('ls', 'the labs of this machine (of this user, for who is not root)', ['ls']).action(() =>
  say(renderLabs(labsOfMachine())),
);
verb('down', 'stop everything and remove every trace', ['down']).action(async () => {
  await downVerb(openLab(chosen), say);
});
named('kill', 'kill processes; a worker dies as a whole machine', [
  'kill etcd-1',
  'kill -9 worker-2',
  'kill -s TERM kubelet-w1',
  'kill --all',
])
  .option('-s, --signal <signal>', 'another signal than KILL', 'KILL')
  .action(async (given: string[], options: { signal: string; all?: boolean }) => {
    const signal = signalNamed(options.signal);
    const reached = await lab().kill(chosenNames(given, options), signal);
    say(`${signal} sent to ${someOf(reached, given, 'no process was running')}`);
    const again = signal === 'SIGSTOP' || signal === 'SIGCONT' ? [] : lab().begunAgain(reached);
    if (again.length > 0) say(`${again.join(', ')}: in static pods, which the kubelet begins again unless their manifests go`);
  });
named('pause', 'stop processes in their tracks; connections stay open', ['pause apiserver-1', 'pause worker-2']).action(
  async (given: string[], options: { all?: boolean }) =>
    say(`paused ${someOf(await lab().pause(chosenNames(given, options)), given, 'no process was running')}`),
);
named('resume', 'let paused processes go on', ['resume apiserver-1']).action(
  async (given: string[], options: { all?: boolean }) =>
    say(`resumed ${someOf(await lab().resume(chosenNames(given, options)), given, 'not paused')}`),
);
named('start', 'start processes that have ended, and wait until they serve', ['start etcd-1', 'start worker-2']).action(
  async (given: string[], options: { all?: boolean }) => {
    const names = chosenNames(given, options);
    tellStarted(await lab().start(names), `${names.join(', ')}: running already`, 'started');
  },
);
named('restart', 'stop processes in an orderly way and start them', ['restart kubelet-w1']).action(
  async (given: string[], options: { all?: boolean }) => {
    const names = chosenNames(given, options);
    tellStarted(await lab().restart(names), `${names.join(', ')}: nothing to start`, 'restarted');
  },
);
verb('partition <groups...>', `cut the network between groups of members (also: ${groupAliases.join(', ')}, host)`, [
  "partition 'worker-3 | control-plane'",
  'partition worker-3 control-plane',
  "partition 'etcd-1 | etcd-2,etcd-3'",
  'partition --one-way etcd-1 rest',
])
  .option('--one-way', 'drop only what goes from the first group to the second')
  .action(async (groups: string[], options: { oneWay?: boolean }) => {
    for (const line of await lab().partition(groups, options.oneWay === true)) say(`partition: ${line}`);
  });
verb('heal', 'remove all partitions', ['heal']).action(async () => {
  await lab().heal();
  say('the network is whole');
});
verb('logs <name>', 'what a process has written; `all`: all of them, each line with its name', [
  'logs apiserver-1',
  'logs -f kubelet-w1',
  'logs --tail 50 etcd-2',
])
  .option('-f, --follow', 'print what comes, too')
  .option('--tail <lines>', 'only the last lines')
  .action((name: string, options: { follow?: boolean; tail?: string }) =>
    followLogs(lab().logFiles(name), options.follow === true, options.tail),
  );
verb('kubectl', "kubectl with the lab's credentials", ['kubectl get pods -A'])
  .allowUnknownOption()
  .passThroughOptions()
  .argument('[args...]')
  .helpOption(false)
  .action((args: string[]) => runTool(lab, 'kubectl', args));
verb('etcdctl', "etcdctl with the lab's credentials", ['etcdctl endpoint status -w table'])
  .allowUnknownOption()
  .passThroughOptions()
  .argument('[args...]')
  .helpOption(false)
  .action((args: string[]) => runTool(lab, 'etcdctl', args));
verb('env', 'shell commands that set KUBECONFIG and ETCDCTL_*', ['env', 'env | sh -c "$(cat); kubectl get nodes"']).action(
  () => {
    for (const [name, value] of Object.entries(toolEnvironment(lab())))
      say(`export ${name}='${value.replaceAll("'", "'\\''")}'`);
  },
);
const another = (value: string, before: readonly string[]): readonly string[] => [...before, value];
const image = verb('image', 'images of the workers; no registry is involved', [
  'image list',
  'image load app.tar',
  'image build',
  'image build mysql:5.6',
  'image build -f deploy.yaml',
]);
image
  .command('build [images...]')
  .description(
    `build the lab's own images from what is on this machine, or others by the names that manifests have for them (${buildable.join(', ')}), which running workers then get; prints the docker-archive files`,
  )
  .option('-f, --filename <file>', 'a manifest: those of its images that can be built (repeatable)', another, [])
  .action(async (names: string[], { filename }: { filename: readonly string[] }) =>
    names.length + filename.length === 0 ? say(await buildArchive(lab())) : buildImages(lab(), names, filename, say),
  );
image
  .command('load <file>')
  .description('load a docker-archive or OCI archive into every worker')
  .action(async (file: string) => loadImages(lab(), file, say));
image
  .command('list')
  .description('images of every worker')
  .action(async () => listImages(lab(), say));
const snapshot = verb('snapshot', "the store's content as a file, and back", [
  'snapshot save backup.db',
  'snapshot restore backup.db',
  'snapshot restore --force backup.db',
]);
ofLab(snapshot.command('save <file>'))
  .description('save what the store holds; etcdctl and etcdutl understand the file')
  .action((file: string) => saveVerb(lab(), file, say));
ofLab(snapshot.command('restore <file>'))
  .description('begin the store anew with the content of a file, and start whatever of the lab does not run')
  .option('--force', 'also while members of the store run; they are stopped')
  .action((file: string, options: { force?: boolean }) => restoreVerb(lab(), file, options.force === true, say));
verb('convert [files...]', 'manifests of API versions that are gone, in those that are served', [
  'convert -f old-ingress.yaml | ./drydock kubectl apply -f -',
  'convert -f - -o json < old.yaml',
])
  .requiredOption('-f, --filename <file...>', 'YAML or JSON; `-` is standard input')
  .option('-o, --output <format>', 'yaml or json', 'yaml')
  .action((more: string[], options: { filename: string[]; output: string }) =>
    convertVerb([...options.filename, ...more], options.output, say),
  );
verb('install', 'get the npm packages and the Node that the project runs on, and nothing else', ['install']).action(() => {});
program
  .command('deps', { hidden: true })
  .description('install what the lab and its test suites call and this machine lacks')
  .action(() => installDependencies(say));
verb('run <component> [flags...]', 'run one component alone in the foreground, with upstream’s flags', [
  'run etcd --name a --data-dir /tmp/a',
  'run kube-apiserver --help',
]);

/** The lab that the command in hand is about, as far as it was named: what hints must repeat. */
export function chosenLab(): { name?: string; dir?: string } {
  return chosen;
}
