// What the NOSPACE alarm means: while it is known to be there nothing is acknowledged that needs space, and what needs none is not
// refused for want of it.
import type { History } from '../history/history.ts';
import type { Micros, Operation } from '../history/operation.ts';
import { renderOperation, seconds, type Violation } from './violation.ts';

const noSpace = /database space exceeded/;

interface Window {
  readonly from: Micros;
  readonly to: Micros;
}

export function checkSpace(history: History): Violation[] {
  const windows = windowsOf(history);
  return history.operations.flatMap((operation) => [...checkRefused(operation), ...checkTaken(operation, windows)]);
}

/** From when the alarm was seen until somebody began to take it back; after a disarming that may still come, nothing is certain. */
function windowsOf({ space }: History): Window[] {
  const windows: Window[] = [];
  let from: Micros | undefined;
  for (const report of space) {
    if (report.kind === 'full') {
      if (report.full) from ??= report.time;
      continue;
    }
    if (from !== undefined) windows.push({ from, to: report.invoke });
    from = undefined;
    if (!report.certain) return windows;
  }
  if (from !== undefined) windows.push({ from, to: Number.POSITIVE_INFINITY });
  return windows;
}

function checkRefused(operation: Operation): Violation[] {
  const { request, outcome } = operation;
  const needsNone = request.kind === 'range' || request.kind === 'delete' || request.kind === 'leaseRevoke';
  if (!needsNone || outcome.kind === 'ok' || !noSpace.test(outcome.error)) return [];
  const text = `#${operation.id} needs no space and was refused for want of it`;
  return [{ guarantee: 'space', text, evidence: [renderOperation(operation)] }];
}

function checkTaken(operation: Operation, windows: readonly Window[]): Violation[] {
  if (operation.outcome.kind !== 'ok' || !needsSpace(operation)) return [];
  const window = windows.find(({ from, to }) => operation.invoke > from && operation.return < to);
  if (window === undefined) return [];
  const text = `#${operation.id} was acknowledged while there was a NOSPACE alarm, from ${seconds(window.from)} on`;
  return [{ guarantee: 'space', text, evidence: [renderOperation(operation)] }];
}

function needsSpace({ request, outcome }: Operation): boolean {
  if (request.kind === 'put' || request.kind === 'leaseGrant') return true;
  if (request.kind !== 'txn' || outcome.kind !== 'ok' || outcome.response.kind !== 'txn') return false;
  const ops = outcome.response.succeeded ? request.success : request.failure;
  return ops.some(({ kind }) => kind === 'put');
}
