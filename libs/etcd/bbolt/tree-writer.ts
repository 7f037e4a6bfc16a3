// One B+ tree from records that come in order: pages are handed out as they fill up, children before their parents, so that
// memory holds one unfinished page per level.
import { elementBytes, pageFlag, pageHeaderBytes, writePageHeader } from './format.ts';

/** A record of a leaf; `flags` is 0, or says that `value` is a bucket. */
export interface LeafElement {
  readonly flags: number;
  readonly key: Buffer;
  readonly value: Buffer;
}

interface BranchElement {
  /** The first key below. */
  readonly key: Buffer;
  readonly page: number;
}

const noBytes = Buffer.alloc(0);

/** Numbers pages in the order in which they are finished. */
export class PageRun {
  readonly pageBytes: number;
  readonly #measuring: boolean;
  /** Single pages that were taken and come to use again: a gigabyte of buffers would keep the garbage collector busy. */
  #spare: Buffer[] = [];
  #lent: Buffer[] = [];
  /** The next page's number. */
  next: number;
  /** Finished and not taken yet. */
  #finished: Buffer[] = [];

  /** `measuring`: only numbers matter, pages come out without bytes. */
  constructor(pageBytes: number, next: number, measuring = false) {
    this.pageBytes = pageBytes;
    this.next = next;
    this.#measuring = measuring;
  }

  /** Adds a page with as many pages behind it as `bytes` need; `fill` writes what follows the header. Returns its number. */
  add(flags: number, count: number, bytes: number, fill: (page: Buffer) => void): number {
    const pages = Math.ceil(bytes / this.pageBytes);
    const id = this.next;
    this.next += pages;
    if (this.#measuring) {
      this.#finished.push(noBytes);
      return id;
    }
    const page = this.#buffer(pages);
    writePageHeader(page, { id, flags, count, overflow: pages - 1 });
    fill(page);
    this.#finished.push(page);
    return id;
  }

  /** What is finished since the last call. The bytes stay until the next call after this. */
  take(): readonly Buffer[] {
    const finished = this.#finished;
    if (finished.length === 0) return finished;
    this.#spare.push(...this.#lent);
    this.#lent = finished.filter((page) => page.length === this.pageBytes);
    this.#finished = [];
    return finished;
  }

  #buffer(pages: number): Buffer {
    const spare = pages === 1 ? this.#spare.pop() : undefined;
    return spare?.fill(0) ?? Buffer.alloc(pages * this.pageBytes);
  }
}

/** bbolt counts the elements of a page in 16 bits, and keeps 0xffff free. */
const elementsMax = 0xfff0;
/** bbolt refuses to rebalance below a branch with a single child. */
const childrenMin = 2;

export class TreeWriter {
  readonly #run: PageRun;
  #leaf: LeafElement[] = [];
  #leafBytes = pageHeaderBytes;
  /** Unfinished branches, the lowest first. */
  readonly #levels: BranchLevel[] = [];

  constructor(run: PageRun) {
    this.#run = run;
  }

  /** Keys must ascend strictly and not be empty. */
  add(element: LeafElement): void {
    const bytes = elementBytes + element.key.length + element.value.length;
    const full = this.#leafBytes + bytes > this.#run.pageBytes || this.#leaf.length >= elementsMax;
    if (full && this.#leaf.length > 0) this.#child(0, this.#finishLeaf());
    this.#leaf.push(element);
    this.#leafBytes += bytes;
  }

  /** Finishes the tree; returns its root page. */
  finish(): number {
    let top = this.#finishLeaf();
    for (let level = 0; level < this.#levels.length; level++) {
      this.#child(level, top);
      const rest = this.#levels[level]?.rest() ?? [];
      // The last page takes what is left, also more than fits into one: two children at least.
      top = this.#finishBranch(rest);
    }
    return top.page;
  }

  #child(level: number, element: BranchElement): void {
    let branch = this.#levels[level];
    if (branch === undefined) {
      branch = new BranchLevel(this.#run.pageBytes);
      this.#levels.push(branch);
    }
    const full = branch.add(element);
    if (full !== undefined) this.#child(level + 1, this.#finishBranch(full));
  }

  #finishLeaf(): BranchElement {
    const leaf = this.#leaf;
    const page = this.#run.add(pageFlag.leaf, leaf.length, this.#leafBytes, (buffer) => {
      let data = pageHeaderBytes + leaf.length * elementBytes;
      for (const [i, { flags, key, value }] of leaf.entries()) {
        const at = pageHeaderBytes + i * elementBytes;
        buffer.writeUInt32LE(flags, at);
        buffer.writeUInt32LE(data - at, at + 4);
        buffer.writeUInt32LE(key.length, at + 8);
        buffer.writeUInt32LE(value.length, at + 12);
        data += key.copy(buffer, data);
        data += value.copy(buffer, data);
      }
    });
    this.#leaf = [];
    this.#leafBytes = pageHeaderBytes;
    // A copy: the key may be part of a large buffer, which it would keep.
    return { key: Buffer.from(leaf[0]?.key ?? noBytes), page };
  }

  #finishBranch(children: readonly BranchElement[]): BranchElement {
    const bytes = children.reduce((sum, child) => sum + branchBytes(child), pageHeaderBytes);
    const page = this.#run.add(pageFlag.branch, children.length, bytes, (buffer) => {
      let data = pageHeaderBytes + children.length * elementBytes;
      for (const [i, child] of children.entries()) {
        const at = pageHeaderBytes + i * elementBytes;
        buffer.writeUInt32LE(data - at, at);
        buffer.writeUInt32LE(child.key.length, at + 4);
        buffer.writeBigUInt64LE(BigInt(child.page), at + 8);
        data += child.key.copy(buffer, data);
      }
    });
    return { key: children[0]?.key ?? Buffer.alloc(0), page };
  }
}

function branchBytes(element: BranchElement): number {
  return elementBytes + element.key.length;
}

/** Children that wait for their parent. The newest ones are held back, so that no parent ends up with less than two. */
class BranchLevel {
  readonly #pageBytes: number;
  #children: BranchElement[] = [];
  #bytes = pageHeaderBytes;

  constructor(pageBytes: number) {
    this.#pageBytes = pageBytes;
  }

  /** Returns the children of a full page, if there are that many. */
  add(element: BranchElement): BranchElement[] | undefined {
    this.#children.push(element);
    this.#bytes += branchBytes(element);
    const full = this.#bytes - branchBytes(element) > this.#pageBytes || this.#children.length > elementsMax;
    if (!full || this.#children.length < 2 * childrenMin) return undefined;
    const page = this.#children.splice(0, this.#children.length - childrenMin);
    this.#bytes -= page.reduce((sum, child) => sum + branchBytes(child), 0);
    return page;
  }

  rest(): BranchElement[] {
    return this.#children;
  }
}
