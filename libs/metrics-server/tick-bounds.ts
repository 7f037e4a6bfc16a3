// The bounds of the histogram of rounds: Prometheus' own, and some around the resolution (metrics-server: pkg/utils/monitoring.go). Pure.

const usual = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** @param resolution --metric-resolution, in seconds. */
export function tickBounds(resolution: number): number[] {
  const [first, last] = [usual[0], usual[usual.length - 1] ?? 0];
  if (resolution > last) return [...usual, last + (resolution - last) / 2, resolution, resolution * 1.5, resolution * 2];
  const isNear = usual.some((bound) => Math.abs(bound - resolution) < first);
  return isNear ? [...usual] : [...usual, resolution].sort((a, b) => a - b);
}
