// What a registry answers, decided: the part of OCI's distribution API (distribution-spec 1.1) that pulls. Nothing is taken in.

/** Where containerd asks a mirror, it says for which registry (`ns`). */
export type Asked =
  | { readonly kind: 'version' }
  | { readonly kind: 'manifest'; readonly repository: string; readonly reference: string }
  | { readonly kind: 'blob'; readonly digest: string }
  | { readonly kind: 'refused'; readonly code: number; readonly error: RegistryError };

/** The API's error codes, and what goes with them. */
export interface RegistryError {
  readonly code: 'UNSUPPORTED' | 'NAME_UNKNOWN' | 'NAME_INVALID' | 'DIGEST_INVALID' | 'MANIFEST_UNKNOWN' | 'BLOB_UNKNOWN';
  readonly message: string;
}

const namePattern = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const registryPattern = /^[A-Za-z0-9.-]+(?::\d{1,5})?$/;
const nameMax = 255;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
export const digestPattern = /^sha256:[0-9a-f]{64}$/;

/** Reads a request; `url` is what stands in its first line. */
export function readRequest(method: string, url: string): Asked {
  const [path = '', query = ''] = url.split('?', 2);
  if (!path.startsWith('/v2')) return refuse(404, 'NAME_UNKNOWN', 'repository name not known to registry');
  if (method !== 'GET' && method !== 'HEAD') return refuse(405, 'UNSUPPORTED', 'the operation is unsupported: read only');
  if (path === '/v2' || path === '/v2/') return { kind: 'version' };
  const match = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(path);
  if (match === null) return refuse(404, 'NAME_UNKNOWN', 'repository name not known to registry');
  const [, name = '', kind, reference = ''] = match;
  const registry = new URLSearchParams(query).get('ns');
  if (
    name.length > nameMax ||
    (registry === null ? !isFullName(name) : !namePattern.test(name) || !registryPattern.test(registry))
  )
    return refuse(400, 'NAME_INVALID', 'invalid repository name');
  const isDigest = reference.includes(':');
  if (isDigest && !digestPattern.test(reference))
    return refuse(400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
  if (kind === 'blobs')
    return isDigest ? { kind: 'blob', digest: reference } : refuse(400, 'DIGEST_INVALID', 'expected a digest');
  if (!isDigest && !tagPattern.test(reference)) return refuse(404, 'MANIFEST_UNKNOWN', 'manifest unknown');
  return { kind: 'manifest', repository: registry === null ? name : `${registry}/${name}`, reference };
}

/** Without `ns`: the registry before the name, as in an image's reference. */
function isFullName(name: string): boolean {
  const at = name.indexOf('/');
  return at > 0 && registryPattern.test(name.slice(0, at)) && namePattern.test(name.slice(at + 1));
}

function refuse(code: number, error: RegistryError['code'], message: string): Asked {
  return { kind: 'refused', code, error: { code: error, message } };
}

/**
 * The bytes that a `Range` header asks for, of `size` (RFC 9110, 14.1.2): first and last, `unsatisfiable`, or undefined for all of
 * them: without a header, and with one that is not understood or asks for several pieces.
 */
export function readRange(
  header: string | undefined,
  size: number,
): { first: number; last: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.replaceAll(' ', '') ?? '');
  const [from, to] = [match?.[1] ?? '', match?.[2] ?? ''];
  if (from === '' && to === '') return undefined;
  if (from === '')
    return Number(to) === 0 || size === 0 ? 'unsatisfiable' : { first: Math.max(0, size - Number(to)), last: size - 1 };
  const [first, last] = [Number(from), to === '' ? size - 1 : Math.min(Number(to), size - 1)];
  if (to !== '' && Number(to) < first) return undefined;
  return first >= size ? 'unsatisfiable' : { first, last };
}
