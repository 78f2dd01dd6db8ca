// SPDX-License-Identifier: MIT
// One request to the server that makes it for us, and its answer.  Everything that fetch and ld.request may send passes call():
// the address is http(s), names and values of headers are clean.  (The server checks all of it again: it trusts no runner.)

const nativeCall = native.call;
const nativeCallSync = native.callSync;
const TEXT_RESPONSE_MAX = 10 * 1024 * 1024;
const BYTES_RESPONSE_MAX = 50 * 1024 * 1024;
const TIMEOUT_MAX = 24 * 3600 * 1000;

const pending = new Map(); // id -> {done, failed} of calls that wait for their answer
let lastCall = 0;

// Headers that belong to the connection; the server writes them.
const OURS = record({
    connection: 1, 'content-length': 1, expect: 1, 'keep-alive': 1, 'proxy-authorization': 1, 'proxy-connection': 1, te: 1,
    trailer: 1, 'transfer-encoding': 1, upgrade: 1,
});

function requestUrl(text) {
    const u = parseUrl(text, null);
    if (u.protocol !== 'http:' && u.protocol !== 'https:')
        throw new TypeError(`Only http and https addresses can be called, not ${cut(u.protocol, 100)}`);
    if (u.user !== '' || u.password !== '')
        throw new TypeError('The address must not contain a user name or password; send an Authorization header instead');
    u.fragment = null;
    return u;
}

function requestMethod(method) {
    const text = method === undefined || method === null ? 'GET' : `${method}`;
    if (!isToken(text) || text.length > 32)
        throw new TypeError(`${inspect(cut(text, 100))} is not a method`);
    const upper = Str.toUpperCase(text);
    if (upper === 'CONNECT' || upper === 'TRACE' || upper === 'TRACK')
        throw new TypeError(`The method ${upper} is not allowed`);
    return upper;
}

function requestTimeout(ms) {
    if (ms === undefined || ms === null)
        return undefined;
    if (typeof ms !== 'number' || !(ms > 0))
        throw new TypeError('timeout must be a number of milliseconds above 0');
    return min(trunc(ms) || 1, TIMEOUT_MAX);
}

// The headers as the wire has them: a list of two-element lists.
function wireHeaders(pairs, u) {
    const out = list();
    for (let i = 0; i < pairs.length; i++) {
        const { name, value } = pairs[i];
        if (OURS[name])
            continue;
        if (name === 'host') {
            if (Str.toLowerCase(value) !== hostText(u) && Str.toLowerCase(value) !== u.host)
                throw new TypeError('The header Host must be the host of the address');
            continue;
        }
        const two = list();
        two[0] = name;
        two[1] = value;
        out[out.length] = two;
    }
    return out;
}

// Sends `request` {u, method, headers (pairs), body (bytes or undefined), timeout, most, signal, failure}.  The promise gives
// {status, statusText, url, headers (pairs), body (ArrayBuffer)} or is rejected with a sentence in a `failure` (Error unless told).
function call(request) {
    return new Promise((done, failed) => {
        const frame = record({
            op: 'request', url: hrefOf(request.u), method: request.method, headers: wireHeaders(request.headers, request.u),
            timeout: request.timeout, decode: true, max: request.most,
        });
        const id = ++lastCall;
        if (request.signal !== undefined)
            late.signalOn(request.signal, (reason) => {
                Maps.delete(pending, id);
                failed(reason);
            });
        if (request.signal !== undefined && request.signal.aborted)
            return;
        nativeCall(id, stringify(frame), request.body);
        Maps.set(pending, id, record({ done, failed, most: request.most, failure: request.failure || Error }));
    });
}

// C brings the answer to call(id).
function reply(id, json, body) {
    const waiting = Maps.get(pending, id);
    if (waiting === undefined)
        return; // given up
    Maps.delete(pending, id);
    const head = record(parse(json));
    if (head.error !== undefined)
        return waiting.failed(new waiting.failure(`${head.error}`));
    if (bufferLength(body) > waiting.most)
        return waiting.failed(new waiting.failure('Response too large'));
    const headers = list();
    for (let i = 0; i < head.headers.length; i++)
        headers[i] = pair(Str.toLowerCase(head.headers[i][0]), head.headers[i][1]);
    waiting.done(record({ status: head.status, statusText: head.statusText || '', url: head.url || '', headers, body }));
}

// The bytes of the input file `index`; waits.
const readFile = (index) => nativeCallSync(++lastCall, stringify(record({ op: 'file', index })));

const TEXT_CHARSET = /charset\s*=\s*"?\s*(iso-8859-1|latin1|windows-1252|us-ascii|utf-16le|utf-16be|utf-16)\b/i;

const TYPE_MAX = 500; // characters in which a charset is looked for: the expression is slow on many blanks

// The text of a body, in the charset that its type names (UTF-8 when none that we know), without a byte order mark.
function bodyText(buffer, type) {
    const named = type === null ? null : exec(TEXT_CHARSET, Str.slice(type, 0, TYPE_MAX));
    const bytes = new Uint8Array(buffer);
    return withoutBOM(named ? platform().decodeLabel(named[1], bytes) : utf8Text(bytes, false));
}

// What any `body` becomes: {bytes, type}; type is the content type it brings along, or undefined.
function plainBody(body) {
    if (body === undefined || body === null)
        return record({ bytes: undefined, type: undefined });
    if (isBytes(body))
        return record({ bytes: new Uint8Array(copyOf(bytesOf(body, 'body'))), type: undefined });
    if (late.isParams(body))
        return record({ bytes: new Uint8Array(utf8(late.paramsText(body))), type: FORM_TYPE });
    if (late.isFormData(body))
        return platform().multipart(late.formDataPairs(body));
    if (late.isBlob(body))
        return record({ bytes: late.blobBytes(body), type: body.type || undefined });
    return record({ bytes: new Uint8Array(utf8(`${body}`)), type: 'text/plain;charset=UTF-8' });
}
const FORM_TYPE = 'application/x-www-form-urlencoded;charset=UTF-8';
