// SPDX-License-Identifier: MIT
// fetch, Headers, Request, Response, Blob, FormData, AbortController.

//# fetch gives a Response
//@ response {"status": 201, "headers": [["Content-Type", "application/json"]], "text": "{\"a\":1}"}
//> [201, true, "application/json", null, {"a": 1}, "https://api.test/x", false, true]
const r = await fetch('https://api.test/x');
const used = r.bodyUsed;
return [r.status, r.ok, r.headers.get('Content-Type'), r.headers.get('nope'), await r.json(), r.url, used, r.bodyUsed];

//# fetch takes a URL object and a method
//@ request {"method": "POST", "url": "https://api.test/x", "body": "hi", "headers": {"content-type": "text/plain;charset=UTF-8", "x-a": "1"}}
//> "hi"
const r = await fetch(new URL('https://api.test/x'), { method: 'post', headers: { 'X-A': '1' }, body: 'hi' });
return (await r.json()).body;

//# an object as body is not JSON in fetch
//@ request {"body": "[object Object]"}
//> 200
return (await fetch('https://api.test/', { method: 'POST', body: {} })).status;

//# a body is read once
//! throw: read already
const r = await fetch('https://api.test/');
await r.text();
await r.text();

//# a Response can be cloned
//@ response {"text": "hello"}
//> ["hello", "hello"]
const r = await fetch('https://api.test/');
const c = r.clone();
return [await r.text(), await c.text()];

//# arrayBuffer, bytes and blob
//@ response {"hex": "0102ff", "headers": [["content-type", "image/png"]]}
//> [3, [1, 2, 255], 3, "image/png"]
const blob = await (await fetch('https://api.test/')).blob();
return [(await (await fetch('https://api.test/')).arrayBuffer()).byteLength, [...(await (await fetch('https://api.test/')).bytes())], blob.size, blob.type];

//# fetch refuses what it may not do
//> ["TypeError", "TypeError", "TypeError", "TypeError", "TypeError"]
const name = async (...a) => { try { await fetch(...a); return 'sent'; } catch (e) { return e.name; } };
return [await name('/x'), await name('file:///etc/passwd'), await name('https://api.test/', { body: 'x' }), await name('https://u:p@api.test/'), await name('https://api.test/', { redirect: 'manual' })];

//# a broken network rejects
//@ response {"error": "no route to api.test"}
//! throw: no route to api.test
await fetch('https://api.test/');

//# JSON that is none rejects
//@ response {"text": "<p>"}
//> "SyntaxError"
return (await fetch('https://api.test/')).json().catch((e) => e.name);

//# AbortController and AbortSignal.timeout
//@ response [null]
//> ["AbortError", "TimeoutError", "because", true]
const c = new AbortController();
const p = fetch('https://api.test/', { signal: c.signal }).catch((e) => e.name);
c.abort();
const t = await fetch('https://api.test/', { signal: AbortSignal.timeout(5) }).catch((e) => e.name);
const own = await fetch('https://api.test/', { signal: AbortSignal.abort('because') }).catch((e) => e);
return [await p, t, own, AbortSignal.any([c.signal]).aborted];

//# listeners of an abort are called
//> ["abort", "on", "handle"]
const c = new AbortController();
const out = [];
c.signal.addEventListener('abort', (e) => out.push(e.type));
c.signal.addEventListener('abort', { handleEvent() { out.push('handle'); } });
c.signal.onabort = () => out.push('on');
c.abort();
c.abort();
return [out[1], out[0], out[2]];

//# Headers
//> ["1, 2", true, false, [["a", "1, 2"], ["b", "x y"]], ["s=1", "t=2"], "a=1, 2;b=x y;"]
const h = new Headers([['A', '1'], ['a', ' 2 ']]);
h.set('B', 'x y');
h.append('c', '1');
h.delete('C');
let text = '';
h.forEach((v, k) => { text += `${k}=${v};`; });
const s = new Headers();
s.append('Set-Cookie', 's=1');
s.append('set-cookie', 't=2');
return [h.get('a'), h.has('B'), h.has('c'), [...h], s.getSetCookie(), text];

//# Headers refuse line breaks and blanks
//> ["TypeError", "TypeError", "TypeError"]
const name = (f) => { try { f(); } catch (e) { return e.name; } };
return [name(() => new Headers({ 'a\r\nb': '1' })), name(() => new Headers({ a: '1\r\nb: 2' })), name(() => new Headers({ a: '€' }))];

//# Response can be made
//> [404, false, "{\"a\":1}", "application/json", "x", "text/plain;charset=UTF-8"]
const r = Response.json({ a: 1 }, { status: 404 });
return [r.status, r.ok, await r.text(), r.headers.get('content-type'), await new Response('x').text(), new Response('x').headers.get('content-type')];

//# Request can be made and fetched
//@ request {"method": "PUT", "url": "https://api.test/y", "body": "z"}
//> ["PUT", "https://api.test/y", 200]
const q = new Request('https://api.test/y', { method: 'put', body: 'z' });
return [q.method, q.url, (await fetch(q)).status];

//# Blob and File
//> ["hello world", 11, "text/plain", "lo wo", "a.txt", true, [104, 105]]
const b = new Blob(['hello', new TextEncoder().encode(' world')], { type: 'TEXT/plain' });
const f = new File(['x'], 'a.txt');
return [await b.text(), b.size, b.type, await b.slice(3, 8).text(), f.name, f instanceof Blob, [...new Uint8Array(await new Blob(['hi']).arrayBuffer())]];

//# FormData
//> ["1", ["1", "2"], null, [["a", "9"], ["f", "blob"]], false]
const f = new FormData();
f.append('a', 1);
f.append('a', 2);
const all = f.getAll('a');
const first = f.get('a');
f.set('a', 9);
f.set('f', new Blob(['x']));
f.append('z', 'z');
f.delete('z');
return [first, all, f.get('q'), [...f].map(([k, v]) => [k, typeof v === 'string' ? v : v.name]), f.has('z')];

//# a multipart body keeps quotes and line breaks out of its heads
//@ request {"pattern": "name=\"a%22%0D%0Ab\"\\r\\n\\r\\nx\\r\\ny\\r\\n"}
//> 200
const f = new FormData();
f.append('a"\r\nb', 'x\ny');
return (await fetch('https://api.test/', { method: 'POST', body: f })).status;

//# what keeps a request from being answered is a TypeError
//@ response {"error": "no route to api.test"}
//> ["TypeError", "no route to api.test", "Error"]
const failed = await fetch('https://api.test/').catch((e) => e);
const asked = await ld.request({ url: 'https://api.test/' }).catch((e) => e);
return [failed.constructor.name, failed.message, asked.constructor.name];
