// SPDX-License-Identifier: MIT
// TextEncoder, TextDecoder, atob, btoa, Buffer.

//# TextEncoder makes UTF-8
//> [[97, 195, 164, 226, 130, 172], [239, 191, 189], 0, "utf-8"]
return [[...new TextEncoder().encode('aä€')], [...new TextEncoder().encode('\ud800')], new TextEncoder().encode().length, new TextEncoder().encoding];

//# encodeInto never writes half a character
//> [{"read": 1, "written": 1}, [97, 0, 0], {"read": 2, "written": 4}]
const three = new Uint8Array(3), four = new Uint8Array(4);
return [new TextEncoder().encodeInto('a€', three), [...three], new TextEncoder().encodeInto('𝄞', four)];

//# TextDecoder reads UTF-8 and drops the byte order mark
//> ["aä", "a", "\ufeffa", "�"]
const d = new TextDecoder();
return [d.decode(new Uint8Array([97, 195, 164])), d.decode(new Uint8Array([0xef, 0xbb, 0xbf, 97])),
    new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array([0xef, 0xbb, 0xbf, 97])), d.decode(new Uint8Array([0xff]))];

//# a fatal TextDecoder throws
//> "TypeError"
try { new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([0xc0, 0x80])); } catch (e) { return e.name; }

//# a TextDecoder joins characters over pieces
//> ["a€b", "𝄞"]
const join = (pieces) => {
    const d = new TextDecoder();
    return pieces.map((p) => d.decode(new Uint8Array(p), { stream: true })).join('') + d.decode();
};
return [join([[97, 0xe2], [0x82], [0xac, 98]]), join([[0xf0, 0x9d], [0x84, 0x9e]])];

//# other encodings
//> ["€ä", "hi", "hi", "windows-1252", "utf-16le"]
return [new TextDecoder('latin1').decode(new Uint8Array([0x80, 0xe4])), new TextDecoder('utf-16le').decode(new Uint8Array([104, 0, 105, 0])),
    new TextDecoder('utf-16be').decode(new Uint8Array([0, 104, 0, 105])), new TextDecoder('ISO-8859-1').encoding, new TextDecoder('utf-16').encoding];

//# an unknown encoding throws
//! throw: is not supported
new TextDecoder('klingon');

//# DataViews and ArrayBuffers can be decoded
//> ["bc", "abc"]
const b = new TextEncoder().encode('abc').buffer;
return [new TextDecoder().decode(new DataView(b, 1)), new TextDecoder().decode(b)];

//# atob and btoa
//> ["aGk=", "hi", "hi", "hi", ""]
return [btoa('hi'), atob('aGk='), atob('aGk'), atob(' aG k=\n'), atob('')];

//# atob and btoa refuse what they cannot take
//> ["InvalidCharacterError", "InvalidCharacterError", "InvalidCharacterError", 5]
const name = (f) => { try { f(); } catch (e) { return e.name; } };
let code;
try { btoa('€'); } catch (e) { code = e.code; }
return [name(() => btoa('€')), name(() => atob('a')), name(() => atob('a*bc')), code];

//# Buffer.from and toString know the encodings
//> ["aGk", "aMOk", "6869", "hä", "hi", "h?", "hi", "4pyT"]
return [Buffer.from('hi').toString('base64').replace(/=/g, ''), Buffer.from('hä').toString('base64'), Buffer.from('hi').toString('hex'),
    Buffer.from('68c3a4', 'hex').toString(), Buffer.from('aGk=', 'base64').toString('utf8'), Buffer.from('h\xbf', 'latin1').toString('ascii'),
    Buffer.from('aGk', 'base64url').toString('latin1'), Buffer.from('✓').toString('base64url')];

//# base64 of Buffer is forgiving, hex stops at the first error
//> ["hi", "~~", "h", ""]
return [Buffer.from(' aG\nk = ', 'base64').toString(), Buffer.from('fn5-', 'base64').toString().slice(0, 2), Buffer.from('68zz', 'hex').toString(), Buffer.from('z', 'hex').toString()];

//# Buffers are made of arrays, buffers and views
//> [[1, 2, 255], [1, 2], [104, 105], [0, 1], true]
const source = new Uint8Array([0, 1, 2]);
const shared = Buffer.from(source.buffer, 1, 2);
source[1] = 1;
return [[...Buffer.from([1, 2, 255])], [...shared], [...Buffer.from({ type: 'Buffer', data: [104, 105] })],
    [...Buffer.from(source).subarray(0, 2)], Buffer.from('x') instanceof Uint8Array];

//# alloc, concat, byteLength, isBuffer, equals, compare
//> [[0, 0], [7, 7], "abcd", "abc", 3, true, false, true, false, [-1, 0, 1]]
const b = Buffer.from('ab');
return [[...Buffer.alloc(2)], [...Buffer.alloc(2, 7)], Buffer.concat([b, Buffer.from('cd')]).toString(), Buffer.concat([b, Buffer.from('cd')], 3).toString(),
    Buffer.byteLength('€'), Buffer.isBuffer(b), Buffer.isBuffer(new Uint8Array(1)), b.equals(Buffer.from('ab')), b.equals(Buffer.from('ac')),
    [Buffer.compare(b, Buffer.from('ac')), b.compare(b), b.compare(Buffer.from('aa'))]];

//# slice and subarray share memory and stay Buffers
//> ["zbc", "bc", true, "c"]
const b = Buffer.from('abc');
const s = b.slice(1);
b.subarray(0, 1)[0] = 122;
return [b.toString(), s.toString(), Buffer.isBuffer(s), b.slice(-1).toString()];

//# numbers are read and written in both orders
//> [1, 258, 513, 16909060, -1, 1.5, "72623859790382856", [1, 2, 3, 4], 4]
const b = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]);
const w = Buffer.alloc(8);
const end = w.writeUInt32BE(0x01020304, 0);
const f = Buffer.alloc(8);
f.writeDoubleLE(1.5);
return [b.readUInt8(0), b.readUInt16BE(0), b.readUInt16LE(0), b.readUInt32BE(0), Buffer.from([255]).readInt8(0), f.readDoubleLE(), `${b.readBigUInt64BE(0)}`,
    [...w.subarray(0, 4)], end];

//# reading outside of a Buffer throws
//! throw: outside of the buffer
Buffer.alloc(2).readUInt32LE(0);

//# Buffers become JSON as in Node
//> {"type": "Buffer", "data": [1, 2]}
return Buffer.from([1, 2]);

//# write, fill, copy, indexOf, includes
//> ["abxy", 2, "hahah", "bc", 1, -1, true]
const b = Buffer.from('abcd');
const n = b.write('xy', 2);
const into = Buffer.alloc(2);
Buffer.from('abc').copy(into, 0, 1);
return [b.toString(), n, Buffer.alloc(5).fill('ha').toString(), into.toString(), Buffer.from('abc').indexOf('bc'), Buffer.from('abc').indexOf('cb'), Buffer.from('abc').includes('c')];

//# toString takes a range
//> ["bc", "", "abc"]
const b = Buffer.from('abc');
return [b.toString('utf8', 1, 3), b.toString('utf8', 5), b.toString(undefined, 0)];

//# an unknown encoding of Buffer throws
//! throw: Unknown encoding
Buffer.from('x', 'rot13');

//# a number is not bytes
//! throw: Buffer.from needs
Buffer.from(5);

//# utf16le
//> ["680069", "hé"]
return [Buffer.from('hi', 'utf16le').toString('hex').slice(0, 6), Buffer.from('hé', 'ucs2').toString('utf16le')];

//# Buffers iterate and map like arrays of bytes
//> [[98, 99], "bc", 2]
const b = Buffer.from('ab').map((x) => x + 1);
return [Array.from(b), b.toString(), b.length];

//# every plane and every unit comes through UTF-16
//> [true, true, 3]
const all = [];
for (let c = 1; c <= 0x10ffff; c += 0x1fb) if (c < 0xd800 || c > 0xdfff) all.push(c);
all.push(0x1d834, 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff);
const text = String.fromCodePoint(...all);
const round = new TextDecoder('utf-16le', { fatal: true, ignoreBOM: true }).decode(Buffer.from(text, 'utf16le'));
const lone = new TextDecoder('utf-16le').decode(new Uint8Array([0, 0xd8, 65, 0, 0, 0xdc]));
return [round === text, lone === '\ufffdA\ufffd', lone.length];

//# much of an old charset, at once
//@ wall 30
//> [2000000, "€"]
const t = new TextDecoder('latin1').decode(new Uint8Array(2e6).fill(0x80));
return [t.length, t[1999999]];
