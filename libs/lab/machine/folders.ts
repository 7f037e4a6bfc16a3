// Adapter: folders as the user names them and as they are.
import { lstatSync, mkdirSync, realpathSync, rmdirSync, statfsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { LabError } from '../errors.ts';

/** The path without links, however much of it exists. */
export function canonical(path: string): string {
  const whole = resolve(path);
  try {
    return realpathSync(whole);
  } catch (error) {
    const above = dirname(whole);
    if (above === whole || (error as NodeJS.ErrnoException).code !== 'ENOENT') return whole;
    return join(canonical(above), basename(whole));
  }
}

/**
 * Makes the folder and what is missing above it; returns whether it was missing itself. Level by level: Node's own `recursive`
 * never ends in /proc. Throws LabError where it cannot be made.
 */
export function makeFolder(path: string, mode: number): boolean {
  try {
    if (lstatSync(path).isDirectory()) return false;
    throw new LabError('config', `${path} is not a folder`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const above = dirname(path);
  if (above !== path) makeFolder(above, 0o777);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    throw new LabError('config', `cannot make the folder ${path}: ${message.split(',')[0]}`);
  }
  return true;
}

/** Removes a folder that is empty; anything else stays. */
export function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Not empty, not there, or not ours to remove.
  }
}

/** What is free where the folder is or would be, in bytes, for this user. */
export function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch (error) {
    const above = dirname(path);
    if (above === path) throw error;
    return freeBytes(above);
  }
}
