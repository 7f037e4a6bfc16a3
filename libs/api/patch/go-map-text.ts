// How Go prints a value with %v: maps sorted by key, strings bare. Error texts of patches carry it.
import { isObject } from '../json.ts';

export function goMapText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goMapText).join(' ')}]`;
  if (isObject(value)) {
    const entries = Object.keys(value)
      .sort()
      .map((key) => `${key}:${goMapText(value[key])}`);
    return `map[${entries.join(' ')}]`;
  }
  return value === null ? '<nil>' : String(value);
}
