// SPDX-License-Identifier: MIT
// The shape of a script, its globals, and how it ends.

//# the code is the body of an async function
//> 3
const a = await Promise.resolve(1);
return a + 2;

//# without a return the value is null
//> null
const x = 1;

//# undefined, functions and symbols at the top become null
//> null
return () => 1;

//# both dialects see the same objects
//@ input {"q": "x"}
//@ auth {"apiKey": "k"}
//> [true, true, "x", "k"]
return [inputs === data.input, secrets === data.auth, inputs.q, data.auth.apiKey];

//# values of the input can be assigned to
//@ input {"q": 1}
//> {"q": 2, "r": 3}
data.input.q = 2;
inputs.r = 3;
return data.input;

//# data may be declared again at the top of a script
//@ input {"q": 1}
//> 5
const data = { input: { q: 5 } };
return data.input.q;

//# every global of ours may be declared again at the top
//> 6
const inputs = 1, secrets = 2, env = 3, ld = 0, lastPollTime = 0, fetch = 0, Buffer = 0;
return inputs + secrets + env;

//# data may be declared again inside a block that follows a use
//@ input {"q": 4}
//> [4, 9]
const first = data.input.q;
{
    const data = { input: { q: 9 } };
    return [first, data.input.q];
}

//# globals can be assigned
//> 7
data = 7;
return data;

//# missing values and nulls are undefined
//@ input {"a": null}
//> ["undefined", "undefined", false]
return [typeof data.input.a, typeof data.input.b, 'a' in data.input];

//# other spellings of a key work and are not listed
//@ input {"dealId": 7}
//@ aliases {"deal_id": "dealId"}
//> [7, "{\"dealId\":7}", 8, ["dealId"]]
const was = data.input.deal_id;
const text = JSON.stringify(data.input);
data.input.deal_id = 8;
return [was, text, data.input.dealId, Object.keys(data.input)];

//# an alias never hides a value
//@ input {"a": 1, "b": 2}
//@ aliases {"a": "b"}
//> [1, 2]
return [data.input.a, data.input.b];

//# an alias of a value that is missing is undefined
//@ aliases {"deal_id": "dealId"}
//> "undefined"
return typeof data.input.deal_id;

//# reading what is not there is noted once in a test run
//@ input {"a": 1}
//@ warn true
//@ log "data.input.b is read"
//> [1, "undefined", "undefined", "{\"a\":1}"]
return [data.input.a, typeof data.input.b, typeof inputs.b, JSON.stringify(inputs)];

//# env is also data.env
//@ env {"CLIENT_ID": "c1"}
//> ["c1", true, "undefined"]
return [env.CLIENT_ID, env === data.env, typeof env.TENANT_ID];

//# lastPollTime is an ISO text for triggers
//@ last_poll "2026-02-01T00:00:00.000Z"
//> ["2026-02-01T00:00:00.000Z", 2026]
return [lastPollTime, new Date(lastPollTime).getUTCFullYear()];

//# lastPollTime is undefined elsewhere
//> "undefined"
return typeof lastPollTime;

//# what must not exist does not
//> ["undefined", "undefined", "undefined", "undefined", "undefined", "undefined", "undefined", "undefined", "undefined"]
return [typeof eval, typeof Function, typeof process, typeof require, typeof WebAssembly, typeof SharedArrayBuffer, typeof Atomics, typeof module, typeof exports];

//# the language's own objects exist
//> true
const names = ['JSON', 'Math', 'Date', 'Array', 'Object', 'String', 'Number', 'Boolean', 'RegExp', 'Map', 'Set', 'WeakMap', 'WeakSet', 'Symbol',
    'BigInt', 'Promise', 'Error', 'TypeError', 'RangeError', 'SyntaxError', 'Intl', 'parseInt', 'parseFloat', 'isNaN', 'isFinite',
    'encodeURIComponent', 'decodeURIComponent', 'encodeURI', 'decodeURI', 'btoa', 'atob', 'Buffer', 'Uint8Array', 'Float64Array', 'DataView',
    'ArrayBuffer', 'TextEncoder', 'TextDecoder', 'URL', 'URLSearchParams', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval',
    'queueMicrotask', 'console', 'crypto', 'structuredClone', 'fetch', 'Headers', 'Request', 'Response', 'FormData', 'Blob', 'File',
    'AbortController', 'AbortSignal', 'DOMException', 'ld', 'data', 'inputs', 'secrets', 'env', 'Proxy', 'Reflect', 'globalThis'];
const missing = names.filter((n) => typeof globalThis[n] === 'undefined');
return missing.length ? missing : true;

//# Promise has all its combinators
//> [[1, 2], ["fulfilled", "rejected"], 1, 2]
const no = () => Promise.reject(new Error('no'));
return [await Promise.all([1, Promise.resolve(2)]), (await Promise.allSettled([1, no()])).map((r) => r.status),
    await Promise.race([1, new Promise(() => {})]), await Promise.any([no(), Promise.resolve(2)])];

//# Intl formats dates and numbers
//> ["1,234.5", "2/1/2026", "1.234,5"]
return [new Intl.NumberFormat('en-US').format(1234.5), new Intl.DateTimeFormat('en-US', { timeZone: 'UTC' }).format(new Date('2026-02-01T12:00:00Z')),
    (1234.5).toLocaleString('de-DE')];

//# time zones are known
//> ["13:00", "02/01/2026, 07:00"]
const d = new Date('2026-02-01T12:00:00Z');
return [d.toLocaleTimeString('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit' }),
    d.toLocaleString('en-US', { timeZone: 'America/New_York', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hour12: false })];

//# modern syntax works
//> ["b", 5, [[1, 2], [3]], "x", {"a": 1}]
class P { #x = 5; get x() { return this.#x; } static { P.y = 'x'; } }
const o = { a: { b: 'b' } };
const grouped = Object.values(Object.groupBy([1, 2, 3], (n) => (n < 3 ? 'low' : 'high')));
return [o?.a?.b ?? 'none', new P().x, grouped, P.y, { ...{ a: 1 } }];

//# generators and async iteration work
//> [1, 2, 10, 20]
const out = [];
function* two() { yield 1; yield 2; }
async function* four() { for (const n of two()) yield n * 10; }
for (const n of two()) out.push(n);
for await (const n of four()) out.push(n);
return out;

//# an error's message is what the caller sees
//! throw: The ticket does not exist
//@ line 2
const id = 5;
throw new Error('The ticket does not exist');

//# a text that is thrown is the message
//! throw: plain text
throw 'plain text';

//# a rejection that is returned is an error
//! throw: later
return Promise.reject(new TypeError('later'));

//# an object that is thrown is described
//! throw: {"code":5}
throw { code: 5 };

//# an object with a message that is thrown gives its message
//! throw: quota
throw { message: 'quota', code: 5 };

//# undefined can be thrown
//! throw: The script threw undefined
throw undefined;

//# an error without a message has its name
//! throw: RangeError
throw new RangeError();

//# errors of the language have their line
//! throw: undefined is not an object
//@ line 3
const o = {};

o.missing.field;

//# soft errors are ordinary values
//> {"error": true, "message": "not found"}
return { error: true, message: 'not found' };

//# a syntax error has its line
//! syntax: Unexpected token
//@ line 2
const a = 1;
const b = ;
return a;

//# the last line of the code is the most that is named
//! syntax: Unexpected
//@ line 1
return foo(

//# checking compiles without running
//@ check true
//> null
throw new Error('it ran');

//# checking finds syntax errors
//@ check true
//! syntax: Unexpected
return {;

//# code cannot end the function that it is in
//! syntax:
}); data.hacked = true; (async function () {

//# import and export are no statements here
//! syntax:
import fs from 'fs';

//# a comment in the last line is harmless
//> 1
return 1; // done

//# a script may be strict
//! throw:
'use strict';
undeclared = 1;

//# this is the global object
//> true
return this === globalThis;

//# a promise that nothing settles ends the run
//! throw: never
await new Promise(() => {});

//# nested promises are awaited
//> 4
return Promise.resolve(Promise.resolve(4));

//# a thenable is awaited as the language does
//> 5
return { then(ok) { ok(5); } };

//# dates, maps and sets become what JSON makes of them
//> {"d": "1970-01-01T00:00:00.000Z", "m": {}, "n": null, "a": [null]}
return { d: new Date(0), m: new Map([[1, 2]]), n: NaN, a: [undefined], u: undefined };

//# a BigInt is refused with a sentence
//! throw: cannot be turned into JSON: it contains a BigInt
return { n: 1n };

//# a cycle is refused with a sentence
//! throw: cannot be turned into JSON: it contains a reference to itself
const a = {};
a.a = a;
return a;

//# keys like __proto__ come through
//@ input {"__proto__": {"x": 1}, "constructor": 2}
//> {"own": true, "x": "undefined", "out": "{\"__proto__\":{\"x\":1},\"constructor\":2}"}
return { own: Object.hasOwn(data.input, '__proto__'), x: typeof data.input.x, out: JSON.stringify(data.input) };

//# lone surrogates do not break the result
//> {"s": "�"}
return { s: '\ud800' };

//# texts of every plane come through
//@ input {"s": "ä€𝄞"}
//> "ä€𝄞!"
return data.input.s + '!';
