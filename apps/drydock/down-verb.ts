// `drydock down`
import type { Lab } from '@drydock/lab/lab.ts';
import { counted } from './table.ts';

export async function downVerb(lab: Lab, say: (line: string) => void): Promise<void> {
  const { dir } = lab.context.paths;
  const there = lab.exists;
  const report = await lab.down(say);
  if (!there && report.processes === 0) {
    say(`there is no lab ${lab.name} (${dir}); nothing was removed`);
    return;
  }
  const what = `${counted(report.processes, 'process')}, ${counted(report.mounts, 'mount')} removed`;
  if (report.kept.length === 0) say(`lab ${lab.name} is gone (${what}); nothing is left`);
  else say(`lab ${lab.name} is gone (${what}); kept in ${dir}, since the lab did not make them: ${report.kept.join(', ')}`);
}
