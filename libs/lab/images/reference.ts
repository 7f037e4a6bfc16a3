// Names of images as manifests write them, in full (distribution's reference): with registry, repository, tag and digest.

export interface ImageReference {
  /** With the registry: `docker.io/library/mysql`. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:` and 64 digits. */
  readonly digest: string | undefined;
}

const part = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
const pattern = new RegExp(
  `^((?:${label}(?:\\.${label})*(?::\\d+)?/)?${part}(?:/${part})*)(?::([\\w][\\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$`,
);

/** Undefined where it is no name of an image. */
export function parseReference(text: string): ImageReference | undefined {
  const [, name, tag, digest] = pattern.exec(text) ?? [];
  if (name === undefined) return undefined;
  const [first = '', ...rest] = name.split('/');
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const full = hasRegistry ? name : `docker.io/${name}`;
  // Docker Hub's images without an owner.
  const repository = /^docker\.io\/[^/]+$/.test(full) ? full.replace('/', '/library/') : full;
  return { repository, tag, digest };
}
