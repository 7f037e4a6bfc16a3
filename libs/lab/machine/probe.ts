// Adapter: asks a process whether it serves.
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Probe } from '../programs/process-spec.ts';

const attemptTimeoutMs = 2_000;
/** Pause between two attempts: a process cannot tell us that it listens, so it is asked again. */
const attemptEveryMs = 25;

/** Characters of an answer that says why not. */
const bodyShown = 200;

/** One attempt; undefined where it serves, else the reason. */
export function probeOnce(probe: Probe, timeoutMs = attemptTimeoutMs): Promise<string | undefined> {
  if (probe.kind === 'http') return probeHttp(probe.url, timeoutMs);
  return new Promise((resolve) => {
    const socket = probe.kind === 'unix' ? connect(probe.path) : connect(probe.port, probe.host);
    const done = (reason: string | undefined) => {
      socket.destroy();
      resolve(reason);
    };
    socket.setTimeout(timeoutMs, () => done('timeout'));
    socket.once('connect', () => done(undefined));
    socket.once('error', (error) => done(error.message));
  });
}

/** Asks until the process serves. Rejects with the abort's reason. */
export async function probeUntilReady(probe: Probe, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    if ((await probeOnce(probe)) === undefined) return;
    await pause(signal);
  }
}

function probeHttp(url: string, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = url.startsWith('https:') ? httpsRequest : httpRequest;
    // Health says nothing worth protecting, and some programs serve it under a certificate that they made themselves.
    const ask = request(url, { rejectUnauthorized: false, agent: false, timeout: timeoutMs }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (body.length < bodyShown) body += chunk;
      });
      response.once('end', () =>
        resolve(response.statusCode === 200 ? undefined : `status ${response.statusCode} ${body.slice(0, bodyShown)}`.trim()),
      );
      response.once('error', (error) => resolve(error.message));
    });
    ask.once('timeout', () => ask.destroy(new Error('timeout')));
    ask.once('error', (error) => resolve(error.message));
    ask.end();
  });
}

/** Waits a short while, or rejects at once when aborted. */
export function pause(signal: AbortSignal, ms = attemptEveryMs): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
