// Backends and canaries as the text that the data plane reads: one item a line, fields separated by tabs. No value has a tab or a line
// feed: names are of the API's characters, addresses are parsed, the rest is of grammars.
import { assert } from '@drydock/foundation/assert.ts';
import type { RoutingPlan } from '../model.ts';

export function backendsText({ backends, canaries }: Pick<RoutingPlan, 'backends' | 'canaries'>): string {
  const lines = [
    ...backends.flatMap(({ name, endpoints }) => [
      line('backend', name),
      ...endpoints.map(({ address, port }) => line('peer', address, port)),
    ]),
    ...canaries.map((canary) =>
      line(
        'canary',
        ...[canary.location, canary.backend, canary.header, canary.headerValue, canary.headerPattern, canary.cookie],
        ...[canary.weight, canary.total, canary.sticky ? 1 : 0],
      ),
    ),
  ];
  return lines.join('');
}

function line(...fields: readonly (string | number)[]): string {
  const texts = fields.map(String);
  for (const text of texts) assert(!/[\t\n\r\0]/.test(text), 'a field with a separator');
  return `${texts.join('\t')}\n`;
}
