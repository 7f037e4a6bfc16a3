#!/bin/sh
# `npm test`: everything, on a clean clone, with nothing installed before it. Ends with `N passed, N failed, N skipped`.
set -u
root=$(cd "$(dirname "$0")/.." && pwd -P)
cd "$root" || exit 1
./drydock install || exit 1 # the launcher fetches the npm packages and the Node that the project runs on
if [ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ]; then
  ./drydock deps || echo 'test: going on without them; what needs them will fail' >&2 # Debian packages; without root their suites are skipped
fi
PATH=$root/node_modules/.bin:$PATH
# What every test file loads is compiled once.
NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-$root/node_modules/.cache/compile}
export PATH NODE_COMPILE_CACHE
exec node test/run.ts "$@"
