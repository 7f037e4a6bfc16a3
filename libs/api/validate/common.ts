// Checks that the rules of many kinds share.
import type { IntOrString, LabelSelector } from '../generated/types.ts';
import { percentOf } from '../int-or-string.ts';
import { dns1123SubdomainErrors, labelValueErrors, portNameErrors, portNumberErrors, qualifiedNameErrors } from '../names.ts';
import { roundUpQuantity, scaledValue, tryParseQuantity } from '../quantity.ts';
import { type FieldError, forbidden, invalid, notSupported, required, tooLong } from './field-error.ts';

export function nonNegative(value: number | undefined, path: string): FieldError[] {
  return value !== undefined && value < 0 ? [invalid(path, value, 'must be greater than or equal to 0')] : [];
}

const maxId = 2147483647;

/** User and group numbers. */
export function idRange(id: number | undefined, path: string): FieldError[] {
  if (id === undefined || (id >= 0 && id <= maxId)) return [];
  return [invalid(path, id, `must be between 0 and ${maxId}, inclusive`)];
}

/** A relative path that does not leave its root. */
export function localPath(value: string, path: string): FieldError[] {
  if (value.startsWith('/')) return [invalid(path, value, 'must be a relative path')];
  return value.split('/').includes('..') ? [invalid(path, value, "must not contain '..'")] : [];
}

/** `allowed` in the order in which upstream lists them; an empty value is required instead when `needed`. */
export function oneOf(value: string | undefined, allowed: readonly string[], path: string, needed = false): FieldError[] {
  if (value === undefined || value === '') return needed ? [required(path)] : [];
  return allowed.includes(value) ? [] : [notSupported(path, value, allowed)];
}

/** A selector object's own rules. */
export function validateSelector(selector: LabelSelector | undefined, path: string): FieldError[] {
  if (selector === undefined) return [];
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    for (const text of qualifiedNameErrors(key)) errors.push(invalid(`${path}.matchLabels`, key, text));
    for (const text of labelValueErrors(value)) errors.push(invalid(`${path}.matchLabels`, value, text));
  }
  (selector.matchExpressions ?? []).forEach(({ key, operator, values = [] }, index) => {
    const at = `${path}.matchExpressions[${index}]`;
    switch (operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0) errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0)
          errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
        break;
      default:
        errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'));
    }
    for (const text of qualifiedNameErrors(key)) errors.push(invalid(`${at}.key`, key, text));
    values.forEach((value, i) => {
      for (const text of labelValueErrors(value)) errors.push(invalid(`${at}.values[${i}]`, value, text));
    });
  });
  return errors;
}

/** A port by number or by name. */
export function validatePort(port: IntOrString | undefined, path: string): FieldError[] {
  if (typeof port === 'string') return portNameErrors(port).map((text) => invalid(path, port, text));
  return portNumberErrors(port ?? 0).map((text) => invalid(path, port ?? 0, text));
}

const percentMessage =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/** A count or a percentage, not negative. */
export function countOrPercent(value: IntOrString | undefined, path: string): FieldError[] {
  if (typeof value === 'string') return percentOf(value) === undefined ? [invalid(path, value, percentMessage)] : [];
  return nonNegative(value, path);
}

export function notAbove100Percent(value: IntOrString | undefined, path: string): FieldError[] {
  const percent = value === undefined ? undefined : percentOf(value);
  return percent !== undefined && percent > 100 ? [invalid(path, value, 'must not be greater than 100%')] : [];
}

const driverNameLengthMax = 63;

/** The name of a driver of volumes. */
export function driverNameErrors(name: string | undefined, path: string): FieldError[] {
  if (!name) return [required(path)];
  const errors = name.length > driverNameLengthMax ? [tooLong(path, driverNameLengthMax)] : [];
  return errors.concat(dns1123SubdomainErrors(name.toLowerCase()).map((text) => invalid(path, name, text)));
}

/** An amount of a resource is not negative; upstream shows it in whole units. */
export function amountErrors(text: string, path: string): FieldError[] {
  const quantity = tryParseQuantity(text);
  if (quantity === undefined || quantity.unscaled >= 0n) return [];
  const whole = Number(scaledValue(roundUpQuantity(quantity, 0), 0));
  return [invalid(path, whole, 'must be a valid resource quantity')];
}
