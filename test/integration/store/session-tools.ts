// Small programs that sessions with etcdctl use beside it: they wait for what etcdctl does not wait for.
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from './members.ts';

const tools: Readonly<Record<string, string>> = {
  /** `watch-lines COUNT WORDS...`: watches until so many lines have come; etcdctl by itself ends only with an error. */
  'watch-lines': `lines=$1; shift
: >watched
etcdctl watch "$@" >watched 2>&1 &
watch=$!
while kill -0 $watch 2>/dev/null && [ "$(wc -l <watched)" -lt "$lines" ]; do sleep 0.05; done
kill $watch 2>/dev/null
cat watched`,
  /** `lines COUNT COMMAND...`: until it has written so many lines, or ends; its signal makes etcdctl give back what it holds. */
  lines: `count=$1; shift
out=lines.$$; : >$out
"$@" >$out 2>&1 &
while kill -0 $! 2>/dev/null && [ "$(wc -l <$out)" -lt "$count" ]; do sleep 0.05; done
kill $! 2>/dev/null
wait $!
cat $out`,
  /** `when-healthy COMMAND...`: changes of membership want all members connected for some seconds. */
  'when-healthy': `while "$@" >answer 2>&1; status=$?; grep -q 'unhealthy cluster' answer; do sleep 0.2; done
cat answer; exit $status`,
  /** `id-of NAME`: of a member, or `unstarted`. */
  'id-of': `etcdctl member list | awk -F', ' -v name="$1" '$3 == name || $2 == name { print $1 }'`,
  /** The list without ids, in the order of the names. */
  'members-by-name': `etcdctl member list | cut -d' ' -f2- | sort`,
  /** `until-started NAMES...` */
  'until-started': `for name; do until [ -n "$(id-of "$name")" ]; do sleep 0.1; done; done`,
  /** Starts the member of the store that has a place and was not started. */
  'start-member': `: >wanted; while [ -e wanted ]; do sleep 0.05; done`,
  /** Answers of `member add` without the order of the members, which is that of their ids. */
  'in-order': `sed 's/^\\(ETCD_INITIAL_CLUSTER\\)="\\(.*\\)"/\\2/' | awk '/^m[0-9]=/ { gsub(",", "\\n") } { print }'`,
};

/** Writes the tools, and `program` as etcdctl, into `bin`. */
export function writeTools(bin: string, program: string): void {
  mkdirSync(bin);
  symlinkSync(program, join(bin, 'etcdctl'));
  for (const [name, text] of Object.entries(tools)) writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o700 });
}

/** Serves `start-member`; gives the way to end it. */
export function serveStarts(folder: string, store: Store): () => void {
  const wanted = join(folder, 'wanted');
  const timer = setInterval(() => {
    if (!existsSync(wanted)) return;
    const index = store.members.findIndex(({ process }) => process === undefined);
    store.startMember(index, store.joinFlags());
    rmSync(wanted);
  }, 20);
  return () => clearInterval(timer);
}
