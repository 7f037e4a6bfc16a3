// Label and field selectors of a request as one test.
import type { KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo } from '@drydock/api/scheme.ts';
import { matchesFields, parseFieldSelector } from '@drydock/api/selectors/field.ts';
import { matchesLabels, parseLabelSelector } from '@drydock/api/selectors/label.ts';
import { apiError } from '@drydock/api/status.ts';
import type { RequestOptions } from '../request.ts';

export interface Selection {
  /** Selects everything. */
  readonly empty: boolean;
  matches(object: KubeObject): boolean;
}

const everything: Selection = { empty: true, matches: () => true };

/** The selection of `options`; fails with BadRequest for malformed selectors and fields that cannot be selected by. */
export function selectionOf(info: ResourceInfo, options: Pick<RequestOptions, 'labelSelector' | 'fieldSelector'>): Selection {
  const labels = options.labelSelector ? labelSelection(options.labelSelector) : undefined;
  const fields = options.fieldSelector ? fieldSelection(info, options.fieldSelector) : undefined;
  if (labels === undefined && fields === undefined) return everything;
  return { empty: false, matches: (object) => (labels?.(object) ?? true) && (fields?.(object) ?? true) };
}

/** The number of a resourceVersion; empty counts as 0. */
export function parseVersion(text: string): number {
  if (text === '') return 0;
  if (!/^\d+$/.test(text))
    throw apiError(
      'BadRequest',
      `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  return Number(text);
}

/** A label selector as a test; fails with BadRequest. */
function labelSelection(text: string): (object: KubeObject) => boolean {
  const selector = parseLabelSelector(text);
  return (object) => matchesLabels(selector, object.metadata?.labels);
}

/** A field selector as a test; fails with BadRequest. */
function fieldSelection(info: ResourceInfo, text: string): (object: KubeObject) => boolean {
  const selector = parseFieldSelector(info, text);
  return (object) => matchesFields(info, selector, object);
}
