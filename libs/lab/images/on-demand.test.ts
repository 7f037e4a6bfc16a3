// Images built on demand: which names are known, and the entry point of `mysql` where nothing says how its folder is to begin.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from '@drydock/foundation/child-process.ts';
import { expect, onTestFinished, test } from 'vitest';
import { buildOnDemand } from './on-demand.ts';

const known = 'mysql:TAG, mariadb:TAG, REGISTRY/ingress-nginx/controller:TAG, REGISTRY/ingress-nginx/kube-webhook-certgen:TAG';

test.each(['redis:7', 'quay.io/library/mysql:5.6', 'mysql:', 'mysql:5.6@sha256:abc', 'ingress-nginx/controller-x'])(
  '%s is refused with what is known',
  async (image) => {
    await expect(buildOnDemand(image, tmpdir())).rejects.toThrow(
      `do not know how to build the image ${image}; known: ${known}`,
    );
  },
);

/** Runs the entry point with a folder in the place of /var/lib/mysql, and programs that only say how they were called. */
async function enter(env: Record<string, string>, ...args: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'drydock-mysql-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const script = readFileSync(new URL('./mysql-entrypoint.sh', import.meta.url), 'utf8')
    .replaceAll('/var/lib/mysql', `${folder}/data`)
    .replaceAll('/run/mysqld', `${folder}/run`)
    .replaceAll('/docker-entrypoint-initdb.d', `${folder}/init`)
    .replaceAll('exec "$@"', '"$@"');
  const programs = [
    'chown() { :; }',
    'mysqld() { case " $* " in *" --bootstrap "*) cat ;; *) echo "mysqld $*" ;; esac; }',
    `mariadb-install-db() { mkdir -p "${folder}/data/mysql"; [ -z "\${KILLED-}" ] || exit 9; }`,
  ];
  // dash takes no `-` in the name of a function.
  const whole = [...programs, script].join('\n').replaceAll('mariadb-install-db', 'install_db');
  const run = async (more: Record<string, string> = {}) => {
    const { all, exitCode } = await execa('sh', ['-c', whole, 'entrypoint', ...args], {
      env: { ...env, ...more },
      all: true,
      reject: false,
    });
    return { all: (all ?? '').replaceAll(folder, ''), exitCode };
  };
  return { run, folder };
}

const server = 'mysqld --user=mysql --datadir=/data --socket=/run/mysqld.sock --bind-address=0.0.0.0 --skip-name-resolve';

test('the server of an empty folder needs to be told of a password', async () => {
  const { run } = await enter({}, 'mysqld');
  expect(await run()).toEqual({
    exitCode: 1,
    all: [
      'error: database is uninitialized and password option is not specified ',
      '  You need to specify one of MYSQL_ROOT_PASSWORD, MYSQL_ALLOW_EMPTY_PASSWORD and MYSQL_RANDOM_ROOT_PASSWORD',
    ].join('\n'),
  });
});

test('accounts and databases are made once, their names and passwords as they are; flags are the server’s', async () => {
  const env = { MYSQL_ROOT_PASSWORD: "it's\\", MYSQL_DATABASE: 'a`b', MYSQL_USER: 'me', MYSQL_PASSWORD: 'x' };
  const { run } = await enter(env, '--port=3307');
  expect((await run()).all.split('\n').filter((line) => line !== '')).toEqual([
    'Initializing database',
    'FLUSH PRIVILEGES;',
    "ALTER USER 'root'@'localhost' IDENTIFIED BY 'it''s\\\\';",
    "CREATE USER IF NOT EXISTS 'root'@'%' IDENTIFIED BY 'it''s\\\\';",
    "GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;",
    'CREATE DATABASE IF NOT EXISTS `a``b`;',
    "CREATE USER IF NOT EXISTS 'me'@'%' IDENTIFIED BY 'x';",
    "GRANT ALL ON `a``b`.* TO 'me'@'%';",
    'USE `a``b`;',
    'Database initialized',
    `${server} --port=3307`,
  ]);
  expect(await run()).toEqual({ exitCode: 0, all: `${server} --port=3307` });
});

test('killed while it makes the databases, it makes them anew', async () => {
  const { run } = await enter({ MYSQL_ALLOW_EMPTY_PASSWORD: '1' }, 'mysqld');
  expect((await run({ KILLED: '1' })).exitCode).not.toBe(0);
  expect((await run()).all).toContain('Database initialized');
});

test('nothing of what was half made is there when it is made anew; other files stay', async () => {
  const { run, folder } = await enter({ MYSQL_ALLOW_EMPTY_PASSWORD: '1' }, 'mysqld');
  mkdirSync(`${folder}/data/lost+found`, { recursive: true });
  writeFileSync(`${folder}/data/.mine`, '');
  expect((await run({ KILLED: '1' })).exitCode).not.toBe(0);
  // By a file of the user, before the end.
  mkdirSync(`${folder}/data/shop`);
  expect((await run()).all).toContain('Database initialized');
  expect(readdirSync(`${folder}/data`).sort()).toEqual(['.mine', 'lost+found', 'mysql']);
});

test('a folder with files that are no databases is left alone', async () => {
  const { run, folder } = await enter({ MYSQL_ALLOW_EMPTY_PASSWORD: '1' }, 'mysqld');
  mkdirSync(`${folder}/data/photos`, { recursive: true });
  for (const _ of ['once', 'again'])
    expect(await run()).toEqual({
      exitCode: 1,
      all: 'error: --initialize specified but the data directory has files in it. Aborting.',
    });
  expect(readdirSync(`${folder}/data`)).toEqual(['photos']);
});

test('files of the user that cannot be read whole are no databases', async () => {
  const { run, folder } = await enter({ MYSQL_ALLOW_EMPTY_PASSWORD: '1' }, 'mysqld');
  mkdirSync(`${folder}/init`);
  writeFileSync(`${folder}/init/a.sql`, 'CREATE TABLE a;');
  writeFileSync(`${folder}/init/b.sql.gz`, 'not gzip');
  const torn = await run();
  expect([torn.exitCode, torn.all.split('\n').at(-1)]).toEqual([1, 'error: not all of /init could be read']);
  rmSync(`${folder}/init/b.sql.gz`);
  const whole = await run();
  expect([whole.exitCode, whole.all]).toEqual([0, expect.stringContaining('CREATE TABLE a;')]);
  expect((await run()).all).toBe(server);
});

test('another command is run as it is', async () => {
  const { run } = await enter({}, 'echo', 'client');
  expect(await run()).toEqual({ exitCode: 0, all: 'client' });
});
