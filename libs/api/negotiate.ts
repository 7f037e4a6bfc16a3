// Which form of answer the Accept header asks for (k8s.io/apiserver/pkg/endpoints/handlers/negotiation).
import { apiError } from './status.ts';

/** The form of an answer. */
export interface AnswerForm {
  readonly as: 'object' | 'table' | 'partial';
  /** Of tables and partial objects: the version of meta.k8s.io. */
  readonly version: string;
}

export interface MediaType {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The media types of an Accept header, most wanted first. */
export function parseAccept(header: string): MediaType[] {
  return header
    .split(',')
    .map((part) => parseMediaType(part))
    .map((media, index) => ({ media, index, quality: Number(media.parameters.q ?? '1') }))
    .sort((a, b) => b.quality - a.quality || a.index - b.index)
    .map(({ media }) => media);
}

/** `application/json;as=Table;v=v1`. */
export function parseMediaType(text: string): MediaType {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim());
  return {
    type: type.toLowerCase(),
    parameters: Object.fromEntries(parameters.map((p) => [p.split('=')[0] ?? '', p.split('=')[1] ?? ''])),
  };
}

export interface Negotiated {
  readonly yaml: boolean;
  readonly form: AnswerForm;
}

const yamlTypes: ReadonlySet<string> = new Set(['application/yaml']);
const jsonTypes: ReadonlySet<string> = new Set(['application/json', '*/*', 'application/*', '']);

/** The first acceptable form; fails with NotAcceptable, naming what there is. */
export function negotiate(header: string | undefined): Negotiated {
  for (const { type, parameters } of parseAccept(header ?? '')) {
    const yaml = yamlTypes.has(type);
    if (!yaml && !jsonTypes.has(type)) continue;
    const { as, g: group, v: version = 'v1' } = parameters;
    if (as === undefined || as === '') return { yaml, form: { as: 'object', version: 'v1' } };
    if (group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue;
    if (as === 'Table') return { yaml, form: { as: 'table', version } };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { yaml, form: { as: 'partial', version } };
  }
  throw apiError(
    'NotAcceptable',
    '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch',
    {},
  );
}
