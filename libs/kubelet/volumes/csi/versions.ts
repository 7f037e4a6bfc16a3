// Which of the versions that a driver serves is used: pure (pkg/volume/csi, highestSupportedVersion).

/** A text: why none of them is served. */
export function highestSupported(versions: readonly string[]): readonly number[] | string {
  let highest: readonly number[] | undefined;
  let unread: string | undefined;
  for (const text of versions) {
    const version = parseVersion(text);
    if (version === undefined) unread = `could not parse ${JSON.stringify(text)} as version`;
    // What comes after 1 need not serve who knows 1.
    else if ((version[0] ?? 0) <= 1 && (highest === undefined || isLess(highest, version))) highest = version;
  }
  if (highest === undefined)
    return `could not find a highest supported version from versions ([${versions.join(' ')}]) reported by this driver: ${unread ?? '<nil>'}`;
  if (highest[0] !== 1) return `highest supported version reported by driver is ${versionText(highest)}, must be v1.x`;
  return highest;
}

/** Parts that are not given are 0. */
export function isLess(a: readonly number[], b: readonly number[]): boolean {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [one, other] = [a[at] ?? 0, b[at] ?? 0];
    if (one !== other) return one < other;
  }
  return false;
}

export function versionText(version: readonly number[]): string {
  return version.join('.');
}

/** `v1.2.3-anything`; two parts at least. */
function parseVersion(text: string): readonly number[] | undefined {
  const parts = /^\s*v?(\d+(?:\.\d+)+)/.exec(text)?.[1];
  return parts?.split('.').map(Number);
}
