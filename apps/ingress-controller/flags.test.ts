import { parseFlags } from '@drydock/foundation/flags.ts';
import { endedProgram } from '@drydock/foundation/testing/ended-program.ts';
import { expect, test } from 'vitest';
import { flags, ignoredFlags, refusedFlags } from './flags.ts';
import { readPlaces } from './settings.ts';

const dialect = { style: 'pflag', ignored: ignoredFlags, refused: refusedFlags } as const;

// The arguments of ingress-nginx's own Deployments: for bare metal 0.47.0, 1.0.0 and the last; 0.30.
test.each([
  [
    '--election-id=ingress-controller-leader --ingress-class=nginx --configmap=ingress-nginx/ingress-nginx-controller --validating-webhook-certificate=/usr/local/certificates/cert --validating-webhook-key=/usr/local/certificates/key',
  ],
  [
    '--election-id=ingress-nginx-leader --controller-class=k8s.io/ingress-nginx --configmap=ingress-nginx/ingress-nginx-controller',
  ],
  [
    '--publish-service=ingress-nginx/ingress-nginx-controller --election-id=ingress-nginx-leader --controller-class=k8s.io/ingress-nginx --ingress-class=nginx --configmap=ingress-nginx/ingress-nginx-controller --enable-metrics=false',
  ],
  [
    '--configmap=ingress-nginx/ingress-nginx-controller --tcp-services-configmap=ingress-nginx/tcp-services --udp-services-configmap=ingress-nginx/udp-services --publish-service=ingress-nginx/ingress-nginx --annotations-prefix=nginx.ingress.kubernetes.io',
  ],
])('the arguments of the original are taken: %s', (line) => {
  const { values } = parseFlags(flags, line.split(' '), dialect);
  expect(values).toMatchObject({ 'ingress-class': 'nginx', configmap: 'ingress-nginx/ingress-nginx-controller' });
});

test.each(Object.keys(refusedFlags))('--%s is refused, with its name', (name) => {
  expect(() => parseFlags(flags, [`--${name}=x`], dialect)).toThrow(new RegExp(`^--${name} is not served here: `));
});

test.each([
  ['--configmap=nonsense', '--configmap: expected NAMESPACE/NAME, got "nonsense"'],
  ['--http-port=0', '--http-port: expected a port, got 0'],
  ['--nginx-modules=/nowhere', 'apt-get install nginx libnginx-mod-http-lua'],
  ['--places=/nowhere', '--places: '],
  ['--nope', 'unknown flag: --nope'],
])(
  'the program ends with %s',
  (flag, message) => {
    const { status, stderr } = endedProgram(new URL('./main.ts', import.meta.url), flag);
    expect(stderr).toContain(message);
    expect(status).toBe(1);
  },
  90_000,
);

test('without --places it listens here', () => {
  expect(readPlaces('')).toEqual([{ name: 'here', prefix: [] }]);
});
