// Plays a scene with real mounts in a process that has a mount namespace of its own; what it prints is its answer.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { execFile, execFileSync } from '../../child-process.ts';

/** Mounts need root and a namespace of their own, which not every machine gives. */
export function mayMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Runs `node SCRIPT SCENE FOLDER` with a folder of its own, which goes with the mounts in it. */
export async function playScene(script: string, scene: string): Promise<unknown> {
  const folder = mkdtempSync(`${tmpdir()}/drydock-scene-`);
  try {
    const { stdout } = await promisify(execFile)('unshare', ['--mount', process.execPath, script, scene, folder]);
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
