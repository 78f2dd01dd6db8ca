// SPDX-License-Identifier: MIT
// structuredClone, as the HTML standard has it for values of the language.

//# plain values are copied deeply
//> [{"a": [1, {"b": null}], "c": "x"}, false, false, 5]
const value = { a: [1, { b: null }], c: 'x' };
const copy = structuredClone(value);
const out = [structuredClone(value), copy === value, copy.a[1] === value.a[1], structuredClone(5)];
copy.a[1].b = 2;
return out;

//# cycles and shared parts stay what they are
//> [true, true, false]
const part = { n: 1 };
const value = { one: part, two: part };
value.self = value;
const copy = structuredClone(value);
return [copy.self === copy, copy.one === copy.two, copy.one === part];

//# dates, expressions, maps and sets are of their kind
//> [true, "2026-02-01T08:00:00.000Z", "/a+/gi", 0, [["k", {"v": 1}]], [1, "x"], true]
const re = /a+/gi;
re.lastIndex = 3;
const copy = structuredClone({ d: new Date('2026-02-01T08:00:00Z'), re, m: new Map([['k', { v: 1 }]]), s: new Set([1, 'x']), bad: new Date(NaN) });
return [copy.d instanceof Date, copy.d.toISOString(), String(copy.re), copy.re.lastIndex, [...copy.m], [...copy.s], Number.isNaN(copy.bad.getTime())];

//# bytes are copied, and views of one buffer still share it
//> [[1, 2, 3], true, "Uint16Array", [9, 2, 3], [1, 2, 3]]
const buffer = new Uint8Array([1, 2, 3, 4]).buffer;
const value = { bytes: new Uint8Array(buffer, 0, 3), words: new Uint16Array(buffer, 2, 1), view: new DataView(buffer, 1, 2) };
const copy = structuredClone(value);
const was = [...copy.bytes];
copy.bytes[0] = 9;
return [was, copy.bytes.buffer === copy.words.buffer, copy.words.constructor.name, [...copy.bytes], [...value.bytes]];

//# numbers that JSON has no word for survive
//> [true, true, true, true]
const [zero, nan, endless, big] = structuredClone([-0, NaN, -Infinity, 12345678901234567890n]);
return [Object.is(zero, -0), Number.isNaN(nan), endless === -Infinity, big === 12345678901234567890n];

//# holes of arrays stay holes
//> [3, false, true]
const copy = structuredClone([1, , 3]);
return [copy.length, 1 in copy, 2 in copy];

//# errors keep their kind, message and cause
//> ["TypeError", true, "no", "why", "Error"]
const copy = structuredClone(new TypeError('no', { cause: new Error('why') }));
class Mine extends Error {}
return [copy.name, copy instanceof TypeError, copy.message, copy.cause.message, structuredClone(new Mine('x')).constructor.name];

//# instances of classes become plain objects, and getters their values
//> [{"x": 1, "y": 2}, true, "undefined"]
class Point { constructor() { this.x = 1; } get hidden() { return 3; } }
const point = Object.defineProperty(new Point(), 'y', { enumerable: true, get: () => 2 });
const copy = structuredClone(point);
return [copy, Object.getPrototypeOf(copy) === Object.prototype, typeof copy.hidden];

//# wrapped primitives stay wrapped
//> ["object", "object", "object", [5, "x", true]]
const all = structuredClone([new Number(5), new String('x'), new Boolean(true)]);
return [...all.map((v) => typeof v), all.map((v) => v.valueOf())];

//# functions, symbols, weak maps and promises cannot be cloned
//> ["DataCloneError", "DataCloneError", "DataCloneError", "DataCloneError", "DataCloneError", 25]
const errors = [() => {}, Symbol('s'), { deep: [() => {}] }, new WeakMap(), Promise.resolve()].map((v) => {
    try {
        return structuredClone(v) && 'cloned';
    } catch (e) {
        return e;
    }
});
return [...errors.map((e) => e.name), errors[0].code];

//# a key __proto__ is a key
//> [true, 1, "undefined"]
const copy = structuredClone(JSON.parse('{"__proto__": {"polluted": 1}}'));
return [Object.hasOwn(copy, '__proto__'), Object.getOwnPropertyDescriptor(copy, '__proto__').value.polluted, typeof copy.polluted];
