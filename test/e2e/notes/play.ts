// A note's session as a value: what is typed, place by place, and what was answered.
//
//   ## a place in the note        names the commands that follow
//   $ kubectl ...                 as in test/golden
import { parseSession, playSession, renderSession, type Session } from '../../golden/transcript.ts';

/** A place of a note, with what is typed there. */
export interface Place {
  readonly name: string;
  readonly session: Session;
}

/** Splits the text of a note's session at its places. */
export function placesOf(text: string): Place[] {
  const [, ...parts] = text.split(/^## /m);
  return parts.map((part) => {
    const lineEnd = part.indexOf('\n');
    return { name: part.slice(0, lineEnd), session: parseSession(part.slice(lineEnd + 1)) };
  });
}

/** Plays all places with `env`, and gives the text with what was answered. */
export async function playNote(text: string, env: Record<string, string>, folder: string): Promise<string> {
  const preamble = text.split(/^## /m)[0] ?? '';
  const parts: string[] = [];
  for (const { name, session } of placesOf(text))
    parts.push(`## ${name}\n${renderSession(await playSession(session, env, folder)).trimStart()}`);
  return `${preamble}${parts.join('\n')}`;
}
