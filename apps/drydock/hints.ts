// Hints that can be pasted: commands named in a message carry the lab that the user has named.
import { defaultConfig } from '@drydock/lab/config.ts';

export interface Named {
  readonly name?: string | undefined;
  readonly dir?: string | undefined;
}

/** What must be added to a command so that it is about the same lab; empty for the default one. */
export function labFlags({ name, dir }: Named): string {
  const words = [
    ...(name === undefined || name === defaultConfig.name ? [] : ['--name', name]),
    ...(dir === undefined ? [] : ['--dir', /^[\w./-]+$/.test(dir) ? dir : `'${dir.replaceAll("'", "'\\''")}'`]),
  ];
  return words.map((word) => ` ${word}`).join('');
}

/** Makes every command in back quotes one that can be pasted: the launcher as it is called, with the lab's flags. */
export function withLab(message: string, lab: Named): string {
  return message.replace(/`(?:\.\/)?drydock ([a-z]+)/g, (_, verb: string) => `\`./drydock ${verb}${labFlags(lab)}`);
}
