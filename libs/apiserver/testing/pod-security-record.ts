// What the original says to pods by level, version and case, in a file: a version is written only where the answer changes.

/** Answers by title, `LEVEL: CASE`, then by version in their order. */
export type Recorded = ReadonlyMap<string, readonly (readonly [version: string, answer: string])[]>;

export function parseRecord(text: string): Recorded {
  const found = new Map<string, [string, string][]>();
  let title = '';
  for (const line of text.split('\n').filter((each) => each !== '')) {
    if (!line.startsWith('  ')) {
      title = line;
      found.set(title, []);
      continue;
    }
    const [version = '', ...rest] = line.trim().split(' ');
    found.get(title)?.push([version, rest.join(' ')]);
  }
  return found;
}

/** @param answers by title and version, of every version in its order. */
export function renderRecord(answers: ReadonlyMap<string, ReadonlyMap<string, string>>): string {
  let text = '';
  for (const [title, byVersion] of answers) {
    text += `${title}\n`;
    let before: string | undefined;
    for (const [version, answer] of byVersion) {
      if (answer !== before) text += `  ${version} ${answer}\n`;
      before = answer;
    }
  }
  return text;
}

/** The answer that holds at `version`, one of `versions` in their order. */
export function answerAt(record: Recorded, title: string, version: string, versions: readonly string[]): string | undefined {
  const at = versions.indexOf(version);
  return record.get(title)?.findLast(([from]) => versions.indexOf(from) <= at)?.[1];
}
