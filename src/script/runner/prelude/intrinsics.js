// SPDX-License-Identifier: MIT
// What the prelude uses of the language, taken before any script runs.
//
// A script may replace or delete whatever it can reach: Array.prototype.push, Promise.prototype.then, setters on
// Object.prototype.  The prelude therefore calls methods only through the names below, never `value.method()` on a value of the
// language; walks lists by index (for-of, spread and array patterns ask Array.prototype); and keeps its records
// in record() and list(), which inherit nothing.  State of its classes is in #private members.

const { apply, construct, ownKeys, getPrototypeOf, setPrototypeOf } = Reflect;
const { defineProperty, getOwnPropertyDescriptor, deleteProperty } = Reflect;
const { Object, Array, String, Number, Math, Date, Map, Set, RegExp, Symbol, Promise, Proxy, BigInt, Boolean } = globalThis;
const { Error, TypeError, RangeError, SyntaxError, ArrayBuffer, DataView, Uint8Array, JSON, Float32Array } = globalThis;
const { isArray } = Array;
const { parse, stringify } = JSON;
const { floor, min, max, trunc } = Math;
const { isInteger, isSafeInteger } = Number;
const { fromCharCode, fromCodePoint } = String;
const { encodeURIComponent, parseInt, parseFloat, isFinite } = globalThis;
const dateNow = Date.now;
const isView = ArrayBuffer.isView;

// method(f)(self, ...args) is f.call(self, ...args).
const method = Function.prototype.bind.bind(Function.prototype.call);
const getter = (object, key) => method(getOwnPropertyDescriptor(object, key).get);

// The methods of a prototype as functions whose first argument is the object.
function methods(prototype, names) {
    const made = { __proto__: null };
    for (let i = 0; i < names.length; i++)
        made[names[i]] = method(prototype[names[i]]);
    return made;
}

const Str = methods(String.prototype, [
    'charCodeAt', 'codePointAt', 'indexOf', 'lastIndexOf', 'slice', 'toLowerCase', 'toUpperCase', 'trim', 'normalize',
    'padStart', 'repeat', 'startsWith', 'endsWith', 'toWellFormed',
]);
const Arr = methods(Array.prototype, ['join', 'sort', 'reverse', 'slice', 'splice', 'includes']);
const Maps = methods(Map.prototype, ['get', 'set', 'has', 'delete', 'forEach']);
const Sets = methods(Set.prototype, ['has', 'add', 'forEach']);
const Bytes = methods(Uint8Array.prototype, ['set', 'subarray', 'fill', 'indexOf', 'lastIndexOf', 'copyWithin']);
const View = methods(DataView.prototype, [
    'getUint8', 'getUint16', 'getUint32', 'getInt8', 'getInt16', 'getInt32', 'getBigInt64', 'getBigUint64', 'getFloat32',
    'getFloat64', 'setUint8', 'setUint16', 'setUint32', 'setInt8', 'setInt16', 'setInt32', 'setBigInt64', 'setBigUint64',
    'setFloat32', 'setFloat64',
]);
const Num = methods(Number.prototype, ['toString']);
const Dates = methods(Date.prototype, ['toISOString', 'getTime']);
const hasOwn = method(Object.prototype.hasOwnProperty);
const isPrototypeOf = method(Object.prototype.isPrototypeOf);
const exec = method(RegExp.prototype.exec);
const then = method(Promise.prototype.then);
const bufferSlice = method(ArrayBuffer.prototype.slice);
const bufferLength = getter(ArrayBuffer.prototype, 'byteLength');
const mapSize = getter(Map.prototype, 'size');

const TypedArray = getPrototypeOf(Uint8Array);
const viewTag = getter(TypedArray.prototype, Symbol.toStringTag); // "Uint8Array" …; undefined for what is none
const viewLength = getter(TypedArray.prototype, 'length');
const viewBuffer = getter(TypedArray.prototype, 'buffer');
const viewOffset = getter(TypedArray.prototype, 'byteOffset');
const viewBytes = getter(TypedArray.prototype, 'byteLength');
const dataBuffer = getter(DataView.prototype, 'buffer');
const dataOffset = getter(DataView.prototype, 'byteOffset');
const dataBytes = getter(DataView.prototype, 'byteLength');

const AsyncFunction = (async () => {}).constructor;

const isObject = (v) => (typeof v === 'object' && v !== null) || typeof v === 'function';

// A fresh record: reading a key that is not there gives undefined, whatever Object.prototype has.
const record = (from) => setPrototypeOf(from, null) && from;

// A list that no index setter of Array.prototype sees.  Append with l[l.length] = x.
const list = () => record([]);

// A data property whatever setters are inherited, also for the key "__proto__".
function put(object, key, value, enumerable = true) {
    defineProperty(object, key, record({ value, enumerable, writable: true, configurable: true }));
}

function fresh(from) {
    const made = {};
    const keys = ownKeys(from);
    for (let i = 0; i < keys.length; i++)
        put(made, keys[i], from[keys[i]]);
    return made;
}

// An ordinary array for a script, from a list.
function toArray(items) {
    const made = [];
    for (let i = 0; i < items.length; i++)
        put(made, i, items[i]);
    return made;
}

const ownValue = (object, key) => (hasOwn(object, key) ? object[key] : undefined);

// Whether `re` matches; `re` must not be global.
const matches = (re, text) => exec(re, text) !== null;

// `text` with every match of the global `re` replaced by what make(match) gives.
function replaceAll(text, re, make) {
    let done = '';
    let at = 0;
    re.lastIndex = 0;
    for (let m; (m = exec(re, text)) !== null; ) {
        done += Str.slice(text, at, m.index) + make(m);
        at = m.index + m[0].length;
        if (m[0] === '')
            re.lastIndex++;
    }
    return done + Str.slice(text, at);
}

// `text` without the characters at its ends for whose codes isBlank says yes.
function trimEnds(text, isBlank) {
    let from = 0;
    let to = text.length;
    while (from < to && isBlank(Str.charCodeAt(text, from)))
        from++;
    while (to > from && isBlank(Str.charCodeAt(text, to - 1)))
        to--;
    return Str.slice(text, from, to);
}

// Pieces of `text` between occurrences of `by`: a list.
function split(text, by) {
    const parts = list();
    let at = 0;
    for (let i; (i = Str.indexOf(text, by, at)) >= 0; at = i + by.length)
        parts[parts.length] = Str.slice(text, at, i);
    parts[parts.length] = Str.slice(text, at);
    return parts;
}

// What an iterable gives, as a list; arrays without asking their iterator.
function collect(iterable) {
    const items = list();
    if (isArray(iterable)) {
        for (let i = 0; i < iterable.length; i++)
            items[items.length] = iterable[i];
        return items;
    }
    const it = apply(iterable[Symbol.iterator], iterable, []);
    for (let step; !(step = apply(it.next, it, [])).done; )
        items[items.length] = step.value;
    return items;
}
const isIterable = (v) => isObject(v) && typeof v[iteratorKey] === 'function';
const iteratorKey = Symbol.iterator;

// Calls ok or bad when the promise that only we hold is settled: no patched then, constructor or Symbol.species is asked.
function settle(promise, ok, bad) {
    put(promise, 'constructor', undefined, false);
    then(promise, ok, bad);
}

// Makes a class look like one of the platform: the members enumerable or not does not matter, its tag does.
function tag(constructor, name) {
    const as = record({ value: name, enumerable: false, writable: false, configurable: true });
    defineProperty(constructor.prototype, Symbol.toStringTag, as);
}

// A value made at its first use.
function lazy(make) {
    let made;
    return () => (made === undefined ? (made = make()) : made);
}

// What structuredClone takes apart.
const pick = (names) => {
    const all = split(names, ' ');
    const made = record({});
    for (let i = 0; i < all.length; i++)
        made[all[i]] = globalThis[all[i]];
    return made;
};
const ERROR_CLASSES = pick('Error EvalError RangeError ReferenceError SyntaxError TypeError URIError');
const TYPED_ARRAYS = pick(
    'Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array Float64Array ' +
        'BigInt64Array BigUint64Array');
const { WeakMap, WeakSet } = globalThis;
const WRAPPERS = record([Number.prototype, String.prototype, Boolean.prototype]); // of objects that hold a primitive …
const WRAPPED = record([]); // … and how to get it out
for (let i = 0; i < WRAPPERS.length; i++)
    WRAPPED[i] = method(WRAPPERS[i].valueOf);
const regexSource = getter(RegExp.prototype, 'source');
const regexFlags = getter(RegExp.prototype, 'flags');
