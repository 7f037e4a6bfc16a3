import { expect, test } from 'vitest';
import { readSettings } from './settings.ts';

test('defaults are ingress-nginx’s, and an option overrides them', () => {
  expect(readSettings(undefined).settings).toMatchObject({
    'proxy-body-size': '1m',
    'proxy-read-timeout': 60,
    'ssl-redirect': true,
    'http-redirect-code': 308,
    'worker-shutdown-timeout': '240s',
  });
  const { settings, problems } = readSettings({ 'proxy-body-size': '8m', 'ssl-redirect': 'false', 'keep-alive': '' });
  expect(settings).toMatchObject({ 'proxy-body-size': '8m', 'ssl-redirect': false, 'keep-alive': 75 });
  expect(problems).toEqual([]);
});

test('what cannot be understood, and what is not served, is named; nothing of it is used', () => {
  const { settings, problems } = readSettings({
    'proxy-body-size': '1m; load_module x',
    'http-snippet': 'lua_code_cache off;',
    'allow-snippet-annotations': 'true',
    'worker-shutdown-timeout': '10s; }',
  });
  expect(settings).toMatchObject({ 'proxy-body-size': '1m', 'worker-shutdown-timeout': '240s' });
  expect(problems).toEqual([
    'allow-snippet-annotations: snippets are not served',
    'http-snippet: this option is not served',
    'proxy-body-size: expected a size such as 8k, 10m or 0; the default is used',
    'worker-shutdown-timeout: expected a time such as 240s; the default is used',
  ]);
});
