import { expect, test } from 'vitest';
import { MemoryDisk } from './memory-disk.ts';
import { MountedDisk } from './mounted-disk.ts';

test('one folder is on the other disk, and what is called alike is not', async () => {
  const [base, other] = [new MemoryDisk(), new MemoryDisk()];
  const disk = new MountedDisk(base, 'member/wal', other);
  await disk.makeFolder('member');
  await disk.makeFolder('member/wal');
  await disk.writeAtomic('member/wal/a', Buffer.from('1'));
  await disk.writeAtomic('member/wally', Buffer.from('2'));
  await disk.rename('member/wal/a', 'member/wal/b');
  expect(await other.list('.')).toEqual(['b']);
  expect(await base.list('member')).toEqual(['wally']);
  expect(await disk.list('member/wal')).toEqual(['b']);
  const file = await disk.open('member/wal/b', 'read');
  expect(Buffer.from(await file.read(0, 9)).toString()).toBe('1');
  await disk.remove('member/wal/b');
  expect(await disk.list('member/wal')).toEqual([]);
  expect(() => disk.rename('member/wally', 'member/wal/b')).toThrow('two disks');
});
