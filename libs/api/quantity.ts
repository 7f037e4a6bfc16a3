// Resource quantities: exact decimal numbers with SI, binary or exponent suffixes (apimachinery, pkg/api/resource).

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** `unscaled * 10^scale`, exactly. `text` is how the value was written where upstream keeps that spelling. */
export class Quantity {
  readonly unscaled: bigint;
  /** Power of ten, at least `nanoScale`. */
  readonly scale: number;
  readonly format: QuantityFormat;
  readonly text: string | undefined;

  constructor(unscaled: bigint, scale: number, format: QuantityFormat, text?: string) {
    this.unscaled = unscaled;
    this.scale = scale;
    this.format = format;
    this.text = text;
  }

  /** In whole units, rounded up. */
  value(): bigint {
    return scaledValue(this, 0);
  }

  /** In thousandths, rounded up. */
  milliValue(): bigint {
    return scaledValue(this, milliScale);
  }

  /** As `formatQuantity`. */
  toString(): string {
    return formatQuantity(this);
  }
}

/** Finer parts are rounded up (away from zero). */
const nanoScale = -9;
export const milliScale = -3;
const maxInt64 = 2n ** 63n - 1n;
/** Decimal digits that upstream handles as plain 64-bit integers; longer numbers are always respelled. */
const fastDigitsMax = 18;

const decimalSuffixes = new Map<string, number>([
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
]);
const decimalNames = new Map([...decimalSuffixes].map(([name, exponent]) => [exponent, name]));
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** What upstream says of any text that is not a quantity. */
export const quantityErrorText = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const pattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?$/;

/** The quantity that `text` spells, or undefined. */
export function tryParseQuantity(text: string): Quantity | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', suffix = '', exponent] = match;
  if (whole === '' && fraction === '') return undefined;
  const negative = sign === '-';
  const digits = BigInt(whole + fraction) * (negative ? -1n : 1n);
  if (suffix.endsWith('i')) return parseBinary(text, digits, whole, fraction, suffix);
  const power = exponent === undefined ? (decimalSuffixes.get(suffix) ?? 0) : Number(exponent);
  if (!Number.isSafeInteger(power) || Math.abs(power) > 10_000) return undefined;
  const format = exponent === undefined ? 'DecimalSI' : 'DecimalExponent';
  const scale = power - fraction.length;
  const whole0 = whole.replace(/^0+/, '');
  const keeps = whole0 !== '' && whole0.length + fraction.length <= fastDigitsMax && scale % 3 === 0 && digits % 1000n !== 0n;
  return normalize(digits, scale, format, keeps && scale >= nanoScale ? text : undefined);
}

/** The quantity that `text` spells; throws RangeError with upstream's text for others. */
export function parseQuantity(text: string): Quantity {
  const quantity = tryParseQuantity(text);
  if (quantity === undefined) throw new RangeError(quantityErrorText);
  return quantity;
}

function parseBinary(text: string, digits: bigint, whole: string, fraction: string, suffix: string): Quantity {
  const exponent = binarySuffixes.indexOf(suffix) * 10;
  const value = digits * (1n << BigInt(exponent));
  const size = whole.replace(/^0+/, '').length;
  const fast = fraction === '' && 15 - size - Math.trunc((exponent * 3) / 10) - 1 >= 0;
  const limit = maxInt64 * 10n ** BigInt(fraction.length);
  const capped = value > limit ? limit : value;
  const keeps = fast && digits % 1024n !== 0n && digits !== 0n;
  return normalize(capped, -fraction.length, 'BinarySI', keeps ? text : undefined);
}

function normalize(value: bigint, scale: number, format: QuantityFormat, text?: string): Quantity {
  if (scale < nanoScale) return new Quantity(divideUp(value, 10n ** BigInt(nanoScale - scale)), nanoScale, format);
  return new Quantity(value, scale, format, text);
}

function divideUp(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  const rest = value % by;
  return rest === 0n ? quotient : quotient + (value < 0n ? -1n : 1n);
}

/** A whole number as a quantity. */
export function quantityOf(value: bigint | number, format: QuantityFormat = 'DecimalSI'): Quantity {
  return new Quantity(BigInt(value), 0, format);
}

/** A number of thousandths as a quantity. */
export function milliQuantityOf(milli: bigint | number, format: QuantityFormat = 'DecimalSI'): Quantity {
  return new Quantity(BigInt(milli), milliScale, format);
}

/** How upstream writes the quantity: the kept spelling, else the canonical form. */
export function formatQuantity(quantity: Quantity): string {
  return quantity.text ?? canonicalText(quantity);
}

/** The canonical spelling of a quantity's text as upstream's defaulting leaves it; undefined for other texts. */
export function canonicalizeQuantity(text: string): string | undefined {
  const quantity = tryParseQuantity(text);
  return quantity === undefined ? undefined : formatQuantity(quantity);
}

/** Rounds up to a power of ten, as defaulting does to milli units. */
export function roundUpQuantity(quantity: Quantity, scale: number): Quantity {
  if (quantity.scale >= scale) return quantity;
  return new Quantity(scaledValue(quantity, scale), scale, quantity.format);
}

function canonicalText({ unscaled: value, scale, format }: Quantity): string {
  if (value === 0n) return '0';
  if (format === 'BinarySI') {
    const whole = scale >= 0 ? value * 10n ** BigInt(scale) : exactWhole(value, scale);
    if (whole !== undefined && (whole >= 1024n || whole <= -1024n)) return binaryText(whole);
  }
  let mantissa = value;
  let exponent = scale;
  while (mantissa % 10n === 0n) {
    mantissa /= 10n;
    exponent += 1;
  }
  const top = format === 'DecimalExponent' ? Number.POSITIVE_INFINITY : 18;
  const rounded = Math.min(Math.floor(exponent / 3) * 3, top);
  mantissa *= 10n ** BigInt(exponent - rounded);
  if (format === 'DecimalExponent') return rounded === 0 ? `${mantissa}` : `${mantissa}e${rounded}`;
  return `${mantissa}${decimalNames.get(rounded) ?? ''}`;
}

function exactWhole(value: bigint, scale: number): bigint | undefined {
  const divisor = 10n ** BigInt(-scale);
  return value % divisor === 0n ? value / divisor : undefined;
}

function binaryText(whole: bigint): string {
  let mantissa = whole;
  let index = 0;
  while (mantissa % 1024n === 0n && index < binarySuffixes.length - 1) {
    mantissa /= 1024n;
    index += 1;
  }
  return `${mantissa}${binarySuffixes[index]}`;
}

/** The quantity in units of `10^scale`, rounded up. */
export function scaledValue(quantity: Quantity, scale: number): bigint {
  const difference = quantity.scale - scale;
  if (difference >= 0) return quantity.unscaled * 10n ** BigInt(difference);
  return divideUp(quantity.unscaled, 10n ** BigInt(-difference));
}

/** Negative, zero or positive as `a` is less than, equal to or greater than `b`. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  const scale = Math.min(a.scale, b.scale);
  const difference = scaledValue(a, scale) - scaledValue(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The sum, in the format of `a` unless `a` is zero. */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  const scale = Math.min(a.scale, b.scale);
  const format = a.unscaled === 0n ? b.format : a.format;
  return new Quantity(scaledValue(a, scale) + scaledValue(b, scale), scale, format);
}

/** The difference, in the format of `a` unless `a` is zero. */
export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return addQuantities(a, new Quantity(-b.unscaled, b.scale, b.format));
}
