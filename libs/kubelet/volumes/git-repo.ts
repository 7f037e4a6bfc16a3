// gitRepo volumes (pkg/volume/git_repo): an empty folder with a clone in it, made once. Off unless the gate GitRepoVolumeDriver says
// otherwise, for git runs as root on what somebody else has written (CVE-2024-10220).
import type { GitRepoVolumeSource } from '@drydock/api/generated/types.ts';
import type { Directory } from '@drydock/foundation/beneath/directory.ts';
import { spawn } from '@drydock/foundation/child-process.ts';
import { VolumeError } from './payload.ts';

export const gitRepoOff =
  'git-repo volume plugin has been disabled; if necessary, it may be re-enabled by enabling the feature-gate `GitRepoVolumeDriver`';

/** As much of git's output as an error says. */
const saidBytesMax = 4096;

/** Runs git in `folder`. Throws VolumeError with what it said. */
export type Git = (args: readonly string[], folder: string, signal: AbortSignal | undefined) => Promise<void>;

/** Throws VolumeError where git would take a word for a flag, or leave the volume. */
function check({ repository, revision = '', directory = '' }: GitRepoVolumeSource): void {
  for (const [name, value] of Object.entries({ repository, revision, directory }))
    if (value.startsWith('-')) throw new VolumeError(`${JSON.stringify(value)} is an invalid value for ${name}`);
  if (revision !== '' && directory.replace(/^(\.\/+)+|\/+$/g, '').includes('/'))
    throw new VolumeError(`${JSON.stringify(directory)} is not a valid directory, it must not contain a directory separator`);
}

/** Fills the empty folder. */
export async function cloneInto(
  folder: Directory,
  source: GitRepoVolumeSource,
  git: Git,
  signal: AbortSignal | undefined,
): Promise<void> {
  check(source);
  const { repository, revision = '', directory = '' } = source;
  await git(['clone', '--', repository, ...(directory === '' ? [] : [directory])], folder.path, signal);
  if (revision === '') return;
  const clone = directory === '.' ? folder.path : `${folder.path}/${await onlyEntry(folder)}`;
  await git(['checkout', revision], clone, signal);
  await git(['reset', '--hard'], clone, signal);
}

/** What git has made. */
async function onlyEntry(folder: Directory): Promise<string> {
  const names: string[] = [];
  for await (const { name } of folder.entries()) names.push(name.toString());
  const [only] = names;
  if (only === undefined || names.length > 1) throw new VolumeError(`unexpected directory contents: ${names.join(' ')}`);
  return only;
}

/** The node's own git. */
export const hostGit: Git = async (args, folder, signal) => {
  const child = spawn('git', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], signal });
  let said = '';
  const hear = (chunk: Buffer): void => {
    if (said.length < saidBytesMax) said += chunk.toString();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const failed = (why: string): VolumeError => new VolumeError(`failed to exec 'git ${args.join(' ')}': ${said}: ${why}`);
  await new Promise<void>((resolve, reject) => {
    child.on('error', (error) =>
      reject(failed('code' in error && error.code === 'ENOENT' ? 'executable file not found in $PATH' : error.message)),
    );
    child.on('close', (code, ended) =>
      code === 0 ? resolve() : reject(failed(code === null ? `signal: ${ended}` : `exit status ${code}`)),
    );
  });
};
