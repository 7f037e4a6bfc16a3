// The environment of what we start: what a program needs to find its way on this machine, nothing that changes what it does.
// A shell in which `drydock env` was evaluated, a proxy, another locale or NODE_OPTIONS must not reach a member of a lab or a test.

export type Environment = Readonly<Record<string, string | undefined>>;

const kept = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR', 'TERM', 'CI', 'FORCE_COLOR', 'NO_COLOR'],
  ...['XDG_RUNTIME_DIR', 'XDG_CACHE_HOME', 'NODE_COMPILE_CACHE'],
  // Switches of our own tests.
  ...['UPDATE', 'RAFT_SEEDS', 'BENCH_DIR', 'DRYDOCK_UPSTREAM', 'DRYDOCK_ORIGINAL', 'DRYDOCK_SIEGE'],
]);
const keptPattern = /^DRYDOCK_(?:CRI|TEST)_\w+$/;
const locale = 'C.UTF-8';

/** What of `env` a program of ours is started with, with a locale that is the same everywhere; `more` is added. */
export function cleanEnvironment(env: Environment, more: Environment = {}): Record<string, string> {
  const found = Object.entries(env).filter(([name]) => kept.has(name) || keptPattern.test(name));
  return Object.fromEntries(
    [...found, ['LANG', locale] as const, ...Object.entries(more)].filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
}

/** How this machine reaches the network, for what installs packages. */
export function proxySettings(env: Environment): Record<string, string> {
  const names = Object.keys(env).filter((name) => /^(?:https?|all|ftp|no)_proxy$/i.test(name));
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

/** Variables that change what stock clients, our programs or Node do: a process that was started with them takes them off. */
export function isTroublesome(name: string): boolean {
  return /^(?:ETCD|KUBE|NODE_OPTIONS$|NODE_EXTRA_CA_CERTS$|NODE_TLS_|LC_|LANGUAGE$|DRYDOCK_(?:NAME|DIR|LAB|PROCESS|DISK_FAULTS)$|(?:https?|all|ftp|no)_proxy$)/i.test(
    name,
  );
}
