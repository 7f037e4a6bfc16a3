// How long this process has worked, whatever else the machine does meanwhile: for tests of what something costs.

/** Milliseconds of processor time that this process has used so far. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
