// The ingress-controller process: Ingresses into the configuration of nginx, and nginx into running.
import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { connect } from '@drydock/client/connect.ts';
import { kubeconfigOrPod } from '@drydock/client/kubeconfig-flag.ts';
import { statusServer } from '@drydock/client/status-server.ts';
import { runProgram } from '@drydock/foundation/program.ts';
import { answerReview } from '@drydock/ingress/admission.ts';
import { IngressController } from '@drydock/ingress/controller.ts';
import { NginxPlane } from '@drydock/ingress/nginx/nginx.ts';
import { ownCertificatePair } from '@drydock/ingress/own-certificate.ts';
import { allPermissions, askPermissions } from '@drydock/ingress/permissions.ts';
import { webhookServer } from '@drydock/ingress/webhook-server.ts';
import { flags, ignoredFlags, refusedFlags } from './flags.ts';
import { askedPermissions, checkNginx, controllerOptions, readPlaces, readWebhook, workerUser } from './settings.ts';

/** How long nginx may take to finish what is under way. */
const quitPatienceMs = 20_000;

await runProgram({
  name: 'ingress-controller',
  flags,
  dialect: { style: 'pflag', ignored: ignoredFlags, refused: refusedFlags },
  async start({ flags: { values }, log, clock, random, lifecycle, env }) {
    const worker = workerUser();
    checkNginx(values['nginx-modules']);
    const places = readPlaces(values.places);
    const webhook = readWebhook(values);
    const asked = askedPermissions(values, env);
    // What is wrong with a flag is said before anybody is asked.
    controllerOptions(values, env, hostname(), worker, allPermissions(asked));
    const config = await kubeconfigOrPod(values.kubeconfig, env);
    const client = await connect(config, { clock, random, userAgent: 'ingress-controller/drydock' });
    const stopped = new AbortController();
    await lifecycle.start({ name: 'questions', start: async () => {}, stop: async () => stopped.abort() });
    const permissions =
      values.kubeconfig === '' ? await askPermissions(asked, { client, clock, log }, stopped.signal) : allPermissions(asked);
    const options = controllerOptions(values, env, hostname(), worker, permissions);
    const temporary = values['state-folder'] === '';
    const folder = temporary ? mkdtempSync(`${tmpdir()}/ingress-controller-`) : values['state-folder'];
    const plane = new NginxPlane({ folder, places, nginx: values['nginx-binary'], worker, clock, log });
    const ownCertificate = await ownCertificatePair(clock.wallMs(), random.stream('certificate'));
    const addresses = new Map(places.map(({ name, address }) => [name, address]));
    const unreachable = () => new Set(plane.absent().flatMap((name) => addresses.get(name) ?? []));
    const controller = new IngressController(options, { client, clock, random, log, plane, ownCertificate, unreachable });
    await lifecycle.start({
      name: 'nginx',
      start: async () => {},
      async stop() {
        await clock.sleep(values['shutdown-grace-period'] * 1_000);
        await plane.stop(quitPatienceMs);
        client.close();
        if (temporary) rmSync(folder, { recursive: true, force: true });
      },
    });
    await lifecycle.start(controller);
    const address = { host: values['healthz-host'], port: values['healthz-port'] };
    await lifecycle.start(statusServer('healthz', address, controller.routes));
    if (webhook !== undefined)
      await lifecycle.start(
        webhookServer({ ...webhook, log, answer: (text) => answerReview(text, (ingress) => controller.judge(ingress)) }),
      );
    log.info(
      { class: options.classes.annotationValue, controller: options.classes.controller, places: places.length },
      'started',
    );
  },
});
