// Protobuf encoding of proto/drydock/apiserver/v1/api.proto, by hand: loading protobufjs costs every process of a cluster
// 11 MB. The test beside this file holds it against the .proto through proto-loader.

/** A field to write: its number and value; absent, empty, 0 and false are left out, as proto3 does. */
type Field = readonly [number: number, value: string | Uint8Array | number | boolean | undefined];

/** The fields of `Target`. */
export interface Target {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

export function encodeTarget(target: Target): Uint8Array {
  const { group, version, resource, namespace, name, subresource } = target;
  return encodeMessage([
    [1, group],
    [2, version],
    [3, resource],
    [4, namespace],
    [5, name],
    [6, subresource],
  ]);
}

export function encodeMessage(fields: readonly Field[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const [number, value] of fields) {
    if (value === undefined || value === '' || value === 0 || value === false) continue;
    if (typeof value === 'number' || value === true) {
      parts.push(varint(number << 3), varint(Number(value)));
      continue;
    }
    const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
    if (bytes.length === 0) continue;
    parts.push(varint((number << 3) | 2), varint(bytes.length), bytes);
  }
  return Buffer.concat(parts);
}

/** The length-delimited fields of a message by number; others are skipped. Throws RangeError where the bytes are cut off. */
export function decodeMessage(bytes: Uint8Array): Map<number, Buffer> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields = new Map<number, Buffer>();
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = buffer[at++];
      if (byte === undefined) throw new RangeError('message is cut off');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  while (at < buffer.length) {
    const tag = readVarint();
    switch (tag & 7) {
      case 0:
        readVarint();
        break;
      case 1:
        at += 8;
        break;
      case 5:
        at += 4;
        break;
      case 2: {
        const end = readVarint() + at;
        if (end > buffer.length) throw new RangeError('message is cut off');
        fields.set(tag >>> 3, buffer.subarray(at, end));
        at = end;
        break;
      }
      default:
        throw new RangeError(`unknown wire type ${tag & 7}`);
    }
  }
  return fields;
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
