// Annotations of ingress-nginx that are not served. Each is named in an event of its Ingress; one that keeps somebody out closes its
// paths (503): to be open where its author believes it closed would be worse than not to answer.

const closing: Readonly<Record<string, string>> = {
  'auth-url': 'external authentication is not served',
  'auth-tls-secret': "clients' certificates are not asked for",
  'auth-tls-verify-client': "clients' certificates are not asked for",
  'auth-tls-match-cn': "clients' certificates are not asked for",
  'enable-global-auth': 'external authentication is not served',
  'enable-modsecurity': 'there is no ModSecurity',
  'enable-owasp-core-rules': 'there is no ModSecurity',
  'limit-whitelist': 'exemptions of limits are not served',
  'limit-allowlist': 'exemptions of limits are not served',
};

const passing: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['configuration-snippet', 'server-snippet', 'auth-snippet', 'stream-snippet', 'modsecurity-snippet'].map((name) => [
      name,
      "snippets are not served: they would be anybody's configuration",
    ]),
  ),
  ...Object.fromEntries(
    [
      ...['auth-cache-key', 'auth-cache-duration', 'auth-keepalive', 'auth-keepalive-share-vars', 'auth-keepalive-requests'],
      ...['auth-keepalive-timeout', 'auth-proxy-set-headers', 'auth-method', 'auth-signin', 'auth-signin-redirect-param'],
      ...['auth-response-headers', 'auth-request-redirect', 'auth-always-set-cookie'],
    ].map((name) => [name, 'external authentication is not served']),
  ),
  ...Object.fromEntries(
    ['auth-tls-verify-depth', 'auth-tls-error-page', 'auth-tls-pass-certificate-to-upstream'].map((name) => [
      name,
      "clients' certificates are not asked for",
    ]),
  ),
  ...Object.fromEntries(
    ['proxy-ssl-secret', 'proxy-ssl-ciphers', 'proxy-ssl-protocols', 'proxy-ssl-verify', 'proxy-ssl-verify-depth'].map(
      (name) => [name, "backends' certificates are not looked at"],
    ),
  ),
  ...Object.fromEntries(
    ['enable-opentelemetry', 'opentelemetry-trust-incoming-span', 'opentelemetry-operation-name', 'enable-opentracing'].map(
      (name) => [name, 'there is no tracing'],
    ),
  ),
  ...Object.fromEntries(
    ['mirror-target', 'mirror-request-body', 'mirror-host'].map((name) => [name, 'requests are not mirrored']),
  ),
  ...Object.fromEntries(['fastcgi-index', 'fastcgi-params-configmap'].map((name) => [name, 'FastCGI is not served'])),
  ...Object.fromEntries(['limit-rate', 'limit-rate-after'].map((name) => [name, 'the speed of answers is not limited'])),
  ...Object.fromEntries(
    ['proxy-redirect-from', 'proxy-redirect-to', 'preserve-trailing-slash', 'from-to-www-redirect', 'relative-redirects'].map(
      (name) => [name, 'this way of redirecting is not served'],
    ),
  ),
  ...Object.fromEntries(
    ['upstream-hash-by-subset', 'upstream-hash-by-subset-size'].map((name) => [name, 'hashing onto a subset is not served']),
  ),
  'custom-http-errors': "error pages of other Services are not served: the backend's own answer is passed on",
  'disable-proxy-intercept-errors': 'error pages of other Services are not served',
  'custom-headers': 'additional headers of answers are not served',
  'http2-push-preload': 'pushing has left HTTP/2',
  'ssl-passthrough': 'TLS is not passed through: it ends here',
  'ssl-ciphers': 'ciphers are the same for all hosts',
  'ssl-prefer-server-ciphers': 'ciphers are the same for all hosts',
  'enable-rewrite-log': 'rewriting is not logged',
  'modsecurity-transaction-id': 'there is no ModSecurity',
  'session-cookie-conditional-samesite-none': 'browsers are not told apart',
  'custom-request-headers': 'additional headers of requests are not served',
};

/** What is to be said of an annotation that is known but not served; undefined where it is unknown. */
export function unservedAnnotation(name: string): { readonly because: string; readonly closes: boolean } | undefined {
  const closed = Object.hasOwn(closing, name) ? closing[name] : undefined;
  if (closed !== undefined) return { because: closed, closes: true };
  const passed = Object.hasOwn(passing, name) ? passing[name] : undefined;
  return passed === undefined ? undefined : { because: passed, closes: false };
}
