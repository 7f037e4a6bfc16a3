// The health endpoints: named checks, all together or one by one, with upstream's texts.
import { type Exchange, sendText } from './exchange.ts';

/** One check; undefined is good, otherwise what is wrong. */
export interface HealthCheck {
  readonly name: string;
  check(): Promise<string | undefined>;
}

export interface HealthEndpoints {
  readonly healthz: readonly HealthCheck[];
  readonly livez: readonly HealthCheck[];
  readonly readyz: readonly HealthCheck[];
}

/** Answers `/healthz`, `/livez`, `/readyz` and the paths below them; false where the path is none of these. */
export async function serveHealth(exchange: Exchange, endpoints: HealthEndpoints): Promise<boolean> {
  const [, endpoint = '', ...rest] = exchange.path.split('/');
  if (endpoint !== 'healthz' && endpoint !== 'livez' && endpoint !== 'readyz') return false;
  const checks = endpoints[endpoint];
  const one = rest.join('/');
  if (one !== '') {
    const check = checks.find((each) => each.name === one);
    if (check === undefined) return false;
    const problem = await check.check();
    if (problem === undefined) sendText(exchange, 200, 'ok');
    else sendText(exchange, 500, `internal server error: ${problem}\n`);
    return true;
  }
  const excluded = exchange.query.getAll('exclude');
  const results = await Promise.all(
    checks.map(async (check) => ({
      name: check.name,
      problem: excluded.includes(check.name) ? 'excluded' : await check.check(),
    })),
  );
  const lines = results.map(({ name, problem }) => {
    if (problem === undefined) return `[+]${name} ok`;
    return problem === 'excluded' ? `[+]${name} excluded: ok` : `[-]${name} failed: reason withheld`;
  });
  const failed = results.some(({ problem }) => problem !== undefined && problem !== 'excluded');
  if (failed) sendText(exchange, 500, `${lines.join('\n')}\n${endpoint} check failed\n`);
  else if (exchange.query.has('verbose')) sendText(exchange, 200, `${lines.join('\n')}\n${endpoint} check passed\n`);
  else sendText(exchange, 200, 'ok');
  return true;
}
