/** Reads a PNG: 8 bits a channel, with or without alpha, not interlaced, which is what grim writes. Source: PNG specification. */
import assert from 'node:assert/strict';
import { inflateSync } from 'node:zlib';

export type Picture = {
  readonly width: number;
  readonly height: number;
  /** `rrggbb` */
  readonly pixel: (x: number, y: number) => string;
};

const SIGNATURE_BYTES = 8;
const CHANNELS: Readonly<Record<number, number>> = { 2: 3, 6: 4 };

export function readPng(file: Buffer): Picture {
  const parts: Buffer[] = [];
  let header: Buffer | undefined;
  for (let at = SIGNATURE_BYTES; at < file.length;) {
    const length = file.readUInt32BE(at);
    const type = file.toString('latin1', at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') header = body;
    if (type === 'IDAT') parts.push(body);
    at += length + 12;
  }
  assert(header !== undefined, 'it is a PNG');
  const [width, height, channels] = [header.readUInt32BE(0), header.readUInt32BE(4), CHANNELS[header[9] ?? 0]];
  assert(header[8] === 8 && channels !== undefined && header[12] === 0, 'of the kind that is read here');
  const rows = unfilter(inflateSync(Buffer.concat(parts)), { stride: width * channels, height, channels });
  return {
    width,
    height,
    pixel: (x, y) => rows.subarray((y * width + x) * channels, (y * width + x) * channels + 3).toString('hex'),
  };
}

type Shape = { readonly stride: number; readonly height: number; readonly channels: number };

function unfilter(data: Buffer, { stride, height, channels }: Shape): Buffer {
  const out = Buffer.alloc(stride * height);
  for (let row = 0; row < height; row++) {
    const filter = data[row * (stride + 1)] ?? 0;
    for (let column = 0; column < stride; column++) {
      const at = row * stride + column;
      const left = column >= channels ? (out[at - channels] ?? 0) : 0;
      const up = row > 0 ? (out[at - stride] ?? 0) : 0;
      const corner = row > 0 && column >= channels ? (out[at - stride - channels] ?? 0) : 0;
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0;
      out[at] = ((data[row * (stride + 1) + 1 + column] ?? 0) + guess) & 0xff;
    }
  }
  return out;
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const distances = [left, up, corner].map((one) => Math.abs(guess - one));
  const nearest = Math.min(...distances);
  return [left, up, corner][distances.indexOf(nearest)] ?? 0;
}
