// Starts a member as a test does, says where it is, and waits to be ended.
import process from 'node:process';
import { Store } from '../members.ts';

const store = await Store.start({ size: 1 });
process.send?.({ pid: store.pid(0), folder: store.folder });
