// The registry that serves a lab's images to its workers, as a process of its own. Started by `drydock up`.
import { flag } from '@drydock/foundation/flags.ts';
import { runProgram } from '@drydock/foundation/program.ts';
import { imageRegistry } from '@drydock/lab/images/registry.ts';

await runProgram({
  name: 'image-registry',
  dialect: { style: 'pflag' },
  flags: {
    listen: flag('string', '127.0.0.1:5000', 'address and port to listen on'),
    layout: flag('string', '', 'folder with the images, an OCI image layout'),
    clients: flag('strings', [], 'addresses that are served'),
  },
  async start({ flags, log, lifecycle }) {
    const { listen, layout, clients } = flags.values;
    await lifecycle.start(imageRegistry({ listen, layout, clients }));
    log.info({ listen, layout }, 'serving images');
  },
});
