// gitRepo volumes: what git is asked, once; a clone that failed is begun anew; words that would be flags.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GitRepoVolumeSource } from '@drydock/api/generated/types.ts';
import { nodeCalls } from '@drydock/foundation/beneath/calls.ts';
import { expect, onTestFinished, test } from 'vitest';
import { type Git, hostGit } from './git-repo.ts';
import { hollowMounter } from './mounter.ts';
import { contextOf, makeVolumes, podWith } from './testing/pods.ts';

/** A node whose git makes the folder that it would, with what was there before noted in it. */
function node() {
  const root = mkdtempSync(join(tmpdir(), 'drydock-git-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const asked: string[] = [];
  const failing = { at: '' };
  const git: Git = async (args, folder) => {
    asked.push(`${folder.slice(root.length).replace(/.*git-repo/, '')}$ git ${args.join(' ')}`);
    expect(readdirSync(folder).filter((name) => name === 'half')).toEqual([]);
    const target = args[3] ?? 'project';
    if (args[0] === 'clone' && target !== '.') mkdirSync(`${folder}/${failing.at === 'clone' ? 'half' : target}`);
    if (failing.at === args[0]) throw new Error('git failed');
    if (args[0] === 'clone') writeFileSync(`${folder}/${target}/file`, 'cloned');
  };
  const prepare = (gitRepo: GitRepoVolumeSource) =>
    makeVolumes(root, hollowMounter, nodeCalls, git).prepare(contextOf(podWith({ volumes: [{ name: 'v', gitRepo }] })));
  return { asked, failing, prepare };
}

const repository = 'https://example.com/project.git';

test.each<[GitRepoVolumeSource, string[]]>([
  [{ repository }, [`/v$ git clone -- ${repository}`]],
  [
    { repository, revision: 'main' },
    [`/v$ git clone -- ${repository}`, '/v/project$ git checkout main', '/v/project$ git reset --hard'],
  ],
  [
    { repository, revision: 'main', directory: '.' },
    [`/v$ git clone -- ${repository} .`, '/v$ git checkout main', '/v$ git reset --hard'],
  ],
  [
    { repository, revision: 'main', directory: 'sub' },
    [`/v$ git clone -- ${repository} sub`, '/v/sub$ git checkout main', '/v/sub$ git reset --hard'],
  ],
])('%j', async (source, commands) => {
  const { prepare, asked } = node();
  const made = await prepare(source);
  expect(asked).toEqual(commands);
  expect(made.get('v')?.readOnly).toBe(false);
  await prepare(source);
  expect(asked).toEqual(commands);
});

test.each(['clone', 'checkout', 'reset'])('where git fails at %s, all of it is done anew', async (at) => {
  const { prepare, failing, asked } = node();
  failing.at = at;
  const source = { repository, revision: 'main' };
  await expect(prepare(source)).rejects.toThrow('MountVolume.SetUp failed for volume "v" : git failed');
  failing.at = '';
  asked.length = 0;
  await prepare(source);
  expect(asked).toHaveLength(3);
});

test.each([
  [{ repository: '--upload-pack=touch' }, '"--upload-pack=touch" is an invalid value for repository'],
  [{ repository, revision: '-f' }, '"-f" is an invalid value for revision'],
  [{ repository, directory: '-x' }, '"-x" is an invalid value for directory'],
  [
    { repository, revision: 'a', directory: 'x/../.git' },
    'is not a valid directory, it must not contain a directory separator',
  ],
])('%j is refused before git runs', async (source, message) => {
  const { prepare, asked } = node();
  await expect(prepare(source)).rejects.toThrow(message);
  expect(asked).toEqual([]);
});

test('what the node’s git says', async () => {
  await expect(hostGit(['no-such-command'], tmpdir(), undefined)).rejects.toThrow(
    /^failed to exec 'git no-such-command': [\s\S]*: (exit status 1|executable file not found in \$PATH)$/,
  );
});
