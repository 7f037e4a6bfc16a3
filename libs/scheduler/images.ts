// Names and sizes of images, as nodes report them and pods ask for them.
import type { Node } from '@drydock/api/generated/types.ts';

export function imageSizes({ status }: Node): Map<string, number> {
  return new Map((status?.images ?? []).flatMap(({ names = [], sizeBytes = 0 }) => names.map((name) => [name, sizeBytes])));
}

/** With the tag that is meant where none is given. */
export function withTag(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}
