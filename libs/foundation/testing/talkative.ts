// A program that logs in every way there is until its standard input ends, then exits with 7 to show that it came that far.
import process from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import { createLog } from '../pino-log.ts';
import { runProgram } from '../program.ts';
import { createZapLog } from '../zap-log.ts';

const kind = process.argv[2];
await runProgram({
  name: 'talkative',
  flags: {},
  dialect: { style: 'pflag' },
  args: [],
  log: () =>
    kind === 'zap' ? createZapLog({ level: 'debug', format: 'json', outputs: ['stderr'] }) : createLog('talkative', 'debug'),
  async start({ log }) {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const lines = 200;
    process.stdin.resume();
    process.stdin.once('end', async () => {
      for (let i = 0; i < lines; i++) {
        log.info({ i, circle, err: new Error('x'.repeat(2000)) }, 'line');
        log.child({ big: 1n }).error({ i }, 'line');
        process.stdout.write('said\n');
        process.stderr.write('said\n');
        process.emitWarning(`warned ${i}`);
        await turn();
      }
      process.exit(7);
    });
  },
});
