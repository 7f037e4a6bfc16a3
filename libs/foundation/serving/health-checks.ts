// The health endpoints of k8s.io/apiserver: named checks, all together or one by one, with upstream's texts.

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

export interface HealthAnswer {
  readonly code: number;
  readonly text: string;
}

/** For `/healthz`, `/livez`, `/readyz` and the paths below them; undefined where the path is none of these. */
export async function healthAnswer(
  path: string,
  query: URLSearchParams,
  endpoints: HealthEndpoints,
): Promise<HealthAnswer | undefined> {
  const [, endpoint = '', ...rest] = path.split('/');
  if (endpoint !== 'healthz' && endpoint !== 'livez' && endpoint !== 'readyz') return undefined;
  const checks = endpoints[endpoint];
  const one = rest.join('/');
  if (one !== '') {
    const check = checks.find((each) => each.name === one);
    if (check === undefined) return undefined;
    const problem = await check.check();
    return problem === undefined ? { code: 200, text: 'ok' } : { code: 500, text: `internal server error: ${problem}\n` };
  }
  const excluded = query.getAll('exclude');
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
  if (failed) return { code: 500, text: `${lines.join('\n')}\n${endpoint} check failed\n` };
  return { code: 200, text: query.has('verbose') ? `${lines.join('\n')}\n${endpoint} check passed\n` : 'ok' };
}
