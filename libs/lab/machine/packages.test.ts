import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { spawnSync } from '@drydock/foundation/child-process.ts';
import { expect, test } from 'vitest';
import { installCommand, withoutStarting } from './packages.ts';

test('one command installs each package once', () => {
  const missing = [
    { program: 'ip', debianPackage: 'iproute2' },
    { program: 'nsenter', debianPackage: 'util-linux' },
    { program: 'unshare', debianPackage: 'util-linux' },
  ];
  expect(installCommand(missing)).toBe('apt-get install -y --no-install-recommends iproute2 util-linux');
});

test('daemons that nobody asked for are not started: Debian is told so while it installs, and only then', () => {
  expect(withoutStarting('true', [])).toBe('true');
  const folder = mkdtempSync(`${tmpdir()}/policy-`);
  const policy = `${folder}/policy-rc.d`;
  const script = withoutStarting(`sh ${policy} nginx; echo $?; sh ${policy} other; echo $?`, ['nginx']).replaceAll(
    '/usr/sbin/policy-rc.d',
    policy,
  );
  const { stdout } = spawnSync('sh', ['-c', script.replace(/ && if command -v systemctl.*$/, '')], { encoding: 'utf8' });
  expect(stdout.trim().split('\n')).toEqual(['101', '0']);
  expect(spawnSync('ls', [folder], { encoding: 'utf8' }).stdout).toBe('');
  rmSync(folder, { recursive: true });
});
