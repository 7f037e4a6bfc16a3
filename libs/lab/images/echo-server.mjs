// An HTTP server that says which pod answered. Runs inside the drydock/echo image; no packages, no build.
import { createServer } from 'node:http';
import { hostname, networkInterfaces } from 'node:os';
import process from 'node:process';

const port = Number(process.env.PORT ?? 8080);
const pod = process.env.POD_NAME ?? hostname();
const version = process.env.ECHO_VERSION ?? '1';
const address = Object.values(networkInterfaces())
  .flat()
  .find((entry) => entry !== undefined && entry.family === 'IPv4' && !entry.internal)?.address;

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://echo');
  if (pathname === '/') {
    response.end(`${pod} ${version}\n`);
    return;
  }
  if (pathname === '/healthz') {
    response.end('ok\n');
    return;
  }
  response.setHeader('content-type', 'application/json');
  response.end(
    `${JSON.stringify({ pod, version, address, client: request.socket.remoteAddress, method: request.method, path: request.url, headers: request.headers })}\n`,
  );
});
server.listen(port, () => process.stdout.write(`${pod} version ${version} listens on ${port}\n`));

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
