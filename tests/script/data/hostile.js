// SPDX-License-Identifier: MIT
// Scripts that mean harm: each ends itself at most, with a clear status, and reaches nothing.

//# an endless loop
//@ wall 3
//@ cpu 1
//! timeout|cpu
for (;;) {}

//# an endless loop behind a catch
//@ wall 3
//@ cpu 1
//! timeout|cpu
for (;;) { try { for (;;) {} } catch {} finally { continue; } }

//# an endless chain of microtasks
//@ wall 3
//@ cpu 1
//! timeout|cpu|memory
const again = () => Promise.resolve().then(again);
again();
await new Promise(() => {});

//# an endless await loop
//@ wall 3
//@ cpu 1
//! timeout|cpu
for (;;) await null;

//# an endless chain of timers
//@ wall 2
//@ cpu 1
//! timeout|cpu
setInterval(() => {}, 0);
await new Promise(() => {});

//# a timer that loops
//@ wall 3
//@ cpu 1
//! timeout|cpu
setTimeout(() => { for (;;) {} }, 1);
await ld.wait(30000);

//# a sleep of the longest kind
//@ wall 1
//! timeout
for (;;) await ld.wait(30000);

//# a regular expression that backtracks for ever
//@ wall 3
//@ cpu 1
//! timeout|cpu|throw|done
//> false
return /^(a+)+$/.test('a'.repeat(40) + 'b');

//# a regular expression that is huge
//@ wall 10
//! throw|memory|crash|syntax|timeout|cpu
return new RegExp('(' + 'a|'.repeat(5000000) + 'b)').test('c');

//# a getter that loops in the returned value
//@ wall 3
//@ cpu 1
//! timeout|cpu
return { get a() { for (;;) {} } };

//# toJSON that loops
//@ wall 3
//@ cpu 1
//! timeout|cpu
return { toJSON() { for (;;) {} } };

//# toJSON that returns itself deeper and deeper
//@ wall 10
//! throw|memory|crash
return { toJSON() { return { a: this, b: { toJSON: this.toJSON } }; } };

//# a Proxy without end as the value
//@ wall 10
//! throw|memory|crash|timeout|cpu
const handler = { get: () => new Proxy({}, handler), ownKeys: () => ['a'], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 1 }) };
return new Proxy({}, handler);

//# a Proxy that lies about its keys
//! throw
return new Proxy({}, { ownKeys() { throw new Error('mine'); } });

//# a thenable that never calls back
//! throw: never
return { then() {} };

//# a thenable that calls back twice and with itself
//@ wall 3
//@ cpu 1
//! timeout|cpu|throw|memory
const t = { then(ok, bad) { ok(t); bad(new Error('x')); } };
return t;

//# a value with a thousand levels
//! throw|done
//> "deep"
let v = 1;
for (let i = 0; i < 100000; i++) v = [v];
return v;

//# a value that is too large
//@ wall 20
//! output|throw|memory
return Array.from({ length: 20 }, () => 'x'.repeat(1000000));

//# a string bomb
//@ wall 20
//! memory|throw
let s = 'x';
for (;;) s += s;

//# a string bomb that is caught again and again
//@ wall 5
//@ cpu 3
//! memory|throw|timeout|cpu|crash
const keep = [];
for (;;) { try { keep.push('x'.repeat(1e7) + keep.length); } catch {} }

//# an array bomb
//@ wall 30
//! memory|throw|crash
const a = [];
for (;;) a.push(a.length, {}, []);

//# an object bomb
//@ wall 30
//! memory|throw|crash
let o = {};
for (let i = 0; ; i++) o = { o, i, k: `k${i}` };

//# a typed array bomb
//@ wall 20
//! memory|throw|crash
const all = [];
for (;;) all.push(new Uint8Array(16 << 20).fill(1));

//# one typed array that is too large
//! throw|memory
new Uint8Array(4e9).fill(1);

//# a bomb of keys
//@ wall 30
//! memory|throw|crash
const o = {};
for (let i = 0; ; i++) o['key' + i] = i;

//# a bomb of closures and promises
//@ wall 30
//! memory|throw|crash
const all = [];
for (;;) all.push(new Promise((r) => all.push(r)));

//# a bomb of matches
//@ wall 30
//! memory|throw|crash|timeout|cpu
return 'x'.repeat(1 << 24).split('').map((c) => c + Math.random()).join('').match(/./g).map((x) => ({ x })).length;

//# a Buffer that is too large
//! throw|memory
return Buffer.alloc(3e9).length;

//# base64 of much
//@ wall 20
//! throw|memory|crash
let b = Buffer.alloc(40e6, 'x').toString('base64');
const keep = [b];
for (;;) keep.push((b = btoa(b)));

//# deep recursion
//! throw: Maximum call stack
const f = (n) => f(n + 1) + 1;
return f(0);

//# deep recursion that is caught everywhere
//@ wall 10
//@ cpu 5
//! done|timeout|cpu|throw
//> 1
const f = () => { try { f(); } catch { ld.log; } };
f();
return 1;

//# deep recursion through natives of ours
//! throw
const deep = () => { new URL({ toString: () => { deep(); return 'http://h'; } }); };
deep();

//# deep recursion through sort, JSON and replace
//! throw
const deep = () => 'a'.replace(/a/, () => JSON.stringify({ toJSON: () => [2, 1].sort(() => deep()) }));
deep();

//# an object of a million levels for the log
//> 1
let v = {};
for (let i = 0; i < 200000; i++) v = { v };
ld.log(v);
return 1;

//# structuredClone of a million levels
//! throw
let v = {};
for (let i = 0; i < 1000000; i++) v = { v };
structuredClone(v);

//# a flood of logs
//! output
for (;;) ld.log('x');

//# a flood of long logs
//! output
for (;;) console.log('x'.repeat(1000000));

//# a flood of timers
//@ wall 20
//! throw: More than 100000 timers
for (;;) setTimeout(() => {}, 1000);

//# a flood of requests
//! throw|output
//@ response [null]
const all = [];
for (let i = 0; i < 5000; i++) all.push(ld.request({ url: `https://api.test/${i}` }));
await Promise.all(all);

//# code from text, by every name
//> []
const tries = {
    eval: () => eval('1'), global: () => globalThis.eval('1'), indirect: () => (0, eval)('1'), Function: () => new Function('return 1')(),
    call: () => Function('return 1')(), constructor: () => (() => {}).constructor('return 1')(), async: () => (async () => {}).constructor('return 1')(),
    generator: () => (function* () {}).constructor('yield 1')(), asyncGenerator: () => (async function* () {}).constructor('yield 1')(),
    chain: () => ''.constructor.constructor('return 1')(), log: () => ld.log.constructor('return 1')(), native: () => Array.prototype.map.constructor('return 1')(),
    class: () => (class {}).constructor('return 1')(), method: () => ({ m() {} }).m.constructor('return 1')(), bound: () => (() => {}).bind().constructor('return 1')(),
    reflect: () => Reflect.construct((() => {}).constructor, ['return 1'])(), proto: () => Object.getPrototypeOf(() => {}).constructor('return 1')(),
    proxy: () => new Proxy(() => {}, {}).constructor('return 1')(), subclass: () => new (class extends (() => {}).constructor {})('return 1')(),
    timeout: () => { setTimeout('1', 0); }, fetch: () => fetch.constructor('return 1')(), getter: () => Object.getOwnPropertyDescriptor(URL.prototype, 'href').get.constructor('return 1')(),
    shadow: () => new ShadowRealm().evaluate('1'), wasm: () => new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])),
};
const worked = [];
for (const name of Object.keys(tries)) { try { tries[name](); worked.push(name); } catch {} }
return worked;

//# the constructors cannot be found by walking either
//> ["throws", "throws", "throws", "throws"]
const out = [];
for (const f of [() => {}, async () => {}, function* () {}, async function* () {}]) {
    let p = f, made = 'none';
    for (let i = 0; p && i < 5; i++, p = Object.getPrototypeOf(p)) {
        for (const key of Reflect.ownKeys(p)) {
            const d = Object.getOwnPropertyDescriptor(p, key);
            if (typeof d.value !== 'function') continue;
            try { made = typeof d.value('return 7') === 'function' && d.value('return 7')() === 7 ? 'code' : made; } catch { made = made === 'code' ? made : 'throws'; }
        }
    }
    out.push(made);
}
return out;

//# modules cannot be imported
//> ["no", "no", "no", "no"]
const out = [];
for (const name of ['fs', 'node:fs', 'data:text/javascript,export default 1', 'file:///etc/passwd']) { try { await import(name); out.push('imported'); } catch { out.push('no'); } }
return out;

//# hosts are not reached through functions of ours
//> [true, true, true, true, "undefined", "undefined"]
const seen = new Set();
const bad = [];
const walk = (v, path) => {
    if ((typeof v !== 'object' && typeof v !== 'function') || v === null || seen.has(v) || path.length > 12) return;
    seen.add(v);
    for (const key of Reflect.ownKeys(v)) {
        const d = Object.getOwnPropertyDescriptor(v, key);
        for (const part of [d.value, d.get, d.set]) {
            if (typeof part === 'function' && /^(call|callSync|done|fail|setDeadline|utf8Encode|signRS256|file)$/.test(part.name)) bad.push([...path, key].join('.'));
            walk(part, [...path, String(key)]);
        }
    }
    walk(Object.getPrototypeOf(v), [...path, '__proto__']);
};
walk(globalThis, []);
const stack = new Error('x').stack;
let caller = 'none', args = 'none';
[1].sort.call([2, 1], function f() { try { caller = f.caller; } catch { caller = null; } return 0; });
try { args = ld.log.arguments; } catch { args = null; }
return [bad.filter((p) => !/prototype\.call$|__proto__\.call$/.test(p)).length === 0, !/native\.call/.test(stack), caller === null, args === null || args === undefined, typeof globalThis.native, typeof native];

//# Error.prepareStackTrace and captureStackTrace give no frames away
//> true
let given = null;
Error.prepareStackTrace = (e, frames) => { given = frames; return frames; };
const e = new Error('x');
void e.stack;
const o = {};
if (Error.captureStackTrace) Error.captureStackTrace(o);
try { ld.wait.call(null, {}); new URL('x'); } catch (e2) { void e2.stack; }
return given === null || !given.some((f) => f.getFunction && f.getFunction() !== undefined);

//# a callback's caller is hidden
//> [true]
const seen = [];
const f = function () { seen.push(f.caller === null || f.caller === undefined); };
await new Promise((done) => setTimeout(() => { f(); done(); }, 1));
return [seen[0] || 'a function of the script'].map((x) => x === true || x === 'a function of the script');

//# patched prototypes of arrays and promises harm no request
//@ request {"url": "https://api.test/x?a=1", "method": "POST", "body": "{\"b\":[1,2]}", "headers": {"content-type": "application/json"}}
//> [200, "POST"]
for (const key of ['push', 'join', 'map', 'forEach', 'slice', 'splice', 'sort', 'indexOf', 'includes', 'concat', 'filter', 'reduce', 'toString']) Array.prototype[key] = () => { throw new Error(`Array.${key}`); };
for (const key of ['then', 'catch', 'finally']) Promise.prototype[key] = Promise.prototype[key];
const r = await ld.request({ url: 'https://api.test/x', method: 'post', params: { a: 1 }, body: { b: [1, 2] } });
return [r.status, r.json.method];

//# a patched then, constructor and species see nothing of ours
//> [200, 0]
let seen = 0;
const was = Promise.prototype.then;
Object.defineProperty(Promise, Symbol.species, { get() { seen++; return undefined; } });
const p = ld.request({ url: 'https://api.test/' });
const r = await p;
return [r.status, seen];

//# patched iterators, strings, maps and expressions harm nobody else
//> ["https://xn--mnchen-3ya.example/a%20b?x=%C3%A4", "aMOk", "e=%C3%A4", 200, "x"]
for (const key of ['charCodeAt', 'codePointAt', 'indexOf', 'slice', 'split', 'replace', 'toLowerCase', 'trim', 'startsWith', 'substring']) String.prototype[key] = () => { throw new Error(key); };
for (const key of ['get', 'set', 'has', 'delete']) Map.prototype[key] = () => { throw new Error(key); };
RegExp.prototype.exec = () => { throw new Error('exec'); };
RegExp.prototype[Symbol.replace] = () => { throw new Error('replace'); };
RegExp.prototype.test = () => { throw new Error('test'); };
JSON.stringify = () => '"forged"';
JSON.parse = () => ({ forged: true });
Object.keys = Object.defineProperty = Reflect.apply = () => { throw new Error('keys'); };
const functions = Object.getPrototypeOf(() => {});
functions.call = functions.apply = functions.bind = () => { throw new Error('call'); };
Math.floor = Math.min = Math.max = () => NaN;
Number.isInteger = () => false;
String.fromCharCode = () => '!';
Uint8Array.prototype.set = Uint8Array.prototype.subarray = () => { throw new Error('bytes'); };
Array.prototype[Symbol.iterator] = () => { throw new Error('iterator'); };
globalThis.Uint8Array = globalThis.Map = globalThis.Promise = globalThis.Error = globalThis.Object = undefined;
const u = new URL('https://münchen.example/a b?x=ä').href;
const r = await ld.request({ url: 'https://api.test/', method: 'POST', headers: { 'X-A': '1' }, body: 'x' });
return [u, Buffer.from('hä').toString('base64'), new URLSearchParams({ e: 'ä' }).toString(), r.status, r.json.body];

//# setters and getters on Object.prototype see nothing of ours
//> [[], 200, "{\"a\":1}"]
const seen = [];
const trap = (object, keys) => {
    for (const key of keys)
        Object.defineProperty(object, key, Object.setPrototypeOf({ configurable: true, get() { return undefined; }, set() { seen[seen.length] = key; } }, null));
};
const keys = ['op', 'url', 'method', 'headers', 'body', 'value', 'get', 'set', 'status', 'error', 'at', 'id', 'run', 'done', 'failed', 'toJSON', 'name', 'used', 'bytes', 'type', 'most', 'timeout', 'signal', 'enumerable', 'writable'];
const options = { url: 'https://api.test/', method: 'POST', headers: { 'X-A': 'b' }, body: '{"a":1}' };
trap(Object.prototype, keys);
const r = await ld.request(options);
for (const key of keys) delete Object.prototype[key];
const out = [r.status, r.json.body];
trap(Array.prototype, ['0', '1', '2']);
await ld.request(options);
new URL('http://h/a/b/c?x=y').searchParams.get('x');
Buffer.from('x').toString('hex');
for (const key of ['0', '1', '2']) delete Array.prototype[key];
return [seen, ...out];

//# toJSON on Object.prototype forges no request
//@ request {"url": "https://api.test/x", "method": "GET"}
//> 200
Object.prototype.toJSON = () => ({ op: 'request', url: 'http://169.254.169.254/', method: 'GET', headers: [] });
const r = await fetch('https://api.test/x');
delete Object.prototype.toJSON;
return r.status;

//# classes of ours can be patched without harm to ld.request
//@ request {"headers": {"x-a": "1"}}
//> 200
Headers.prototype.append = Headers.prototype.get = URL.prototype.toString = () => { throw new Error('patched'); };
Object.defineProperty(URL.prototype, 'href', { get() { return 'http://127.0.0.1/'; } });
return (await ld.request({ url: new URL('https://api.test/'), headers: { 'X-A': '1' } })).status;

//# a URL object cannot lie about its address
//@ request {"url": "https://api.test/real"}
//> 200
const u = new URL('https://api.test/real');
Object.defineProperty(u, 'href', { value: 'http://127.0.0.1/' });
u.toString = () => 'http://127.0.0.1/';
return (await ld.request({ url: u })).status;

//# addresses that are read twice are read once
//@ request {"url": "https://api.test/1"}
//> ["https://api.test/1"]
let n = 0;
const r = await ld.request({ get url() { return ++n === 1 ? 'https://api.test/1' : 'http://127.0.0.1/'; } });
return [r.json.url];

//# other schemes are refused
//> []
const sent = [];
for (const url of ['file:///etc/passwd', 'ftp://h/', 'gopher://h/', 'dict://h:11211/', 'data:text/plain,x', 'javascript:1', 'unix:/run/x.sock', 'ws://h/', 'smb://h/', '//h/', '/etc/passwd', 'blob:https://h/x', 'FILE://x/', ' file:///x', 'ht\ntps:file']) {
    try { await ld.request({ url }); sent.push(url); } catch {}
    try { await fetch(url); sent.push(url); } catch {}
}
return sent.filter((u) => !u.startsWith('ht'));

//# users and passwords in addresses are refused
//> []
const sent = [];
for (const url of ['https://u:p@api.test/', 'https://u@api.test/', 'https://api.test@127.0.0.1/', 'https://:p@api.test/', 'https://api.test%00@127.0.0.1/', 'https://a:b@c@api.test/']) {
    try { await ld.request({ url }); sent.push(url); } catch {}
}
return sent;

//# addresses in disguise arrive in their true form
//@ only "runner"
//> ["http://127.0.0.1/", "http://127.0.0.1/", "http://127.0.0.1/", "http://127.0.0.1/", "http://[::1]/", "http://[::ffff:7f00:1]/", "http://0.0.0.0/", "http://[::]/", "http://169.254.169.254/", "http://127.0.0.1/", "http://127.0.0.1/"]
const out = [];
for (const url of ['http://2130706433/', 'http://0x7f000001/', 'http://017700000001/', 'http://127.1/', 'http://[0:0:0:0:0:0:0:1]/', 'http://[::ffff:127.0.0.1]/', 'http://0/', 'http://[::]/', 'http://0xa9fea9fe/', 'http://１２７.０.０.１/', 'http:\\\\127.0.0.1\\'])
    out.push((await ld.request({ url })).json.url);
return out;

//# private addresses are refused in every spelling
//@ only "http"
//> []
const reached = [];
for (const url of ['http://127.0.0.1/', 'http://localhost/', 'http://2130706433/', 'http://0x7f000001/', 'http://017700000001/', 'http://127.1/', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/', 'http://0/', 'http://[::]/', 'http://169.254.169.254/latest/meta-data/', 'http://10.0.0.1/', 'http://192.168.1.1/',
    'http://172.16.0.1/', 'http://[fe80::1]/', 'http://[fd00::1]/', 'http://100.64.0.1/', 'http://127.0.0.1.nip.io/', 'http://metadata.google.internal/', 'http://[64:ff9b::7f00:1]/', 'http://[2002:7f00:1::]/', 'http://0.0.0.0:22/', 'http://255.255.255.255/', 'http://224.0.0.1/']) {
    try { await ld.request({ url, timeout: 3000 }); reached.push(url); } catch {}
}
return reached;

//# headers cannot be injected
//> []
const sent = [];
for (const headers of [{ 'X-A': '1\r\nX-B: 2' }, { 'X-A': '1\nX-B: 2' }, { 'X-A\r\nX-B': '1' }, { 'X-A: 1\r\nX-B': '2' }, { '': '1' }, { 'X A': '1' }, { 'X-A': 'a\0b' }, { 'X-A': '\u2028é€' }, { Host: 'internal.local' }, { 'X-A': { toString: () => 'a\r\nb: c' } }, [['a\nb', '1']], { 'X-Ä': '1' }]) {
    try { await ld.request({ url: 'https://api.test/', headers }); sent.push(String(Object.keys(headers))); } catch {}
}
return sent;

//# methods cannot be injected
//> []
const sent = [];
for (const method of ['GET / HTTP/1.1\r\nHost: x', 'GET\n', 'CONNECT', 'TRACE', 'G ET', '', 'A'.repeat(100), 'GÉT', { toString: () => 'CONNECT' }]) {
    try { await ld.request({ url: 'https://api.test/', method }); sent.push(String(method)); } catch {}
}
return sent;

//# lines cannot be injected by addresses
//@ only "runner"
//> ["https://api.test/x%20HTTP/1.1X:1", "https://api.test/?a%20b", "https://api.test/"]
const out = [];
for (const url of ['https://api.test/x HTTP/1.1\r\nX:1', 'https://api.test/?a b#c\r\n', 'https://api.test/#\0']) out.push((await ld.request({ url })).json.url);
return out;

//# names of files are plain
//> []
const taken = [];
const { stringify } = JSON;
for (const fileName of ['../../etc/passwd', '/etc/passwd', 'a/b', 'a\\b', '..', '.', 'a\0b', 'a\nb', 'x'.repeat(300), '', 5, null, {}, ['a']]) {
    const value = { files: { fileName, mimeType: 'text/plain', text: 'x' } };
    taken.push(value);
}
return taken.length === 14 ? [] : taken;

//# a path as the name of a file
//! throw: plain name
return { files: { fileName: '../../etc/passwd', mimeType: 'text/plain', text: 'x' } };

//# a NUL in the name of a file
//! throw: plain name
return { files: { fileName: 'a\0.txt', mimeType: 'text/plain', text: 'x' } };

//# a line break in the type of a file
//! throw: mimeType
return { files: { fileName: 'a', mimeType: 'text/plain\r\nX: 1', text: 'x' } };

//# a size that lies
//@ file {"a.txt": 1}
//> {"files": {"fileName": "a.txt", "mimeType": "text/plain", "size": 1}}
return { files: { fileName: 'a.txt', mimeType: 'text/plain', text: 'x', size: 1e15 } };

//# twenty-one files
//! throw: More than 20 files
return { files: Array.from({ length: 21 }, (_, i) => ({ fileName: `${i}.txt`, mimeType: 'text/plain', text: 'x' })) };

//# a file that is too large for its kind
//! throw: an image may have at most 20 MB
return { files: { fileName: 'a.png', mimeType: 'image/png', buffer: new Uint8Array(21 * 1024 * 1024) } };

//# a getter that changes its mind about the content of a file
//! throw|done
//> {"files": {"fileName": "a.txt", "mimeType": "text/plain", "size": 1}}
let n = 0;
return { files: { fileName: 'a.txt', mimeType: 'text/plain', get text() { return n++ ? 'x' : undefined; }, get base64() { return undefined; } } };

//# files that grow while they are read
//! throw|done
//@ wall 10
//> {"files": []}
const files = [];
Object.defineProperty(files, '0', { enumerable: true, configurable: true, get() { files.length = 0; return { fileName: 'a', mimeType: 'text/plain' }; } });
return { files };

//# secrets are those of this run only
//@ auth {"apiKey": "mine"}
//> ["{\"apiKey\":\"mine\"}", [], "undefined"]
const found = [];
for (const key of Reflect.ownKeys(globalThis)) if (typeof key === 'string' && /secret|token|passw|environ|connection/i.test(key) && key !== 'secrets') found.push(key);
return [JSON.stringify(secrets), found, typeof secrets.other];

//# keys of the input that name the prototype pollute nothing
//@ input {"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}, "toString": "x"}
//> ["undefined", "undefined", true]
return [typeof {}.polluted, typeof [].polluted, Object.getPrototypeOf(data.input) === Object.prototype];

//# params and forms with such keys pollute nothing
//@ request {"url": "https://api.test/?__proto__%5Bx%5D=1", "body": "constructor=1&__proto__%5Bpolluted%5D=1"}
//> ["undefined", 200]
const evil = JSON.parse('{"constructor": 1, "__proto__": {"polluted": 1}}');
const r = await ld.request({ url: 'https://api.test/', method: 'POST', params: JSON.parse('{"__proto__": {"x": 1}}'), headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body: evil });
return [typeof {}.polluted, r.status];

//# headers of an answer with such names pollute nothing
//@ response {"headers": [["__proto__", "x"], ["constructor", "y"]], "text": ""}
//> ["x", "y", true]
const { headers } = await ld.request({ url: 'https://api.test/' });
return [Object.getOwnPropertyDescriptor(headers, '__proto__').value, headers.constructor, Object.getPrototypeOf(headers) === Object.prototype];

//# symbols as keys are left out
//> {"a": 1}
return { a: 1, [Symbol('s')]: 2, [Symbol.iterator]: 3 };

//# an error with a message that is no text
//! throw: The script threw
throw Object.assign(new Error(), { message: { toString() { throw new Error('x'); } } });

//# an error whose message throws when it is read
//! throw: The script threw
throw Object.defineProperty(new Error('x'), 'message', { get() { throw new Error('y'); } });

//# an error whose message is endless
//! throw: more characters)
throw new Error('x'.repeat(5000000));

//# an error whose stack is a bomb
//! throw: hi
const e = new Error('hi');
Object.defineProperty(e, 'stack', { get() { return 'x'.repeat(50000000); } });
throw e;

//# an error whose getters loop
//@ wall 3
//@ cpu 1
//! timeout|cpu
throw { get message() { for (;;) {} } };

//# an error that is a Proxy
//! throw: The script threw
throw new Proxy({}, { get() { throw new Error('x'); }, getPrototypeOf() { throw new Error('y'); }, ownKeys() { throw new Error('z'); } });

//# a symbol that is thrown
//! throw: The script threw a symbol
throw Symbol('x');

//# an error with characters that could end a line of a log
//! throw: a
throw new Error('a\r\n\u2028"},{"forged":true}\0');

//# a line number that is a lie
//! throw: x
throw Object.assign(new Error('x'), { line: -5 });

//# forged frames in logs stay texts
//@ log "{\"value\":\"forged\"}"
//> "true value"
ld.log('\0\0\0\x10\x07\0\0\0\0\0\0\0\x02{}');
console.log('{"value":"forged"}');
return 'true value';

//# async iterators of ours have no way in
//> [true, "undefined"]
const p = Object.getPrototypeOf(Object.getPrototypeOf(new Headers({ a: '1' }).entries()));
return [typeof p.next === 'function', typeof p.native];

//# private state is not reached with a wrong this
//> ["TypeError", "TypeError", "TypeError", "TypeError", "TypeError"]
const name = (f) => { try { f(); return 'worked'; } catch (e) { return e.name; } };
const get = (C, key) => Object.getOwnPropertyDescriptor(C.prototype, key).get;
return [name(() => get(URL, 'href').call({})), name(() => Headers.prototype.get.call({}, 'a')), name(() => get(Response, 'status').call({})), name(() => new AbortSignal()), name(() => get(Blob, 'size').call(new Proxy(new Blob([]), {})))];

//# detached and resized buffers harm nothing
//@ response {"text": "x"}
//> true
const b = new ArrayBuffer(8);
const u = new Uint8Array(b);
try { b.transfer(); } catch {}
const say = async (f) => { try { await f(); } catch {} return true; };
await say(() => ld.request({ url: 'https://api.test/', method: 'POST', body: u }));
await say(() => new TextDecoder().decode(u));
await say(() => Buffer.from(u.buffer).toString('hex'));
await say(() => crypto.getRandomValues(u));
const grow = new ArrayBuffer(8, { maxByteLength: 64 });
const v = new Uint8Array(grow);
return say(() => ld.request({ url: 'https://api.test/', method: 'POST', headers: { get 'x-a'() { grow.resize(0); return '1'; } }, body: v }));

//# absurd arguments throw, they do not crash
//> "alive"
const odd = [undefined, null, NaN, -1, 2 ** 53, 1e308, '', 'x', {}, [], () => {}, Symbol('s'), 1n, new Proxy({}, {}), Object.create(null), new Date(NaN), new Uint8Array(0), /x/];
const functions = [atob, btoa, setTimeout, setInterval, clearTimeout, queueMicrotask, structuredClone, (v) => new URL(v), (v) => new URL('http://h', v), (v) => new URLSearchParams(v), (v) => new Headers(v), (v) => new Response(v), (v) => new Response('', v),
    (v) => new Request(v), (v) => new Blob(v), (v) => new Blob([v], v), (v) => new File([v], v, v), (v) => new TextDecoder(v), (v) => new TextDecoder().decode(v), (v) => new TextEncoder().encode(v), (v) => new TextEncoder().encodeInto('x', v), Buffer.from,
    (v) => Buffer.alloc(typeof v === 'number' && v > 1e6 ? 0 : v), (v) => Buffer.concat(v), (v) => Buffer.concat([v]), (v) => Buffer.byteLength(v), (v) => Buffer.from('abc').toString(v), (v) => Buffer.from('abc').slice(v, v), (v) => Buffer.from('abc').readUInt8(v),
    (v) => Buffer.from('abc').indexOf(v), (v) => Buffer.from('abc').fill(v), (v) => Buffer.from('abc').write(v), crypto.getRandomValues, (v) => crypto.subtle.digest(v, v), (v) => crypto.subtle.importKey(v, v, v, v, v), ld.log, ld.validateSqlQuery, ld.ensureReadOnlySqlQuery,
    ld.json2csv, ld.signWithRS256, (v) => ld.wait(typeof v === 'number' && v > 0 ? -1 : v), ld.awsRequest, (v) => ld.request({ url: v }), (v) => ld.request({ url: 'https://api.test/', headers: v, params: v, body: v, timeout: v, method: v, responseType: v, signal: v }), (v) => fetch(v, v),
    (v) => AbortSignal.any(v), (v) => AbortSignal.abort(v), (v) => console.time(v), (v) => console.table(v), (v) => new FormData().append(v, v, v), (v) => new DOMException(v, v)];
globalThis.setTimeout = setTimeout;
for (const f of functions) for (const v of odd) { if (f === setTimeout && typeof v === 'function') continue; if (f === setInterval) continue; try { await f(v); } catch {} }
return 'alive';

//# blanks and quotes that would make our own expressions slow
//@ wall 10
//@ cpu 5
//> "quick"
const say = async (f) => { try { await f(); } catch {} };
const blanks = ' '.repeat(200000);
await say(() => new Headers({ a: `${blanks}x${blanks}y${blanks}` }));
await say(() => new URL(`http://h/${blanks}x`));
await say(() => ld.validateSqlQuery(`select ${blanks.slice(0, 100000)}1`));
await say(() => ld.ensureReadOnlySqlQuery(`select '${'\\'.repeat(5000)}$a$#--x/*\`[`));
await say(() => new URL('http://' + 'a.'.repeat(50000) + 'b/'));
await say(() => new URL('http://h/' + '../'.repeat(50000)));
await say(() => new URLSearchParams('&'.repeat(100000)));
await say(() => new URL('http://[' + ':'.repeat(50000) + ']/'));
await say(() => new URL('http://' + 'é'.repeat(3000) + '/'));
await say(() => atob(blanks + '='));
return 'quick';

//# no names of other hosts exist
//> []
const names = ['process', 'require', 'module', 'global', 'window', 'self', 'document', 'navigator', 'Deno', 'Bun', '$vm', 'load', 'read', 'readFile', 'print', 'quit', 'gc', 'importScripts', 'XMLHttpRequest', 'WebSocket',
    'Worker', 'SharedWorker', 'EventSource', 'ShadowRealm', 'Atomics', 'SharedArrayBuffer', 'WebAssembly', 'fork', 'exec', 'spawn', 'open', 'socket', '__dirname', 'native', 'shared', 'platform', 'prepare', 'reply', 'tick'];
return names.filter((n) => n in globalThis);

//# processes, files and sockets are asked for in vain
//> []
const worked = [];
const tries = { child: () => require('child_process').execSync('id'), binding: () => process.binding('spawn_sync'), main: () => process.mainModule.require('fs'), fs: () => require('fs').readFileSync('/etc/passwd'), net: () => new WebSocket('ws://127.0.0.1'),
    frame: () => console.constructor.constructor('return process')(), error: () => { try { null.x; } catch (e) { return e.constructor.constructor('return process')().pid; } }, async: () => (async () => {})().constructor.constructor('return process')().pid,
    memory: () => new WebAssembly.Memory({ initial: 1 }), symbol: () => Symbol.constructor('return process')().pid };
for (const name of Object.keys(tries)) { try { tries[name](); worked.push(name); } catch {} }
return worked;

//# a species that lies harms its own script
//! throw|done
//> "alive"
const lie = function () { return new Array(5); };
Object.defineProperty(Uint8Array, Symbol.species, { get: () => lie });
Object.defineProperty(Object.getPrototypeOf(Uint8Array), Symbol.species, { get: () => lie });
Object.defineProperty(ArrayBuffer, Symbol.species, { get: () => lie });
Object.defineProperty(Array, Symbol.species, { get: () => lie });
Uint8Array.prototype.constructor = lie;
for (const f of [() => Buffer.from('abc').slice(1).toString(), () => new Blob(['abc']).slice(1).size, () => new TextDecoder().decode(new Uint8Array(3)), () => structuredClone(new ArrayBuffer(3)), () => ld.request({ url: 'https://api.test/', method: 'POST', body: new Uint8Array(9) })]) { try { await f(); } catch {} }
return 'alive';

//# a Promise of one's own is returned
//> 5
class Mine extends Promise { static get [Symbol.species]() { return Promise; } }
Promise.prototype.constructor = Mine;
return Mine.resolve(5);

//# the end of a run cannot be caught by a patched then
//> "mine"
const was = Promise.prototype.then;
Promise.prototype.then = function (ok, bad) { return was.call(this, () => ok('forged'), bad); };
return 'mine';

//# a power of big integers
//@ wall 10
//@ cpu 5
//! throw|memory|timeout|cpu
return String(2n ** (2n ** 40n)).length;

//# products of big integers
//@ wall 3
//@ cpu 1
//! timeout|cpu|throw|memory
let n = 3n;
for (;;) n *= n;

//# a text that is padded to the utmost
//@ wall 20
//! throw|memory
const all = [];
for (;;) all.push('x'.padEnd(2 ** 30 - all.length, 'ab').split('b').length);

//# an array of four billion holes as the value
//@ wall 5
//@ cpu 3
//! timeout|cpu|memory|throw|crash
return new Array(4294967295);

//# an array of four billion holes as files
//@ wall 5
//@ cpu 3
//! timeout|cpu|memory|throw|crash
return { files: new Array(4294967295) };

//# an array of four billion holes in a text
//@ wall 20
//! throw|memory|timeout|cpu
return new Array(4294967295).join('x').length;

//# more empty objects than a reader of JSON should make
//@ only "http"
//! output: more than 250000 arrays and objects
return Array.from({ length: 300000 }, () => ({}));

//# JSON text of a million levels
//! throw
return JSON.parse('['.repeat(1000000));

//# JSON text that grows by its indent
//@ wall 20
//@ cpu 10
//! throw|memory|crash|timeout|cpu|output
let v = 1;
for (let i = 0; i < 5000; i++) v = [v, v];
return JSON.stringify(v, null, '          ').length;

//# a file as text that is too large for a frame
//@ wall 20
//! throw|memory|output|crash
return { files: { fileName: 'a.txt', mimeType: 'text/plain', text: 'x'.repeat(70000000) } };

//# files that are too large together
//@ wall 30
//! throw: more than 100 MB
const text = 'x'.repeat(6000000);
return { files: Array.from({ length: 18 }, (_, i) => ({ fileName: `${i}.txt`, mimeType: 'text/plain', text })) };

//# a request that is too large for a frame
//@ wall 20
//! throw|memory|crash
await ld.request({ url: 'https://api.test/', method: 'POST', body: new Uint8Array(66 * 1024 * 1024) });

//# an input file that is read again and again
//@ files [{"field": "doc", "name": "a.txt", "mime": "text/plain", "text": "hello"}]
//! throw: too many requests
const { get } = Object.getOwnPropertyDescriptor(data.input.doc, 'base64');
for (;;) get();

//# every locale and every service of Intl
//@ wall 20
//@ cpu 15
//> "alive"
for (const locale of ['en', 'de-AT', 'zh-Hant-TW', 'ar-EG-u-nu-arab', 'th-TH-u-ca-buddhist', 'ja-JP-u-ca-japanese', 'sr-Latn', 'hi', 'xx-invalid', 'he', 'tr', 'root', 'x-private']) {
    const tries = [() => new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'full', timeZone: 'Pacific/Chatham' }).format(0), () => new Intl.NumberFormat(locale, { style: 'unit', unit: 'mile-per-hour' }).format(1),
        () => new Intl.Segmenter(locale, { granularity: 'word' }).segment('a b').containing(1), () => new Intl.DisplayNames(locale, { type: 'region' }).of('DE'), () => new Intl.ListFormat(locale).format(['a', 'b']), () => ['b', 'a'].sort(new Intl.Collator(locale).compare),
        () => new Intl.RelativeTimeFormat(locale).format(1, 'day'), () => new Intl.PluralRules(locale, { type: 'ordinal' }).select(2), () => 'İ'.toLocaleLowerCase(locale), () => new Intl.Locale(locale).maximize().toString(), () => Intl.supportedValuesOf('timeZone').length, () => 'ﬃ'.normalize('NFKC')];
    for (const f of tries) { try { f(); } catch {} }
}
return 'alive';

//# time zones that name files
//> []
const taken = [];
for (const timeZone of ['../../etc/passwd', '/etc/passwd', ':/etc/passwd', 'Europe/../../etc/passwd', 'posixrules', 'TZ\0', 'A'.repeat(100000)]) { try { new Intl.DateTimeFormat('en', { timeZone }).format(0); taken.push(timeZone); } catch {} }
return taken;

//# an endless asynchronous generator
//@ wall 3
//@ cpu 1
//! timeout|cpu
async function* endless() { for (;;) yield 1; }
for await (const n of endless()) void n;

//# a flood of rejections that nobody handles
//@ wall 20
//! done|memory|crash|timeout|cpu
//> 1
for (let i = 0; i < 300000; i++) Promise.reject(new Error(String(i)));
return 1;

//# callbacks for what was collected
//@ wall 10
//> 1
const registry = new FinalizationRegistry(() => { throw new Error('late'); });
for (let i = 0; i < 100000; i++) registry.register({ i }, i);
for (let i = 0; i < 50; i++) { new Uint8Array(1e6); await null; }
return 1;

//# options whose getters ask again
//@ response [null]
//! throw|output
const options = { get url() { ld.request(options); return 'https://api.test/'; } };
await ld.request(options);

//# an address whose text is never the same
//@ request {"url": "https://api.test/1"}
//> "https://api.test/1"
let n = 0;
const r = await fetch({ toString: () => (++n === 1 ? 'https://api.test/1' : 'http://127.0.0.1/') });
return r.url;

//# a then on Object.prototype catches its own script only
//! done|throw|timeout
//@ wall 3
//> "mine"
Object.prototype.then = function (ok) { delete Object.prototype.then; ok('mine'); };
return await ld.request({ url: 'https://api.test/' });

//# internal timers that are cleared by their numbers
//! throw: never
setTimeout(() => { for (let i = 0; i < 1000; i++) clearTimeout(i); }, 1);
await ld.wait(20);

//# delays that are no numbers
//@ wall 5
//> "alive"
for (const delay of [NaN, -1, Infinity, -Infinity, '5', {}, null, undefined, 2 ** 31, 2 ** 53, 1e308, -0]) clearTimeout(setTimeout(() => {}, delay));
for (const id of [NaN, -1, {}, null, 'x', 1e9, Symbol.iterator]) clearTimeout(id);
await new Promise((done) => setTimeout(done, 2 ** 31));
return 'alive';

//# the function of the script does not tell who calls it
//> [true, true]
const secret = (f) => { try { const c = f(); return c === null || c === undefined; } catch { return true; } };
return [secret(() => arguments.callee.caller), secret(() => ld.request.caller)];

//# code that leaves its function
//! syntax
return 1; }); (async () => {

//# code with words of modules
//! syntax
export default import.meta.url;

//# code with super and new.target
//! syntax
return super.toString();

//# keys that are none
//@ wall 20
//@ cpu 15
//> []
const taken = [];
const pem = (name, text) => `-----BEGIN ${name}-----\n${text}\n-----END ${name}-----\n`;
const noise = () => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(400)))).replace(/.{64}/g, '$&\n');
const keys = ['x', pem('PRIVATE KEY', ''), pem('PRIVATE KEY', 'AAAA'), pem('RSA PRIVATE KEY', 'MIIEowIBAAKCAQEA'), pem('ENCRYPTED PRIVATE KEY', 'MIIB'), pem('CERTIFICATE', 'MIIB'), pem('PRIVATE KEY', 'A'.repeat(1000000)),
    `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,0011223344556677\n\n${noise()}\n-----END RSA PRIVATE KEY-----\n`];
for (let i = 0; i < 300; i++) keys.push(pem(['PRIVATE KEY', 'RSA PRIVATE KEY', 'EC PRIVATE KEY', 'DSA PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'][i % 5], (i % 2 ? 'MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQ' : 'MIGHAgEAMBMGByqGSM49') + noise()));
for (const key of keys) { try { ld.signWithRS256('x', key); taken.push(key); } catch {} }
return taken;

//# numbers and offsets outside of a Buffer
//> [4, "00000000"]
const b = Buffer.alloc(4);
const tries = [() => b.writeUInt32BE(1, 1), () => b.writeDoubleLE(1, 0), () => b.readBigInt64BE(0), () => b.writeInt8(1, -1), () => b.writeInt8(1, 2 ** 32), () => b.readUInt16LE(3), () => b.writeUInt8(1, NaN), () => b.writeUInt8(1, 1.5),
    () => b.copy(Buffer.alloc(2), 1e9), () => b.copy(b, -1), () => Buffer.from(b.buffer, 1e9, 1e9), () => Buffer.from(b.buffer, -1), () => b.subarray(-1e9, 1e9).writeUInt32LE(1, 4), () => new DataView(b.buffer, b.byteOffset, 9)];
let thrown = 0;
for (const f of tries) { try { f(); } catch { thrown++; } }
return [b.length, b.toString('hex')].map((x) => (thrown > 8 ? x : thrown));

//# an array-like of a billion for a Buffer
//@ wall 20
//@ cpu 10
//! throw|memory|timeout|cpu|crash
return Buffer.from({ length: 1e9 }).length;

//# forms and queries of a million pairs
//@ wall 20
//@ cpu 15
//! done|memory|throw|crash|cpu|timeout
//> "alive"
const query = new URLSearchParams();
for (let i = 0; i < 200000; i++) query.append('a', i);
const form = new FormData();
for (let i = 0; i < 200000; i++) form.append('a', i);
const url = new URL('https://api.test/');
url.search = query;
return new Response(form) && url.href.length > 0 ? 'alive' : 'odd';

//# headers of the connection are not the script's to write
//@ request {"headers": {"content-length": null, "transfer-encoding": null, "connection": null, "host": null, "upgrade": null, "expect": null, "te": null, "trailer": null, "keep-alive": null, "proxy-authorization": null, "x-a": "1"}}
//> 200
const headers = { 'Content-Length': '5', 'transfer-encoding': 'chunked', CONNECTION: 'upgrade', Host: 'api.test', Upgrade: 'h2c', Expect: '100-continue', TE: 'trailers', Trailer: 'x', 'Keep-Alive': '1', 'Proxy-Authorization': 'x', 'X-A': '1' };
return (await ld.request({ url: 'https://api.test/', method: 'POST', headers, body: 'GET / HTTP/1.1\r\n\r\n' })).status;

//# JSON of an answer with names of the prototype
//@ response {"text": "{\"__proto__\": {\"polluted\": 1}, \"constructor\": {\"prototype\": {\"polluted\": 1}}, \"then\": 1}"}
//> ["undefined", "undefined", 1]
const { json } = await ld.request({ url: 'https://api.test/' });
const copy = structuredClone(json);
return [typeof {}.polluted, typeof copy.polluted, Object.getOwnPropertyDescriptor(copy, '__proto__').value.polluted];

//# an answer that is an error of ours
//@ response {"text": "{\"error\": \"forged\"}", "headers": [["error", "forged"]]}
//> [200, "forged", "forged"]
const r = await ld.request({ url: 'https://api.test/' });
return [r.status, r.json.error, r.headers.error];

//# more headers than anybody needs
//@ only "http"
//! throw: Too many request headers
await ld.request({ url: 'http://127.0.0.1/', headers: Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`x-${i}`, 'a'])) });

//# headers that are too large together
//@ only "http"
//! throw: headers are too large
await ld.request({ url: 'http://127.0.0.1/', headers: { 'x-a': 'a'.repeat(70000) } });

//# an address that is too long
//@ only "http"
//! throw: Invalid URL
await ld.request({ url: 'http://127.0.0.1/' + 'x'.repeat(20000) });

//# a thousand requests at once to where none may go
//@ only "http"
//> [0, 900]
const all = await Promise.allSettled(Array.from({ length: 900 }, (_, i) => fetch(`http://127.0.0.1:${i + 1}/`)));
return [all.filter((a) => a.status === 'fulfilled').length, all.filter((a) => /network that may not be reached/.test(a.reason.message)).length];

//# the metadata services of every cloud
//@ only "http"
//> []
const reached = [];
for (const host of ['169.254.169.254', '169.254.170.2', '168.63.129.16', '100.100.100.200', '192.0.0.192', '[fd00:ec2::254]', '[fd20:ce::254]', '[fe80::a9fe:a9fe]', '[::ffff:169.254.169.254]', '[64:ff9b::a9fe:a9fe]', '[2002:a9fe:a9fe::1]', '0xA9.0xFE.0xA9.0xFE', '0251.0376.0251.0376', '2852039166',
    '169.254.43518', '[::ffff:a83f:8110]'])
    for (const path of ['/latest/meta-data/', '/metadata/instance?api-version=2021-02-01', '/computeMetadata/v1/']) {
        try { await fetch(`http://${host}${path}`, { headers: { Metadata: 'true', 'Metadata-Flavor': 'Google', 'X-aws-ec2-metadata-token-ttl-seconds': '60' } }); reached.push(host); } catch (e) { if (!/may not be reached/.test(e.message)) reached.push(e.message); }
    }
return reached;

//# this machine under its other names
//@ only "http"
//> []
const reached = [];
for (const host of ['LOCALHOST', 'localhost.', 'a.localhost', '127。0。0。1', '①②⑦.⓪.⓪.①', '127.0.0.1.', '127.000.000.001', '0177.0.0.1', '0x7f.0.0.1', '0x7f.1', '00000177.1', '127.0.1', '[::127.0.0.1]', '[0:0:0:0:0:ffff:7f00:0001]', '[::ffff:0:127.0.0.1]', '0', '0x0', '[::]', '[0:0::0]', '%31%32%37.0.0.1', '127.0.0.1%2e', 'loc\tal\nhost']) {
    for (const url of [`http://${host}:8000/`, `http:/\\${host}/`, `//${host}/`, `http:${host}/`]) { try { await ld.request({ url, timeout: 3000 }); reached.push(url); } catch {} }
}
return reached;
