// A zip archive of files as they are, without compression, as a Blob that refers to them: the files are read once
// for their checksums, in pieces, and again when the Blob is sent. The same files give the same bytes, so that an
// upload can go on after a reload. Format: PKWARE's APPNOTE.TXT, version 6.3.10.

const PIECE_BYTES = 4 * 2 ** 20;
const MOST_32 = 0xffffffff;
const MOST_16 = 0xffff;
const UTF_8 = 1 << 11;

const CRC_TABLE = new Uint32Array(256).map((_, number) => {
  let value = number;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function addedTo(crc, bytes) {
  for (let at = 0; at < bytes.length; at += 1) crc = CRC_TABLE[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  return crc;
}

async function crc32(file, told, signal) {
  let crc = MOST_32;
  for (let start = 0; start < file.size; start += PIECE_BYTES) {
    signal?.throwIfAborted();
    const piece = new Uint8Array(await file.slice(start, start + PIECE_BYTES).arrayBuffer());
    crc = addedTo(crc, piece);
    told(piece.length);
  }
  return (crc ^ MOST_32) >>> 0;
}

function dosTime(milliseconds) {
  const date = new Date(Math.max(milliseconds, Date.UTC(1980, 0, 2)));
  return {
    time: (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1),
    date: (Math.min(date.getUTCFullYear() - 1980, 127) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate(),
  };
}

// numbers, each as [bytes, value], little endian
function packed(...numbers) {
  const view = new DataView(new ArrayBuffer(numbers.reduce((sum, [size]) => sum + size, 0)));
  let at = 0;
  for (const [size, value] of numbers) {
    if (size === 2) view.setUint16(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += size;
  }
  return new Uint8Array(view.buffer);
}

// what the header before a file and the directory say alike
function described(entry) {
  const { time, date } = dosTime(entry.modified);
  return [[2, UTF_8], [2, 0], [2, time], [2, date], [4, entry.crc], [4, entry.size], [4, entry.size], [2, entry.name.length]];
}

function header(entry) {
  return packed([4, 0x04034b50], [2, 20], ...described(entry), [2, 0]);
}

function directoryEntry(entry, from64) {
  const far = entry.offset >= from64;
  const extra = far ? packed([2, 1], [2, 8], [8, entry.offset]) : new Uint8Array();
  const version = far ? 45 : 20;
  const head = packed(
    [4, 0x02014b50], [2, version], [2, version], ...described(entry), [2, extra.length], [2, 0], [2, 0], [2, 0], [4, 0],
    [4, far ? MOST_32 : entry.offset],
  );
  return [head, entry.name, extra];
}

function endOf(count, start, size, from64) {
  const end = (number, bytes, place) =>
    packed([4, 0x06054b50], [2, 0], [2, 0], [2, number], [2, number], [4, bytes], [4, place], [2, 0]);
  if (start < from64 && size < from64 && count < MOST_16) return [end(count, size, start)];
  const record = packed(
    [4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count], [8, size], [8, start],
  );
  const locator = packed([4, 0x07064b50], [4, 0], [8, start + size], [4, 1]);
  return [record, locator, end(MOST_16, MOST_32, MOST_32)];
}

// files: [{name, file}]; told(bytes read, bytes in all); from64: offsets from here on are written in 64 bits
export async function storedZip(files, { told = () => {}, signal = null, from64 = MOST_32 } = {}) {
  const total = files.reduce((sum, { file }) => sum + file.size, 0);
  const parts = [];
  const entries = [];
  let offset = 0;
  let read = 0;
  for (const { name, file } of files) {
    if (file.size >= MOST_32) throw new RangeError(`${name} is longer than 4 GB`);
    const crc = await crc32(file, (bytes) => told((read += bytes), total), signal);
    const entry = { name: new TextEncoder().encode(name), modified: file.lastModified, size: file.size, crc, offset };
    const head = header(entry);
    parts.push(head, entry.name, file);
    entries.push(entry);
    offset += head.length + entry.name.length + file.size;
  }
  const directory = entries.flatMap((entry) => directoryEntry(entry, from64));
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  return new Blob([...parts, ...directory, ...endOf(entries.length, offset, size, from64)], { type: "application/zip" });
}
