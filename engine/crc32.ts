/** CRC-32 (RFC 1952, section 8) in plain JavaScript, for runtimes and sizes where nothing faster serves. */

const polynomial = 0xedb88320;
const lanes = 8;

/** Slicing by 8: table k is the CRC of a byte that k zero bytes follow. */
const tables = makeTables();

function makeTables(): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    return crc;
  });
  const all = [first];
  for (let k = 1; k < lanes; k++) all.push(all[k - 1]!.map((crc) => (crc >>> 8) ^ first[crc & 0xff]!));
  return all;
}

/** CRC-32 of `bytes`, after bytes whose CRC-32 is `seed`. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as Eight;
  let crc = ~seed;
  let i = 0;
  for (const end = bytes.length - 7; i < end; i += lanes) {
    const low = crc ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    crc =
      t7[low & 0xff]! ^
      t6[(low >>> 8) & 0xff]! ^
      t5[(low >>> 16) & 0xff]! ^
      t4[low >>> 24]! ^
      t3[bytes[i + 4]!]! ^
      t2[bytes[i + 5]!]! ^
      t1[bytes[i + 6]!]! ^
      t0[bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}

type Eight = [Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array, Uint32Array];

/** a times b modulo the polynomial, in the reflected order of bits in which bit 31 is x^0. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 0x80000000; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= b;
    b = b & 1 ? (b >>> 1) ^ polynomial : b >>> 1;
  }
  return product >>> 0;
}

/** x to the power of 8 times 2^k. */
const powers: number[] = [multiply(1 << 30, 1 << 30)];
for (let k = 0; k < 2; k++) powers[0] = multiply(powers[0]!, powers[0]!);

/** CRC-32 of two parts joined, from the parts' CRCs and the length of the second in bytes: blocks can be digested apart. */
export function combineCrc32(first: number, second: number, secondLength: number): number {
  let shifted = first;
  for (let k = 0, rest = secondLength; rest > 0; k++, rest = Math.floor(rest / 2)) {
    powers[k] ??= multiply(powers[k - 1]!, powers[k - 1]!);
    if (rest % 2 === 1) shifted = multiply(powers[k]!, shifted);
  }
  return (shifted ^ second) >>> 0;
}
