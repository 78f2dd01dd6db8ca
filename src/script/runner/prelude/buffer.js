// SPDX-License-Identifier: MIT
// Buffer: the part of Node's that scripts use, over Uint8Array.

const encodingName = (name) => {
    const lower = name === undefined || name === null ? 'utf8' : Str.toLowerCase(`${name}`);
    const known = BUFFER_ENCODINGS[lower];
    if (known === undefined)
        throw new TypeError(`Unknown encoding: ${inspect(name)}`);
    return known;
};
const BUFFER_ENCODINGS = record({
    utf8: 'utf8', 'utf-8': 'utf8', hex: 'hex', base64: 'base64', base64url: 'base64url', latin1: 'latin1', binary: 'latin1',
    ascii: 'ascii', utf16le: 'utf16le', 'utf-16le': 'utf16le', ucs2: 'utf16le', 'ucs-2': 'utf16le',
});

function utf16Bytes(text) {
    const view = new DataView(new ArrayBuffer(2 * text.length));
    for (let i = 0; i < text.length; i++)
        View.setUint16(view, 2 * i, Str.charCodeAt(text, i), true);
    return dataBuffer(view);
}

// An ArrayBuffer of the text's bytes.
function encodeText(text, encoding) {
    switch (encodingName(encoding)) {
    case 'hex':
        return fromHex(text);
    case 'base64':
    case 'base64url':
        return fromBase64(text, true);
    case 'latin1':
    case 'ascii':
        return latin1(text);
    case 'utf16le':
        return utf16Bytes(text);
    default:
        return utf8(text);
    }
}

function asciiText(bytes) {
    const low = new Uint8Array(copyOf(bytes));
    for (let i = 0; i < viewLength(low); i++)
        low[i] &= 0x7f;
    return latin1Text(low);
}

// `bytes`: a plain Uint8Array.
function decodeText(bytes, encoding) {
    switch (encodingName(encoding)) {
    case 'hex':
        return toHex(bytes);
    case 'base64':
        return toBase64(bytes, false);
    case 'base64url':
        return toBase64(bytes, true);
    case 'latin1':
        return latin1Text(bytes);
    case 'ascii':
        return asciiText(bytes);
    case 'utf16le':
        return decodeUtf16(Bytes.subarray(bytes, 0, viewLength(bytes) & ~1), false, false);
    default:
        return utf8Text(bytes, false);
    }
}

// Clamps a script's index into 0..size; negative counts from the end.
function clampIndex(i, size, missing) {
    const n = i === undefined ? missing : trunc(+i) || 0;
    return n < 0 ? max(size + n, 0) : min(n, size);
}

const needBuffer = (b) => {
    if (viewTag(b) !== 'Uint8Array')
        throw new TypeError('This method needs a Buffer or Uint8Array');
    return bytesOf(b, 'Buffer');
};

const makeBuffer = lazy(() => {
    class Buffer extends Uint8Array {
        constructor(value, offset, length) {
            if (typeof value === 'string')
                super(encodeText(value, offset));
            else
                super(value, offset, length);
        }
        static from(value, encoding, length) {
            if (typeof value === 'string')
                return new Buffer(encodeText(value, encoding));
            if (isArrayBuffer(value))
                return new Buffer(value, encoding, length);
            if (isView(value) && viewTag(value) !== undefined)
                return new Buffer(value);
            if (!isObject(value))
                throw new TypeError(`Buffer.from needs a text, bytes or an array, not ${inspect(value)}`);
            if (value.type === 'Buffer' && isArray(value.data))
                return new Buffer(value.data);
            return new Buffer(value);
        }
        static of(...bytes) {
            return new Buffer(bytes);
        }
        static alloc(size, fill, encoding) {
            if (typeof size !== 'number' || !(size >= 0))
                throw new RangeError('Buffer.alloc needs a size that is not negative');
            const b = new Buffer(size);
            return fill === undefined || fill === 0 ? b : fillBuffer(b, fill, 0, size, encoding);
        }
        static allocUnsafe(size) {
            return Buffer.alloc(size);
        }
        static isBuffer(v) {
            return isPrototypeOf(Buffer.prototype, v);
        }
        static isEncoding(name) {
            return typeof name === 'string' && BUFFER_ENCODINGS[Str.toLowerCase(name)] !== undefined;
        }
        static byteLength(value, encoding) {
            if (typeof value !== 'string')
                return viewLength(bytesOf(value, 'Buffer.byteLength'));
            return bufferLength(encodeText(value, encoding));
        }
        static concat(parts, size) {
            if (!isArray(parts))
                throw new TypeError('Buffer.concat needs an array');
            const views = list();
            for (let i = 0; i < parts.length; i++)
                views[i] = bytesOf(parts[i], 'Buffer.concat');
            const all = concatBytes(views);
            if (size === undefined || size === viewLength(all))
                return new Buffer(viewBuffer(all));
            const b = Buffer.alloc(size);
            Bytes.set(b, Bytes.subarray(all, 0, min(size, viewLength(all))));
            return b;
        }
        static compare(a, b) {
            return compareBytes(needBuffer(a), needBuffer(b));
        }
        toString(encoding, start, end) {
            const bytes = needBuffer(this);
            const size = viewLength(bytes);
            const from = clampIndex(start, size, 0);
            return decodeText(Bytes.subarray(bytes, from, max(from, clampIndex(end, size, size))), encoding);
        }
        toLocaleString(encoding) {
            return this.toString(encoding);
        }
        toJSON() {
            const data = [];
            for (let i = 0; i < viewLength(this); i++)
                put(data, i, this[i]);
            return fresh({ type: 'Buffer', data });
        }
        get parent() {
            return viewBuffer(this);
        }
        equals(other) {
            return compareBytes(needBuffer(this), needBuffer(other)) === 0;
        }
        compare(other) {
            return compareBytes(needBuffer(this), needBuffer(other));
        }
        subarray(start, end) {
            const size = viewLength(this);
            const from = clampIndex(start, size, 0);
            return new Buffer(viewBuffer(this), viewOffset(this) + from, max(clampIndex(end, size, size) - from, 0));
        }
        slice(start, end) {
            return this.subarray(start, end);
        }
        copy(target, at = 0, start = 0, end = viewLength(this)) {
            const into = bytesOf(target, 'copy');
            const from = Bytes.subarray(needBuffer(this), start, end);
            const fits = Bytes.subarray(from, 0, max(viewLength(into) - at, 0));
            Bytes.set(into, fits, min(at, viewLength(into)));
            return viewLength(fits);
        }
        write(text, at, length, encoding) {
            if (typeof at === 'string')
                return this.write(text, 0, undefined, at);
            if (typeof length === 'string')
                return this.write(text, at, undefined, length);
            const start = clampIndex(at, viewLength(this), 0);
            const room = min(viewLength(this) - start, length === undefined ? Infinity : max(+length, 0));
            const bytes = Bytes.subarray(new Uint8Array(encodeText(`${text}`, encoding)), 0, room);
            Bytes.set(this, bytes, start);
            return viewLength(bytes);
        }
        fill(value, start, end, encoding) {
            const size = viewLength(this);
            if (typeof start === 'string')
                return fillBuffer(this, value, 0, size, start);
            return fillBuffer(this, value, clampIndex(start, size, 0), clampIndex(end, size, size), encoding);
        }
        indexOf(value, from, encoding) {
            return findBytes(needBuffer(this), value, from, encoding);
        }
        includes(value, from, encoding) {
            return findBytes(needBuffer(this), value, from, encoding) >= 0;
        }
    }
    addNumbers(Buffer.prototype);
    return Buffer;
});

function compareBytes(a, b) {
    const n = min(viewLength(a), viewLength(b));
    for (let i = 0; i < n; i++)
        if (a[i] !== b[i])
            return a[i] < b[i] ? -1 : 1;
    return viewLength(a) === viewLength(b) ? 0 : viewLength(a) < viewLength(b) ? -1 : 1;
}

// The bytes that a value of fill() or indexOf() stands for.
function patternOf(value, encoding) {
    if (typeof value === 'string')
        return new Uint8Array(encodeText(value, encoding));
    if (isBytes(value))
        return bytesOf(value, '');
    return new Uint8Array([value & 255]);
}

function fillBuffer(b, value, start, end, encoding) {
    const pattern = patternOf(value, encoding);
    const size = viewLength(pattern);
    if (size === 0)
        throw new TypeError('fill needs a value that is not empty');
    for (let i = start; i < end; i++)
        b[i] = pattern[(i - start) % size];
    return b;
}

function findBytes(bytes, value, from, encoding) {
    const pattern = patternOf(value, encoding);
    const size = viewLength(pattern);
    const start = clampIndex(typeof from === 'string' ? 0 : from, viewLength(bytes), 0);
    const how = typeof from === 'string' ? from : encoding;
    if (how !== encoding)
        return findBytes(bytes, value, 0, how);
    return size === 0 ? start : Str.indexOf(latin1Text(bytes), latin1Text(pattern), start);
}

// readUInt8 … writeDoubleBE: every width, both orders.
function addNumbers(proto) {
    const kinds = [
        ['UInt8', 'Uint8', 1], ['UInt16', 'Uint16', 2], ['UInt32', 'Uint32', 4], ['Int8', 'Int8', 1], ['Int16', 'Int16', 2],
        ['Int32', 'Int32', 4], ['BigUInt64', 'BigUint64', 8], ['BigInt64', 'BigInt64', 8], ['Float', 'Float32', 4],
        ['Double', 'Float64', 8],
    ];
    for (let i = 0; i < kinds.length; i++) {
        const kind = kinds[i];
        for (let order = 0; order < (kind[2] > 1 ? 2 : 1); order++) {
            const suffix = kind[2] === 1 ? '' : order ? 'LE' : 'BE';
            addReader(proto, kind[0] + suffix, View[`get${kind[1]}`], kind[2], order === 1);
            addWriter(proto, kind[0] + suffix, View[`set${kind[1]}`], kind[2], order === 1);
        }
    }
}

function viewAt(b, at, size) {
    if (!isInteger(at) || at < 0 || at + size > viewLength(b))
        throw new RangeError(`The offset ${inspect(at)} is outside of the buffer`);
    return new DataView(viewBuffer(b), viewOffset(b) + at, size);
}

function addBoth(proto, name, f) {
    put(proto, name, f, false);
    if (Str.indexOf(name, 'UInt') >= 0)
        put(proto, replaceAll(name, /UInt/g, () => 'Uint'), f, false);
}

function addReader(proto, name, get, size, little) {
    addBoth(proto, `read${name}`, function (at = 0) {
        return get(viewAt(this, at, size), 0, little);
    });
}

function addWriter(proto, name, set, size, little) {
    addBoth(proto, `write${name}`, function (value, at = 0) {
        set(viewAt(this, at, size), 0, value, little);
        return at + size;
    });
}
