// The program that holds a pod's namespaces: as process 1 it reaps what is orphaned to it and ends on SIGTERM or SIGINT.

/**
 * x86-64 machine code, position independent: block SIGINT, SIGTERM and SIGCHLD; then for ever rt_sigtimedwait for one of
 * them; on SIGTERM or SIGINT exit(0), else wait4(-1, WNOHANG) until no child is left. The last 8 bytes are the signal set.
 */
const code = Buffer.from(
  '488d354d0000004989f031ff31d26a08415a6a0e580f05488d3d3600000031f631d26a08415ab8800000000f0583f80f741b83f802741' +
    '66aff5f31f66a015a4531d26a3d580f0585c07fecebca31ff6a3c580f050240010000000000',
  'hex',
);

const loadAddress = 0x400000n;
const headerBytes = 64 + 56;

/** A static ELF executable of 217 bytes. undefined for processors other than x86-64. */
export function pauseProgram(architecture: string): Uint8Array | undefined {
  if (architecture !== 'x64') return undefined;
  const file = Buffer.alloc(headerBytes + code.length);
  Buffer.from('7f454c46020101', 'hex').copy(file);
  file.writeUInt16LE(2, 16); // ET_EXEC
  file.writeUInt16LE(62, 18); // EM_X86_64
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(loadAddress + BigInt(headerBytes), 24); // entry
  file.writeBigUInt64LE(64n, 32); // program headers
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64); // PT_LOAD
  file.writeUInt32LE(5, 68); // readable, executable
  file.writeBigUInt64LE(0n, 72);
  file.writeBigUInt64LE(loadAddress, 80);
  file.writeBigUInt64LE(loadAddress, 88);
  file.writeBigUInt64LE(BigInt(file.length), 96);
  file.writeBigUInt64LE(BigInt(file.length), 104);
  file.writeBigUInt64LE(0x1000n, 112);
  code.copy(file, headerBytes);
  return file;
}

/** The same by a shell, for other processors. */
export const pauseScript = "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait; done";
