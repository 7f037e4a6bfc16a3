// Names of labs: part of names of namespaces, links and folders, hence short and plain.

/** Interface names hold 15 characters; `dd-` and the name must fit. */
const maxLength = 10;

/** What is wrong with a lab's name; undefined where it may be one. */
export function nameProblem(name: unknown): string | undefined {
  if (typeof name === 'string' && name.length <= maxLength && /^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name)) return undefined;
  return `expected at most ${maxLength} lower-case letters, digits and '-', starting with a letter, got ${JSON.stringify(name)}`;
}
