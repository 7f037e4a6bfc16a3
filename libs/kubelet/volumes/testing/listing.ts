// What `ls -ln` says of a volume, in a form that tests compare.
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** `PATH KIND MODE UID:GID CONTENT`, sorted; the dated name of a set of files is `..SET`. */
export function listing(folder: string): string[] {
  const lines: string[] = [];
  const visit = (path: string): void => {
    const found = lstatSync(path);
    const { mode, uid, gid } = found;
    const kind = found.isDirectory() ? 'd' : found.isSymbolicLink() ? 'l' : found.isFile() ? 'f' : '?';
    const content = kind === 'f' ? readFileSync(path, 'utf8') : kind === 'l' ? readlinkSync(path) : '';
    const shown = [
      path.slice(folder.length) || '/',
      kind,
      kind === 'l' ? '' : (mode & 0o7777).toString(8),
      `${uid}:${gid}`,
      content,
    ];
    lines.push(
      shown
        .filter((each) => each !== '')
        .join(' ')
        .replaceAll(/\.\.\d{4}(_\d\d){5}\.\d+/g, '..SET'),
    );
    if (kind === 'd') for (const name of readdirSync(path)) visit(`${path}/${name}`);
  };
  visit(folder);
  return lines.sort();
}
