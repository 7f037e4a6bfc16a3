// The balancer in front of a lab's apiservers, as a process of its own. Started by `drydock up`.
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { flag } from '@drydock/foundation/flags.ts';
import { runProgram } from '@drydock/foundation/program.ts';
import { Balancer } from '@drydock/lab/balancer.ts';

await runProgram({
  name: 'apiserver-lb',
  dialect: { style: 'pflag' },
  flags: {
    listen: flag('string', '127.0.0.1:6443', 'address and port to listen on'),
    backends: flag('strings', [], 'address and port of each apiserver'),
    'certificate-authority': flag('string', '', 'authority that the apiservers are checked against'),
    'client-certificate': flag('string', '', 'certificate for the health checks'),
    'client-key': flag('string', '', 'key of that certificate'),
  },
  async start({ flags, clock, log, lifecycle }) {
    const { values } = flags;
    const at = values.listen.lastIndexOf(':');
    const agent = new Agent({
      keepAlive: true,
      ca: readFileSync(values['certificate-authority']),
      cert: readFileSync(values['client-certificate']),
      key: readFileSync(values['client-key']),
    });
    const config = {
      host: values.listen.slice(0, at),
      port: Number(values.listen.slice(at + 1)),
      backends: values.backends,
      agent,
    };
    await lifecycle.start(new Balancer(config, clock, log));
    log.info({ listen: values.listen, backends: values.backends }, 'balancing');
  },
});
