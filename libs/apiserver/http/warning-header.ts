// Warning headers (apimachinery/pkg/util/net.NewWarningHeader, apiserver/pkg/endpoints/filters/warning.go). Their texts quote what
// users wrote, so they are of any characters and of any number.

/** Beyond so many characters in all, each text is cut to `itemMaxChars`, and what does not fit then is left out. */
const totalMaxChars = 4 * 1024;
const itemMaxChars = 256;

/** The values of the headers, as node writes them: a character for each byte of UTF-8. */
export function warningHeaders(texts: readonly string[]): string[] {
  // As upstream, a text with control characters is not sent.
  const fit = texts.filter((text) => text !== '' && !/\p{Cc}/u.test(text)).map((text) => [...text]);
  const total = fit.reduce((sum, { length }) => sum + length, 0);
  const sent = total <= totalMaxChars ? fit : withinTotal(fit.map((text) => text.slice(0, itemMaxChars)));
  return sent.map((text) => headerValue(text.join('')));
}

function withinTotal(texts: readonly string[][]): string[][] {
  let left = totalMaxChars;
  return texts.filter(({ length }) => {
    left -= length;
    return left >= 0;
  });
}

function headerValue(text: string): string {
  const quoted = text.replace(/["\\]/g, (char) => `\\${char}`);
  return Buffer.from(`299 - "${quoted}"`).toString('latin1');
}
