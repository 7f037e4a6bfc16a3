import { request } from 'node:https';
import type { Ingress } from '@drydock/api/generated/types.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { expect, onTestFinished, test } from 'vitest';
import { answerReview, type Judgement } from './admission.ts';
import { ownCertificatePair } from './own-certificate.ts';
import { webhookServer } from './webhook-server.ts';

const kind = { group: 'networking.k8s.io', version: 'v1', kind: 'Ingress' };
const review = (more: object = {}) =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: 'u1', kind, operation: 'CREATE', object: { metadata: { name: 'web' } }, ...more },
  });
const fine: Judgement = { refusal: undefined, warnings: [] };
const answerOf = async (text: string, judgement: Judgement = fine) => {
  const { code, body } = await answerReview(text, async () => judgement);
  return code === 200 ? JSON.parse(body).response : `${code} ${body.trim()}`;
};

test('what may be written, and what of it is not served', async () => {
  const asked: Ingress[] = [];
  const judge = async (ingress: Ingress) => {
    asked.push(ingress);
    return fine;
  };
  const { body } = await answerReview(review(), judge);
  expect(JSON.parse(body)).toEqual({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: 'u1', allowed: true },
  });
  expect(asked).toEqual([{ metadata: { name: 'web' } }]);
  expect(await answerOf(review(), { refusal: undefined, warnings: ['not served'] })).toEqual({
    uid: 'u1',
    allowed: true,
    warnings: ['not served'],
  });
});

test('what may not be written is told why', async () => {
  expect(await answerOf(review(), { refusal: 'no', warnings: [] })).toEqual({
    uid: 'u1',
    allowed: false,
    status: { status: 'Failure', code: 400, reason: 'BadRequest', message: 'no' },
  });
});

test('what is deleted is not looked at', async () => {
  const refuse = { refusal: 'no', warnings: [] };
  expect(await answerOf(review({ operation: 'DELETE', object: null }), refuse)).toEqual({ uid: 'u1', allowed: true });
});

test.each([
  ['', '400 request is not of type AdmissionReview v1 or v1beta1'],
  ['null', '400 request is not of type AdmissionReview v1 or v1beta1'],
  ['{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}', '400 request is not of type AdmissionReview v1 or v1beta1'],
  [
    review({ kind: { group: '', version: 'v1', kind: 'Pod' }, name: 'a', namespace: 'b' }),
    '400 rejecting admission review because the request does not contain an Ingress resource but /v1, Kind=Pod with name a in namespace b',
  ],
])('%s is no question', async (text, expected) => {
  expect(await answerOf(text)).toBe(expected);
});

test('asked over TLS; what cannot be judged is an error, and too much of a question ends the connection', async () => {
  const clock = new SystemClock();
  const pair = await ownCertificatePair(clock.wallMs(), new SystemRandom().stream('test'));
  const port = 20_000 + (process.pid % 10_000);
  const server = webhookServer({
    ...pair,
    host: '127.0.0.1',
    port,
    log: silentLog,
    answer: (text) =>
      answerReview(text, async ({ metadata }) => {
        if (metadata?.name === 'broken') throw new Error('not read yet');
        return fine;
      }),
  });
  await server.start();
  onTestFinished(() => server.stop());
  const post = (body: string) =>
    new Promise<string>((resolve) => {
      const asked = request({ host: '127.0.0.1', port, method: 'POST', rejectUnauthorized: false, agent: false }, (answer) => {
        let text = '';
        answer.on('data', (part) => {
          text += part;
        });
        answer.on('end', () => resolve(`${answer.statusCode} ${text.trim()}`));
      });
      asked.on('error', () => resolve('ended'));
      asked.end(body);
    });
  expect(await post(review())).toMatch(/^200 .*"allowed":true/);
  expect(await post(review({ object: { metadata: { name: 'broken' } } }))).toBe('500 not read yet');
  expect(await post('x'.repeat(5 * 1024 * 1024))).toBe('ended');
});
