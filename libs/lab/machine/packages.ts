// Adapter: looks for what the machine lacks and, as root, has Debian install it.
import process from 'node:process';
import { proxySettings } from '@drydock/foundation/clean-environment.ts';
import { LabError } from '../errors.ts';
import type { Requirement } from '../requirements.ts';
import { findProgram } from './facts.ts';
import { ToolError, tool } from './spawn.ts';

/** The requirements that are not met. */
export function missingOf(requirements: readonly Requirement[]): Requirement[] {
  return requirements.filter((requirement) => findProgram(requirement.program) === undefined);
}

/** The one command that installs them. */
export function installCommand(missing: readonly Requirement[]): string {
  const names = [...new Set(missing.map((requirement) => requirement.debianPackage))];
  return `apt-get install -y --no-install-recommends ${names.join(' ')}`;
}

/** Where Debian's packages ask whether they may start their daemons; 101 is no. */
const startPolicy = '/usr/sbin/policy-rc.d';

/** A shell script that runs `command` and starts none of the daemons that are named; what the machine says itself is left alone. */
export function withoutStarting(command: string, services: readonly string[]): string {
  if (services.length === 0) return command;
  const names = services.join('|');
  const policy = `#!/bin/sh\\ncase "$1" in ${names}) exit 101;; esac\\nexit 0\\n`;
  return [
    `if [ ! -e ${startPolicy} ]; then printf '${policy}' > ${startPolicy} && chmod 755 ${startPolicy}; trap 'rm -f ${startPolicy}' EXIT; fi`,
    command,
    `if command -v systemctl > /dev/null; then systemctl disable ${services.join(' ')} > /dev/null 2>&1 || true; fi`,
  ].join(' && ');
}

/** Installs what is missing, or throws LabError with the command to type. `say` is told before anything is installed. */
export async function ensurePackages(requirements: readonly Requirement[], say: (line: string) => void): Promise<void> {
  const missing = missingOf(requirements);
  if (missing.length === 0) return;
  const command = installCommand(missing);
  const list = missing.map((requirement) => `${requirement.program} (package ${requirement.debianPackage})`).join(', ');
  if (process.getuid?.() !== 0 || findProgram('apt-get') === undefined) {
    throw new LabError(
      'missing-packages',
      `this machine lacks ${list}; install with: ${process.getuid?.() === 0 ? '' : 'sudo '}${command}`,
    );
  }
  say(`installing ${list}`);
  try {
    const services = missing.flatMap(({ service }) => service ?? []);
    const proxies = Object.entries(proxySettings(process.env)).map(([name, value]) => `${name}=${value}`);
    await tool([
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      ...proxies,
      'sh',
      '-c',
      withoutStarting(`apt-get update -qq && ${command} -qq`, services),
    ]);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw new LabError('missing-packages', `could not install ${list}; try: ${command}\n${error.stderr.trim()}`);
  }
  const left = missingOf(requirements);
  if (left.length > 0)
    throw new LabError('missing-packages', `still missing after ${command}: ${left.map((entry) => entry.program).join(', ')}`);
}
