// CustomResourceDefinition of apiextensions.k8s.io/v1beta1: what could be said once for all versions is said for each.
import { cloneJson, isObject, type JsonObject } from '../json.ts';
import type { Warn } from './convert.ts';
import { objectAt, objectsAt, renameField } from './fields.ts';

export function customResourceDefinition(object: JsonObject, _: string, warn: Warn): void {
  const spec = objectAt(object, 'spec');
  const { version, validation, subresources, additionalPrinterColumns, preserveUnknownFields = true } = spec;
  for (const field of ['version', 'validation', 'subresources', 'additionalPrinterColumns']) delete spec[field];
  if (!Array.isArray(spec.versions) || spec.versions.length === 0)
    spec.versions = [{ name: version, served: true, storage: true }];
  for (const each of objectsAt(spec, 'versions')) {
    const schema = isObject(each.schema) ? each.schema : isObject(validation) ? cloneJson(validation) : {};
    each.schema = { ...schema, openAPIV3Schema: rootSchema(schema.openAPIV3Schema, preserveUnknownFields !== false) };
    if (subresources !== undefined) each.subresources ??= cloneJson(subresources);
    const columns = each.additionalPrinterColumns ?? additionalPrinterColumns;
    if (Array.isArray(columns)) each.additionalPrinterColumns = columns.map(column);
  }
  if (preserveUnknownFields !== false && isObject(validation))
    warn('spec.validation: schemas must be structural now (types everywhere): the apiserver says what is missing');
  delete spec.preserveUnknownFields;
  conversion(spec);
  delete object.status;
}

/** Each version needs a schema; one that said nothing let everything be. */
function rootSchema(given: unknown, preserve: boolean): JsonObject {
  const schema: JsonObject = { type: 'object', ...(isObject(given) ? given : {}) };
  if (preserve) schema['x-kubernetes-preserve-unknown-fields'] ??= true;
  return schema;
}

function column(old: unknown): unknown {
  if (!isObject(old)) return old;
  const made = { ...old };
  renameField(made, 'JSONPath', 'jsonPath');
  return made;
}

function conversion(spec: JsonObject): void {
  const { conversion } = spec;
  if (!isObject(conversion) || conversion.strategy !== 'Webhook') return;
  const { webhookClientConfig: clientConfig, conversionReviewVersions = ['v1beta1'], ...rest } = conversion;
  spec.conversion = { ...rest, webhook: { clientConfig, conversionReviewVersions } };
}
