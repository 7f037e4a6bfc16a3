import { expect, test } from 'vitest';
import { placesOf } from './places.ts';
import { mask, parseSession, playSession, renderSession } from './transcript.ts';

test('a session survives parsing and rendering', () => {
  const text = "# what it shows\n\n$ echo hello\nhello\n\n$ cat <<'EOF'\na\nEOF\na\n";
  const session = parseSession(text);
  expect(session.steps.map((step) => step.command)).toEqual(['echo hello', "cat <<'EOF'\na\nEOF"]);
  expect(parseSession(renderSession(session))).toEqual(session);
});

test('output, errors and exit status are recorded', async () => {
  const played = await playSession(parseSession('$ echo out; echo err >&2; exit 3\n'), {}, '/');
  expect(played.steps[0]?.output).toBe('out\nerr\nexit 3');
});

test.each([
  [
    'web-6b7f9c8d5f-x2x4z   1/1   Running   0   12s   10.244.1.5   worker-1',
    'web-<hash>-<suffix>  1/1  Running  0  <age>  <ip>  <node>',
  ],
  ['80:31234/TCP   5m10s', '80:<nodeport>/TCP  <age>'],
  ['deployment.apps/web created', 'deployment.apps/web created'],
  ['Waiting for deployment "web" rollout to finish: 0 of 2 updated\ndone', 'done'],
])('mask %#', (text, masked) => {
  expect(mask(text)).toBe(masked);
});

test('a session in parts: each place has what is typed there', () => {
  const places = placesOf('# what it shows\n\n## one\n$ echo a\na\n\n## two\n$ echo b\nb\n$ echo c\nc\n');
  expect(places.map(({ name, session }) => [name, session.steps])).toEqual([
    ['one', [{ command: 'echo a', output: 'a' }]],
    [
      'two',
      [
        { command: 'echo b', output: 'b' },
        { command: 'echo c', output: 'c' },
      ],
    ],
  ]);
});
