import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

test('calls wait for a place, in their order; who leaves while waiting is not called', () => {
  const slots = new Slots(2);
  const called: string[] = [];
  const begin = (name: string): EventEmitter => {
    const response = new EventEmitter();
    slots.run(response as unknown as ServerResponse, () => called.push(name));
    return response;
  };
  const [a, b, c] = ['a', 'b', 'c', 'd'].map(begin);
  expect(called).toEqual(['a', 'b']);
  c?.emit('close');
  a?.emit('close');
  expect(called).toEqual(['a', 'b', 'd']);
  b?.emit('close');
  begin('e');
  expect(called).toEqual(['a', 'b', 'd', 'e']);
  begin('f');
  expect(called).toHaveLength(4);
});
