// Adapter: the machines of the local cloud, in a file.
import { readFile, stat } from 'node:fs/promises';
import { type Cloud, InventoryError, parseInventory } from '@drydock/controllers/cloudnode/inventory.ts';

/** Larger files are not read: ten thousand machines take a fifth of it. */
const bytesMax = 16 * 1024 * 1024;

/** Reads the file at every question, so that whoever writes it need tell nobody. Questions reject where it cannot be read. */
export function inventoryFile(path: string): Cloud {
  return {
    async machines() {
      const { size } = await stat(path);
      if (size > bytesMax) throw new InventoryError(`${path}: ${size} bytes, at most ${bytesMax} are read`);
      try {
        return parseInventory(await readFile(path, 'utf8'));
      } catch (error) {
        throw new InventoryError(`${path}: ${(error as Error).message}`, { cause: error });
      }
    },
  };
}
