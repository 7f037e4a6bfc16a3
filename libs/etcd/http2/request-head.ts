// Whether a header list is a request's (RFC 9113, sections 8.2 and 8.3): one that is not ends its stream.
import { errorCodes, StreamError } from './frames.ts';
import type { Headers } from './hpack.ts';
import type { Http2Stream } from './stream.ts';

const pseudoNames = [':method', ':scheme', ':path', ':authority'];
const pseudoNeeded = [':method', ':scheme', ':path'];
/** Headers of HTTP/1.1 that are about a connection. */
const connectionNames: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);
const name = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
const forbiddenInValue = /[\0\r\n]/;

/** Of the header block that opens a stream: how long its content is to be, where it says so. Throws StreamError. */
export function checkRequest(stream: number, headers: Headers, endStream: boolean): number | undefined {
  const wrong = wrongInRequest(headers);
  if (wrong !== undefined) throw new StreamError(stream, errorCodes.protocol, wrong);
  const length = contentLengthOf(headers);
  if (Number.isNaN(length) || (endStream && (length ?? 0) !== 0)) throw wrongLength(stream);
  return length;
}

/** Of the header block that ends a stream, behind its content. Throws StreamError. */
export function checkTrailers(stream: Http2Stream, headers: Headers, endStream: boolean): void {
  const { id, remoteEnded, contentLeft = 0 } = stream;
  if (remoteEnded) throw new StreamError(id, errorCodes.streamClosed, 'headers of a stream that was ended');
  if (!endStream) throw new StreamError(id, errorCodes.protocol, 'headers in the middle of a stream');
  const wrong = wrongInTrailers(headers);
  if (wrong !== undefined) throw new StreamError(id, errorCodes.protocol, wrong);
  if (contentLeft !== 0) throw wrongLength(id);
}

/** Of content as it comes. Throws StreamError. */
export function countContent(stream: Http2Stream, bytes: number, isLast: boolean): void {
  if (stream.contentLeft === undefined) return;
  stream.contentLeft -= bytes;
  if (isLast ? stream.contentLeft !== 0 : stream.contentLeft < 0) throw wrongLength(stream.id);
}

function wrongLength(stream: number): StreamError {
  return new StreamError(stream, errorCodes.protocol, 'not the length that was said');
}

function wrongInRequest(headers: Headers): string | undefined {
  const seen = new Set<string>();
  let isRegular = false;
  for (const [key, value] of headers.entries()) {
    if (forbiddenInValue.test(value)) return `a value of ${key} that cannot be`;
    if (!key.startsWith(':')) {
      isRegular = true;
      const wrong = wrongField(key, value);
      if (wrong !== undefined) return wrong;
    } else if (isRegular) return `${key} behind other headers`;
    else if (!pseudoNames.includes(key)) return `the unknown ${key}`;
    else if (seen.has(key)) return `${key} twice`;
    else seen.add(key);
  }
  const missing = pseudoNeeded.find((needed) => !seen.has(needed));
  if (missing !== undefined) return `no ${missing}`;
  return headers.get(':path') === '' ? 'an empty :path' : undefined;
}

function wrongInTrailers(headers: Headers): string | undefined {
  for (const [key, value] of headers.entries()) {
    if (key.startsWith(':')) return `${key} behind the content`;
    const wrong = forbiddenInValue.test(value) ? `a value of ${key} that cannot be` : wrongField(key, value);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** NaN where what is said is no length. */
function contentLengthOf(headers: Headers): number | undefined {
  const text = headers.get('content-length');
  if (text === undefined) return undefined;
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function wrongField(key: string, value: string): string | undefined {
  if (!name.test(key)) return `the name ${JSON.stringify(key)}`;
  if (connectionNames.has(key)) return `${key}, which is about a connection`;
  return key === 'te' && value !== 'trailers' ? 'te that is not trailers' : undefined;
}
