// Sessions in parts: a long one is divided by lines that say where one is in what is played.
//
//   ## a place                    names the commands that follow
import { parseSession, playSession, renderSession, type Session } from './transcript.ts';

/** A place, with what is typed there. */
export interface Place {
  readonly name: string;
  readonly session: Session;
}

/** The places of a session's text; what is before the first of them is none. */
export function placesOf(text: string): Place[] {
  const [, ...parts] = text.split(/^## /m);
  return parts.map((part) => {
    const lineEnd = part.indexOf('\n');
    return { name: part.slice(0, lineEnd), session: parseSession(part.slice(lineEnd + 1)) };
  });
}

/** Plays a session, all its places one after the other, and gives its text with what was answered. */
export async function playPlaces(text: string, env: Record<string, string>, folder: string): Promise<string> {
  const [begin = ''] = text.split(/^## /m);
  const played = [renderSession(await playSession(parseSession(begin), env, folder)).trimEnd()];
  for (const { name, session } of placesOf(text))
    played.push(`## ${name}\n${renderSession(await playSession(session, env, folder)).trim()}`);
  return `${played.join('\n\n')}\n`;
}
