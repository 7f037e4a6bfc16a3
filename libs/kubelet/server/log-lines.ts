// Lines of the CRI's log format, as bytes: `TIME STREAM TAGS CONTENT` (pkg/kubelet/kuberuntime/logs, parseCRILog).

export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  /** Negative: everything. Counted as upstream counts: lines of the file, also where several are parts of one. */
  readonly tailLines: number;
  /** 0: no limit. */
  readonly limitBytes: number;
  /** Lines before this time are left out; 0: none. */
  readonly sinceMs: number;
  readonly stream: '' | 'stdout' | 'stderr';
}

const newline = 0x0a;
const space = 0x20;
const nothing = Buffer.alloc(0);
/** A longer line is no line of an engine's: it is cut into such pieces, and memory stays what it is. */
const lineBytesMax = 1 << 20;

/** Pieces of a file into its lines, without their ends. */
export class LineSplitter {
  #parts: Buffer[] = [];
  #bytes = 0;

  /** Lines that end in this piece. */
  push(piece: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = piece.indexOf(newline, from); end >= 0; end = piece.indexOf(newline, from)) {
      this.#parts.push(piece.subarray(from, end));
      lines.push(this.rest());
      from = end + 1;
    }
    const left = piece.subarray(from);
    if (left.length > 0) this.#parts.push(left);
    this.#bytes += left.length;
    if (this.#bytes > lineBytesMax) lines.push(this.rest());
    return lines;
  }

  /** What has not ended; it is forgotten. */
  rest(): Buffer {
    const rest = this.#parts.length === 1 ? (this.#parts[0] ?? nothing) : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    return rest;
  }
}

export interface LogLine {
  readonly time: string;
  readonly stream: string;
  /** Whether more of the container's line follows in the next one. */
  readonly partial: boolean;
  readonly content: Buffer;
}

/** Undefined where it is no line of a log. */
export function parseLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(space);
  const second = first < 0 ? -1 : line.indexOf(space, first + 1);
  if (second < 0) return undefined;
  const stream = line.toString('latin1', first + 1, second);
  if (stream !== 'stdout' && stream !== 'stderr') return undefined;
  const third = line.indexOf(space, second + 1);
  const tags = line.toString('latin1', second + 1, third < 0 ? line.length : third);
  if (tags === '') return undefined;
  const content = third < 0 ? nothing : line.subarray(third + 1);
  return { time: line.toString('latin1', 0, first), stream, partial: tags.split(':')[0] === 'P', content };
}

const lineEnd = Buffer.from('\n');

/** Writes what is wanted of each line, up to the limit. */
export class LogWriter {
  readonly #options: LogOptions;
  readonly #write: (bytes: Buffer) => void | Promise<void>;
  #left: number;
  /** Of each stream, whether its last line goes on: the next one then has no time of its own in front. */
  readonly #open = new Map<string, boolean>();

  constructor(options: LogOptions, write: (bytes: Buffer) => void | Promise<void>) {
    this.#options = options;
    this.#write = write;
    this.#left = options.limitBytes > 0 ? options.limitBytes : Number.POSITIVE_INFINITY;
  }

  get isFull(): boolean {
    return this.#left <= 0;
  }

  async line(raw: Buffer): Promise<void> {
    const { stream: wanted, sinceMs, timestamps } = this.#options;
    const line = parseLine(raw);
    if (line === undefined || this.isFull) return;
    const { time, stream, partial, content } = line;
    if (wanted !== '' && wanted !== stream) return;
    if (sinceMs > 0 && Date.parse(time) < sinceMs) return;
    const head = timestamps && this.#open.get(stream) !== true ? Buffer.from(`${time} `) : nothing;
    this.#open.set(stream, partial);
    const bytes = Buffer.concat(partial ? [head, content] : [head, content, lineEnd]);
    const kept = bytes.length <= this.#left ? bytes : bytes.subarray(0, this.#left);
    this.#left -= kept.length;
    if (kept.length > 0) await this.#write(kept);
  }
}
