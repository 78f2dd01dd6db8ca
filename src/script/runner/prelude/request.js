// SPDX-License-Identifier: MIT
// ld.request: one call of an HTTP API, as contracts of scripts have it (every status is an answer, JSON is parsed).

const RESPONSE_TYPES = record({
    json: 'json', text: 'text', stream: 'bytes', binary: 'bytes', buffer: 'bytes', arraybuffer: 'bytes', arrayBuffer: 'bytes',
});

// Appends `params` to the query of u.
function addParams(u, params) {
    if (params === undefined || params === null)
        return;
    if (!isObject(params) && typeof params !== 'string')
        throw new TypeError('params must be an object');
    let text = '';
    if (typeof params === 'string' || late.isParams(params))
        text = typeof params === 'string' ? replaceAll(params, /^\?/g, () => '') : late.paramsText(params);
    else {
        const pairs = pairsOf(params);
        const parts = list();
        for (let i = 0; i < pairs.length; i++)
            parts[i] = `${queryPart(pairs[i].name)}=${queryPart(pairs[i].value)}`;
        text = Arr.join(parts, '&');
    }
    if (text !== '')
        takeQuery(u, `?${u.query ? `${u.query}&` : ''}${text}`);
}
const queryPart = (text) => encodeURIComponent(Str.toWellFormed(text));

// Pairs of the headers; names that come twice in different cases are one, the last counts; null and undefined are left out.
function requestHeaders(given) {
    const pairs = list();
    if (given === undefined || given === null)
        return pairs;
    if (!isObject(given))
        throw new TypeError('headers must be an object');
    const plain = !late.isHeaders(given) && !isIterable(given);
    const own = late.isHeaders(given) ? joinHeaders(late.headerPairs(given)) : undefined;
    const from = own || (plain ? pairsOfHeaders(given) : pairsFrom(given, 'headers'));
    for (let i = 0; i < from.length; i++) {
        const name = headerName(from[i].name);
        setPair(pairs, name, headerValue(name, from[i].value));
    }
    return pairs;
}

function pairsOfHeaders(object) {
    const pairs = list();
    const keys = Object_keys(object);
    for (let i = 0; i < keys.length; i++) {
        const value = object[keys[i]];
        if (value !== undefined && value !== null)
            pairs[pairs.length] = pair(keys[i], isArray(value) ? Arr.join(value, ', ') : `${value}`);
    }
    return pairs;
}

// Objects go as the form or the JSON that the content type asks for; all else as it is.
function requestBody(body, headers) {
    const type = headerOf(headers, 'content-type');
    const encodable = isObject(body) && !isBytes(body) && !late.isParams(body) && !late.isFormData(body) && !late.isBlob(body);
    if (typeof body === 'function' || typeof body === 'symbol')
        throw new TypeError(`body cannot be a ${typeof body}`);
    if (typeof body === 'string')
        return new Uint8Array(utf8(body));
    if (!encodable && (isObject(body) || body === undefined || body === null)) {
        const plain = plainBody(body);
        // The boundary is ours: a type without it is of no use.
        if (plain.type !== undefined && (type === null || late.isFormData(body)))
            setPair(headers, 'content-type', plain.type);
        return plain.bytes;
    }
    if (encodable && type !== null && matches(/^application\/x-www-form-urlencoded\b/i, type))
        return new Uint8Array(utf8(formText(pairsOf(body))));
    if (type === null)
        setPair(headers, 'content-type', 'application/json');
    return new Uint8Array(utf8(stringify(body)));
}

// The options checked and turned into what call() takes, and how the answer is wanted.
function readOptions(options) {
    if (!isObject(options))
        throw new TypeError('ld.request needs an object with at least a url');
    const { url, method, headers, params, body, timeout, signal, responseType } = options;
    if ((typeof url !== 'string' || url === '') && !late.isUrl(url))
        throw new TypeError('ld.request: url must be a text with an absolute http or https address');
    const how = responseType === undefined || responseType === null ? 'json' : RESPONSE_TYPES[`${responseType}`];
    if (how === undefined)
        throw new TypeError('ld.request: responseType must be "json", "text", "stream" or "binary"');
    if (signal !== undefined && signal !== null && !late.isSignal(signal))
        throw new TypeError('ld.request: signal must be an AbortSignal');
    const u = requestUrl(late.isUrl(url) ? hrefOf(late.urlRecord(url)) : url);
    addParams(u, params);
    const pairs = requestHeaders(headers);
    return record({
        u, method: requestMethod(method), headers: pairs, body: requestBody(body, pairs), timeout: requestTimeout(timeout),
        most: how === 'bytes' ? BYTES_RESPONSE_MAX : TEXT_RESPONSE_MAX, signal: signal || undefined, how,
    });
}

const isOk = (status) => status >= 200 && status < 300;

function answerObject(answer, how) {
    const { status, statusText, url } = answer;
    const made = fresh({ status, statusText, ok: isOk(status), url, headers: headerObject(answer.headers) });
    if (how === 'bytes') {
        put(made, 'buffer', answer.body);
        put(made, 'success', isOk(status));
        return made;
    }
    const text = bodyText(answer.body, headerOf(answer.headers, 'content-type'));
    put(made, 'json', how === 'json' ? parseOrNull(text) : null);
    put(made, 'text', text);
    return made;
}

function parseOrNull(text) {
    try {
        return parse(text);
    } catch (e) {
        if (isOutOfMemory(e))
            throw e;
        return null;
    }
}

async function request(options) {
    const wanted = readOptions(options);
    return answerObject(await call(wanted), wanted.how);
}
