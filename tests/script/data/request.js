// SPDX-License-Identifier: MIT
// ld.request: options, bodies, answers.

//# the answer has all its parts
//@ response {"status": 200, "headers": [["Content-Type", "application/json"], ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"], ["X-Y", "z"]], "text": "{\"n\":1}"}
//> {"status": 200, "statusText": "", "ok": true, "url": "https://api.test/x", "headers": {"content-type": "application/json", "set-cookie": "a=1, b=2", "x-y": "z"}, "json": {"n": 1}, "text": "{\"n\":1}"}
return await ld.request({ url: 'https://api.test/x' });

//# GET without a body is the default
//@ request {"method": "GET", "url": "https://api.test/x", "body": "", "headers": {"content-type": null}}
//> "GET"
return (await ld.request({ url: 'https://api.test/x' })).json.method;

//# a status that is no success does not throw
//@ response {"status": 404, "text": "nothing here"}
//> [404, false, null, "nothing here"]
const r = await ld.request({ url: 'https://api.test/x' });
return [r.status, r.ok, r.json, r.text];

//# failures of the network reject with their sentence
//@ response {"error": "could not connect to api.test"}
//! throw: could not connect to api.test
await ld.request({ url: 'https://api.test/x' });

//# failures can be caught
//@ response {"error": "could not connect"}
//> ["Error", "could not connect"]
try { await ld.request({ url: 'https://api.test/x' }); } catch (e) { return [e.name, e.message]; }

//# any method is sent in capitals
//@ request [{"method": "PROPFIND"}, {"method": "REPORT"}, {"method": "PATCH"}]
//> ["PROPFIND", "REPORT", "PATCH"]
const out = [];
for (const method of ['PROPFIND', 'report', 'Patch']) out.push((await ld.request({ url: 'https://api.test/', method })).json.method);
return out;

//# params are added to the query
//@ request {"url": "https://api.test/x?a=1&b=c%20d&e=1&e=2&f=true&g=%C3%A4%26&h=1970-01-01T00%3A00%3A00.000Z&i%5Bj%5D=k"}
//> 200
const params = { b: 'c d', e: [1, 2], f: true, n: null, u: undefined, g: 'ä&', h: new Date(0), i: { j: 'k' } };
return (await ld.request({ url: 'https://api.test/x?a=1#frag', params })).status;

//# an object becomes JSON with its type
//@ request {"method": "POST", "body": "{\"a\":1}", "headers": {"content-type": "application/json"}}
//> "{\"a\":1}"
return (await ld.request({ url: 'https://api.test/', method: 'POST', body: { a: 1 } })).json.body;

//# an array becomes JSON, and a type of its own is kept
//@ request {"body": "[1,2]", "headers": {"content-type": "application/vnd.api+json"}}
//> 200
return (await ld.request({ url: 'https://api.test/', method: 'POST', headers: { 'CONTENT-TYPE': 'application/vnd.api+json' }, body: [1, 2] })).status;

//# an object becomes a form when the type says so
//@ request {"body": "grant_type=authorization_code&code=a%2Fb+c&x=1&x=2&n%5Bk%5D=v&e=", "headers": {"content-type": "application/x-www-form-urlencoded"}}
//> 200
const body = { grant_type: 'authorization_code', code: 'a/b c', x: [1, 2], none: undefined, nil: null, n: { k: 'v' }, e: '' };
return (await ld.request({ url: 'https://api.test/token', method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body })).status;

//# a text is sent as it is
//@ request {"body": "a=1&b=2 ä", "headers": {"content-type": null}}
//> 200
return (await ld.request({ url: 'https://api.test/', method: 'POST', body: 'a=1&b=2 ä' })).status;

//# bytes are sent as they are
//@ request [{"hex": "00ff10"}, {"hex": "6869"}, {"hex": "ff10"}]
//> 200
await ld.request({ url: 'https://api.test/', method: 'PUT', body: new Uint8Array([0, 255, 16]) });
await ld.request({ url: 'https://api.test/', method: 'PUT', body: Buffer.from('hi') });
return (await ld.request({ url: 'https://api.test/', method: 'PUT', body: new DataView(new Uint8Array([0, 255, 16]).buffer, 1) })).status;

//# null is no body
//@ request {"body": "", "headers": {"content-type": null}}
//> 200
return (await ld.request({ url: 'https://api.test/', body: null })).status;

//# URLSearchParams and FormData bring their types along
//@ request [{"body": "a=1+2", "headers": {"content-type": "application/x-www-form-urlencoded;charset=UTF-8"}}, {"pattern": "name=\"f\"; filename=\"a.txt\"\\r\\nContent-Type: text/plain\\r\\n\\r\\nhello\\r\\n"}]
//> true
await ld.request({ url: 'https://api.test/', method: 'POST', body: new URLSearchParams({ a: '1 2' }) });
const form = new FormData();
form.append('f', new Blob(['hello'], { type: 'text/plain' }), 'a.txt');
form.append('n', 5);
const r = await ld.request({ url: 'https://api.test/', method: 'POST', headers: { 'Content-Type': 'multipart/form-data' }, body: form });
return /^multipart\/form-data; boundary=----sluice[0-9a-f]{32}$/.test(r.json.headers['content-type']);

//# headers are lower case, the last of one name counts, null is left out
//@ request {"headers": {"x-a": "2", "x-n": null, "x-u": null, "x-num": "5"}}
//> 200
return (await ld.request({ url: 'https://api.test/', headers: { 'X-A': '1', 'x-a': '2', 'X-N': null, 'X-U': undefined, 'X-Num': 5 } })).status;

//# headers can be a Headers object
//@ request {"headers": {"x-a": "1, 2"}}
//> 200
const h = new Headers({ 'X-A': '1' });
h.append('x-a', '2');
return (await ld.request({ url: 'https://api.test/', headers: h })).status;

//# headers of the connection are not the script's
//@ request {"headers": {"content-length": null, "transfer-encoding": null, "connection": null, "host": null, "x-a": "1"}}
//> 200
return (await ld.request({ url: 'https://api.test/', headers: { 'Content-Length': '5', 'Transfer-Encoding': 'chunked', Connection: 'close', Host: 'api.test', 'X-A': '1' } })).status;

//# the timeout is told to the server
//@ request {"timeout": 1500}
//> 200
return (await ld.request({ url: 'https://api.test/', timeout: 1500 })).status;

//# text that is no JSON gives null
//@ response {"text": "<html>", "headers": [["content-type", "application/json"]]}
//> [null, "<html>"]
const r = await ld.request({ url: 'https://api.test/' });
return [r.json, r.text];

//# JSON is read whatever its type, also behind a byte order mark
//@ response {"hex": "efbbbf7b2261223a317d", "headers": [["content-type", "text/plain"]]}
//> [{"a": 1}, "{\"a\":1}"]
const r = await ld.request({ url: 'https://api.test/' });
return [r.json, r.text];

//# an empty answer
//@ response {"status": 204}
//> [204, null, ""]
const r = await ld.request({ url: 'https://api.test/', method: 'DELETE' });
return [r.status, r.json, r.text];

//# the type text does not parse
//@ response {"text": "{\"a\":1}"}
//> [null, "{\"a\":1}"]
const r = await ld.request({ url: 'https://api.test/', responseType: 'text' });
return [r.json, r.text];

//# the types stream and binary give a buffer
//@ response {"hex": "89504e4700ff", "headers": [["content-type", "image/png"]]}
//> [[137, 80, 78, 71, 0, 255], true, 200, "image/png", "undefined", "iVBORwD/"]
const r = await ld.request({ url: 'https://api.test/', responseType: 'stream' });
const b = await ld.request({ url: 'https://api.test/', responseType: 'binary' });
return [[...new Uint8Array(r.buffer)], r.success, r.status, r.headers['content-type'], typeof r.text, Buffer.from(b.buffer).toString('base64')];

//# success is false when the status says so
//@ response {"status": 500, "text": "x"}
//> [false, 1]
const r = await ld.request({ url: 'https://api.test/', responseType: 'binary' });
return [r.success, r.buffer.byteLength];

//# other charsets are read
//@ response {"hex": "e4f680", "headers": [["content-type", "text/plain; charset=ISO-8859-1"]]}
//> "äö€"
return (await ld.request({ url: 'https://api.test/' })).text;

//# the url after redirects is told
//@ response {"url": "https://api.test/final", "text": "x"}
//> "https://api.test/final"
return (await ld.request({ url: 'https://api.test/' })).url;

//# requests run side by side and find their answers
//> ["https://api.test/0", "https://api.test/1", "https://api.test/2", "https://api.test/3"]
const all = await Promise.all([0, 1, 2, 3].map((n) => ld.request({ url: `https://api.test/${n}` })));
return all.map((r) => r.json.url);

//# a URL object is taken
//> "https://api.test/x?y=1"
return (await ld.request({ url: new URL('/x?y=1', 'https://api.test') })).json.url;

//# options that cannot be are refused with sentences
//> ["ld.request needs an object with at least a url", "ld.request: url must be a text with an absolute http or https address", "Invalid URL: /x (it is not absolute)", "Only http and https addresses can be called, not ftp:", "\"GE T\" is not a method", "ld.request: responseType must be \"json\", \"text\", \"stream\" or \"binary\"", "timeout must be a number of milliseconds above 0", "headers must be an object", "params must be an object", "body cannot be a function", "\"a b\" cannot be the name of a header"]
const say = async (o) => { try { await ld.request(o); return 'sent'; } catch (e) { return e.message; } };
const url = 'https://api.test/';
return [await say('https://api.test'), await say({}), await say({ url: '/x' }), await say({ url: 'ftp://h/' }), await say({ url, method: 'GE T' }),
    await say({ url, responseType: 'xml' }), await say({ url, timeout: -1 }), await say({ url, headers: 'a: b' }), await say({ url, params: 5 }),
    await say({ url, body: () => 1 }), await say({ url, headers: { 'a b': '1' } })];

//# a call can be given up
//@ response [null]
//> ["AbortError", true]
const c = new AbortController();
const p = ld.request({ url: 'https://api.test/', signal: c.signal });
setTimeout(() => c.abort(), 5);
try { await p; } catch (e) { return [e.name, c.signal.aborted]; }

//# answers that are cyclic in nothing can be logged
//@ response {"body": {"a": 1}}
//@ log "\"json\":{\"a\":1}"
//> null
ld.log(await ld.request({ url: 'https://api.test/' }));
