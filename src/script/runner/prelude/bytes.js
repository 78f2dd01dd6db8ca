// SPDX-License-Identifier: MIT
// Bytes inside the prelude: what C offers for them under short names, and seeing one kind of view in all kinds.
// C does not know DataViews, and a subclass may lie about its length: bytesOf() makes plain Uint8Arrays of both.

const utf8 = native.utf8Encode;
const utf8Text = native.utf8Decode;
const latin1 = native.latin1Encode;
const latin1Text = native.latin1Decode;
const toBase64 = native.base64Encode;
const fromBase64 = native.base64Decode;
const toHex = native.hexEncode;
const fromHex = native.hexDecode;
const digest = native.digest;
const hmac = native.hmac;
const randomBytes = native.random;
const signRS256 = native.signRS256;

const ArrayBufferPrototype = ArrayBuffer.prototype;
const isArrayBuffer = (v) => {
    if (!isObject(v) || !isPrototypeOf(ArrayBufferPrototype, v))
        return false; // without an exception: those are slow
    try {
        bufferLength(v);
        return true;
    } catch {
        return false;
    }
};
const isBytes = (v) => isArrayBuffer(v) || isView(v);

// The same memory as a plain Uint8Array.
function bytesOf(v, who) {
    if (isArrayBuffer(v))
        return new Uint8Array(v);
    if (!isView(v))
        throw new TypeError(`${who} needs an ArrayBuffer or a typed array`);
    if (viewTag(v) === undefined)
        return new Uint8Array(dataBuffer(v), dataOffset(v), dataBytes(v));
    return new Uint8Array(viewBuffer(v), viewOffset(v), viewBytes(v));
}

// A new ArrayBuffer with the bytes of a view.
function copyOf(view) {
    const at = viewOffset(view);
    return bufferSlice(viewBuffer(view), at, at + viewBytes(view));
}

// `views`: plain Uint8Arrays.
function concatBytes(views) {
    let size = 0;
    for (let i = 0; i < views.length; i++)
        size += viewLength(views[i]);
    const all = new Uint8Array(size);
    for (let i = 0, at = 0; i < views.length; at += viewLength(views[i++]))
        Bytes.set(all, views[i], at);
    return all;
}

// Whether two plain Uint8Arrays are equal, in a time that depends on their length only.
function sameBytes(a, b) {
    if (viewLength(a) !== viewLength(b))
        return false;
    let differ = 0;
    for (let i = 0; i < viewLength(a); i++)
        differ |= a[i] ^ b[i];
    return differ === 0;
}

const withoutBOM = (text) => (text[0] === '\ufeff' ? Str.slice(text, 1) : text);
