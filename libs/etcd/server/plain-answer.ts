// Answers over plain HTTP as Go's http.Error and etcd's handlers give them.
import type { IncomingMessage, ServerResponse } from 'node:http';

export const plainText = { 'content-type': 'text/plain; charset=utf-8' };
const methodNotAllowed = 405;

export function answer(
  response: ServerResponse,
  code: number,
  text: string,
  headers: Readonly<Record<string, string>> = plainText,
) {
  response.writeHead(code, { ...headers });
  response.end(text);
}

/** An error, and that a browser must not guess what it is. */
export function refuse(response: ServerResponse, code: number, text: string, headers: Readonly<Record<string, string>> = {}) {
  answer(response, code, `${text}\n`, { ...plainText, 'x-content-type-options': 'nosniff', ...headers });
}

/** Whether the method is `allowed`; answered where it is not. */
export function checkMethod({ method }: IncomingMessage, response: ServerResponse, allowed: 'GET' | 'POST'): boolean {
  if (method === allowed) return true;
  refuse(response, methodNotAllowed, 'Method Not Allowed', { allow: allowed });
  return false;
}
