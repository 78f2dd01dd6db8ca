// SPDX-License-Identifier: MIT
// Text and bytes: TextEncoder and TextDecoder.

class TextEncoder {
    get encoding() {
        return 'utf-8';
    }
    encode(text = '') {
        return new Uint8Array(utf8(`${text}`));
    }
    // As much of the text as fits, never half a character.
    encodeInto(text, into) {
        if (viewTag(into) !== 'Uint8Array')
            throw new TypeError('encodeInto needs a Uint8Array');
        const room = viewLength(into);
        const source = Str.toWellFormed(`${text}`);
        let read = 0;
        let written = 0;
        while (read < source.length) {
            const c = Str.codePointAt(source, read);
            const size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
            if (written + size > room)
                break;
            written += size;
            read += c < 0x10000 ? 1 : 2;
        }
        Bytes.set(into, new Uint8Array(utf8(Str.slice(source, 0, read))));
        return fresh({ read, written });
    }
}
tag(TextEncoder, 'TextEncoder');

const LABELS = record({
    'utf-8': 'utf-8', utf8: 'utf-8', 'unicode-1-1-utf-8': 'utf-8',
    'utf-16': 'utf-16le', 'utf-16le': 'utf-16le', 'ucs-2': 'utf-16le', unicode: 'utf-16le', 'utf-16be': 'utf-16be',
    'windows-1252': 'windows-1252', cp1252: 'windows-1252', latin1: 'windows-1252', 'iso-8859-1': 'windows-1252',
    iso88591: 'windows-1252', l1: 'windows-1252', ascii: 'windows-1252', 'us-ascii': 'windows-1252',
});

// What windows-1252 has at 0x80 to 0x9f.
const HIGH_1252 =
    '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

function decodeWindows1252(bytes) {
    const text = latin1Text(bytes);
    if (!matches(/[\x80-\x9f]/, text))
        return text;
    return decodeUnits(viewLength(bytes), (i) => (bytes[i] >> 5 === 4 ? Str.charCodeAt(HIGH_1252, bytes[i] - 0x80) : bytes[i]));
}

// The text of `n` UTF-16 units; lone surrogates become U+FFFD.  By way of UTF-8, which takes less memory than many short texts.
function decodeUnits(n, unit) {
    const out = new Uint8Array(3 * n);
    let at = 0;
    for (let i = 0; i < n; i++) {
        const c = unit(i);
        const low = (c & 0xfc00) === 0xd800 && i + 1 < n ? unit(i + 1) : 0;
        if ((low & 0xfc00) === 0xdc00) {
            at = writeUtf8(out, at, 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff));
            i++;
        } else
            at = writeUtf8(out, at, (c & 0xf800) === 0xd800 ? 0xfffd : c);
    }
    return utf8Text(Bytes.subarray(out, 0, at), false);
}

// Writes one character; gives where the next one comes.
function writeUtf8(out, start, c) {
    let at = start;
    if (c < 0x80)
        out[at++] = c;
    else if (c < 0x800)
        out[at++] = 0xc0 | (c >> 6);
    else if (c < 0x10000)
        out[at++] = 0xe0 | (c >> 12);
    else
        out[at++] = 0xf0 | (c >> 18);
    for (let shift = c < 0x800 ? 0 : c < 0x10000 ? 6 : 12; c >= 0x80 && shift >= 0; shift -= 6)
        out[at++] = 0x80 | ((c >> shift) & 0x3f);
    return at;
}

// How many bytes at the end begin a character of UTF-8 that is not complete yet.
function unfinishedUtf8(bytes) {
    const n = viewLength(bytes);
    for (let back = 1; back <= min(3, n); back++) {
        const b = bytes[n - back];
        if (b >= 0xc2 && b <= 0xf4)
            return (b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2) > back ? back : 0;
        if ((b & 0xc0) !== 0x80)
            return 0;
    }
    return 0;
}

// U+FFFD may have been in the bytes themselves.
function isWellFormed(view, units, bigEndian, odd) {
    for (let i = 0; i < units; i++) {
        const kind = View.getUint16(view, 2 * i, !bigEndian) & 0xfc00;
        if (kind === 0xdc00)
            return false;
        if (kind === 0xd800 && (++i >= units || (View.getUint16(view, 2 * i, !bigEndian) & 0xfc00) !== 0xdc00))
            return false;
    }
    return !odd;
}

function decodeUtf16(bytes, bigEndian, fatal) {
    const units = viewLength(bytes) >> 1;
    const view = new DataView(viewBuffer(bytes), viewOffset(bytes), viewBytes(bytes));
    const text = decodeUnits(units, (i) => View.getUint16(view, 2 * i, !bigEndian)) + (viewLength(bytes) & 1 ? '\ufffd' : '');
    return fatal && Str.indexOf(text, '\ufffd') >= 0 && !isWellFormed(view, units, bigEndian, viewLength(bytes) & 1) ? null : text;
}

function decodeAs(encoding, bytes, fatal) {
    if (encoding === 'utf-8')
        return utf8Text(bytes, fatal);
    return encoding === 'windows-1252' ? decodeWindows1252(bytes) : decodeUtf16(bytes, encoding === 'utf-16be', fatal);
}

const decodeLabel = (label, bytes) => decodeAs(LABELS[Str.toLowerCase(label)], bytes, false);

class TextDecoder {
    #encoding;
    #fatal;
    #ignoreBOM;
    #kept = new Uint8Array(0); // an unfinished character of the last piece
    #begun = false; // the byte order mark, if any, is behind
    constructor(label = 'utf-8', options = undefined) {
        this.#encoding = LABELS[Str.toLowerCase(Str.trim(`${label}`))];
        if (this.#encoding === undefined)
            throw new RangeError(`The encoding ${inspect(label)} is not supported`);
        this.#fatal = !!(options && options.fatal);
        this.#ignoreBOM = !!(options && options.ignoreBOM);
    }
    get encoding() {
        return this.#encoding;
    }
    get fatal() {
        return this.#fatal;
    }
    get ignoreBOM() {
        return this.#ignoreBOM;
    }
    decode(input = undefined, options = undefined) {
        const more = !!(options && options.stream);
        let bytes = input === undefined ? new Uint8Array(0) : bytesOf(input, 'decode');
        if (viewLength(this.#kept) > 0)
            bytes = concatBytes([this.#kept, bytes]);
        const rest = more ? this.#unfinished(bytes) : 0;
        const whole = viewLength(bytes) - rest;
        this.#kept = more ? new Uint8Array(copyOf(Bytes.subarray(bytes, whole))) : new Uint8Array(0);
        let text = decodeAs(this.#encoding, rest ? Bytes.subarray(bytes, 0, whole) : bytes, this.#fatal);
        if (text === null)
            throw new TypeError(`The bytes are not ${this.#encoding}`);
        if (!this.#ignoreBOM && !this.#begun && this.#encoding !== 'windows-1252' && text[0] === '\ufeff')
            text = Str.slice(text, 1);
        this.#begun = more && (this.#begun || whole > 0);
        return text;
    }
    #unfinished(bytes) {
        if (this.#encoding === 'utf-8')
            return unfinishedUtf8(bytes);
        return this.#encoding === 'windows-1252' ? 0 : viewLength(bytes) & 1;
    }
}
tag(TextDecoder, 'TextDecoder');
