// SPDX-License-Identifier: MIT
// fetch, Request, Response: the part of the fetch standard that scripts use.  Bodies are whole, there are no streams.

// Reading a body, the same for Request and Response.  state: {bytes: ArrayBuffer or null, used, type}.
function takeBody(state) {
    if (state.used)
        throw new TypeError('The body has been read already');
    state.used = state.bytes !== null;
    return state.bytes === null ? new ArrayBuffer(0) : state.bytes;
}
const takeText = (state) => withoutBOM(utf8Text(takeBody(state), false));

function takeForm(state) {
    if (!matches(/^application\/x-www-form-urlencoded/i, state.type || ''))
        throw new TypeError('Only forms of the type application/x-www-form-urlencoded can be read');
    return formDataFrom(parseForm(takeText(state)));
}

function bodyState(body, headers) {
    const plain = plainBody(body);
    if (plain.type !== undefined && headerOf(late.headerPairs(headers), 'content-type') === null)
        headers.append('content-type', plain.type);
    const bytes = plain.bytes === undefined ? null : copyOf(plain.bytes);
    return record({ bytes, used: false, type: headerOf(late.headerPairs(headers), 'content-type') });
}

// Both classes with bodies have these methods.
function addBodyMethods(proto, stateOf) {
    const reading = {
        text: (s) => takeText(s),
        json: (s) => parse(takeText(s)),
        arrayBuffer: (s) => takeBody(s),
        bytes: (s) => new Uint8Array(takeBody(s)),
        blob: (s) => new Blob([takeBody(s)], fresh({ type: s.type || '' })),
        formData: (s) => takeForm(s),
    };
    const names = Object_keys(reading);
    for (let i = 0; i < names.length; i++) {
        const read = reading[names[i]];
        put(proto, names[i], async function () {
            return read(stateOf(this));
        }, false);
    }
    defineProperty(proto, 'bodyUsed', record({
        get() {
            return stateOf(this).used;
        },
        enumerable: true, configurable: true,
    }));
}

let responseFrom; // (what call() gave) -> Response

class Response {
    #state;
    #status = 200;
    #statusText = '';
    #url = '';
    #headers;
    #redirected = false;
    #type = 'default';
    constructor(body = null, init = undefined) {
        const status = init && init.status !== undefined ? +init.status : 200;
        if (!isInteger(status) || status < 200 || status > 599)
            throw new RangeError('The status of a Response is between 200 and 599');
        this.#status = status;
        this.#statusText = init && init.statusText !== undefined ? `${init.statusText}` : '';
        this.#headers = new Headers(init ? init.headers : undefined);
        this.#state = bodyState(body, this.#headers);
    }
    static {
        responseFrom = (answer, asked) => {
            const r = new Response();
            r.#status = answer.status;
            r.#statusText = answer.statusText;
            r.#url = answer.url || asked;
            r.#redirected = r.#url !== asked;
            r.#type = 'basic';
            r.#headers = headersFrom(answer.headers);
            r.#state = record({ bytes: answer.body, used: false, type: headerOf(answer.headers, 'content-type') });
            return r;
        };
        addBodyMethods(Response.prototype, (r) => r.#state);
    }
    static json(value, init = undefined) {
        const r = new Response(stringify(value), init);
        if (!init || !new Headers(init.headers).has('content-type'))
            r.#headers.set('content-type', 'application/json');
        return r;
    }
    static error() {
        const r = new Response();
        r.#status = 0;
        r.#type = 'error';
        return r;
    }
    get status() {
        return this.#status;
    }
    get ok() {
        return this.#status >= 200 && this.#status < 300;
    }
    get statusText() {
        return this.#statusText;
    }
    get url() {
        return this.#url;
    }
    get redirected() {
        return this.#redirected;
    }
    get type() {
        return this.#type;
    }
    get headers() {
        return this.#headers;
    }
    clone() {
        if (this.#state.used)
            throw new TypeError('The body has been read already');
        const r = new Response();
        r.#status = this.#status;
        r.#statusText = this.#statusText;
        r.#url = this.#url;
        r.#redirected = this.#redirected;
        r.#type = this.#type;
        r.#headers = headersFrom(copyPairs(late.headerPairs(this.#headers)));
        r.#state = record({ ...this.#state, bytes: this.#state.bytes && bufferSlice(this.#state.bytes, 0) });
        return r;
    }
}
tag(Response, 'Response');

let isRequest;
let requestState;

class Request {
    #url;
    #method;
    #headers;
    #state;
    #signal;
    #redirect;
    constructor(input, init = undefined) {
        const from = isRequest(input) ? input : undefined;
        const given = init === undefined || init === null ? {} : init;
        this.#url = from ? from.#url : hrefOf(late.isUrl(input) ? late.urlRecord(input) : parseUrl(`${input}`, null));
        this.#method = given.method === undefined && from ? from.#method : requestMethod(given.method);
        this.#headers = new Headers(given.headers === undefined && from ? from.#headers : given.headers);
        this.#signal = given.signal === undefined && from ? from.#signal : given.signal || undefined;
        this.#redirect = given.redirect === undefined ? 'follow' : `${given.redirect}`;
        if (this.#signal !== undefined && !late.isSignal(this.#signal))
            throw new TypeError('signal must be an AbortSignal');
        if ((this.#method === 'GET' || this.#method === 'HEAD') && given.body !== undefined && given.body !== null)
            throw new TypeError(`A ${this.#method} request cannot have a body`);
        this.#state = given.body === undefined && from
            ? record({ ...from.#state, bytes: from.#state.bytes && takeBody(from.#state) })
            : bodyState(given.body, this.#headers);
    }
    static {
        isRequest = (v) => isObject(v) && #method in v;
        requestState = (r) => record({
            u: requestUrl(r.#url), method: r.#method, headers: late.headerPairs(r.#headers), signal: r.#signal,
            body: r.#state.bytes === null ? undefined : takeBody(r.#state), most: BYTES_RESPONSE_MAX, redirect: r.#redirect,
            failure: TypeError,
        });
        addBodyMethods(Request.prototype, (r) => r.#state);
    }
    get url() {
        return this.#url;
    }
    get method() {
        return this.#method;
    }
    get headers() {
        return this.#headers;
    }
    get signal() {
        return this.#signal;
    }
    get redirect() {
        return this.#redirect;
    }
    clone() {
        const copy = new Request(this.#url, fresh({ method: this.#method, headers: this.#headers, signal: this.#signal }));
        copy.#state = record({ ...this.#state, bytes: this.#state.bytes && bufferSlice(this.#state.bytes, 0) });
        return copy;
    }
}
tag(Request, 'Request');

async function fetch(input, init = undefined) {
    const request = requestState(new Request(input, init));
    if (request.redirect !== 'follow')
        throw new TypeError("fetch follows redirects here; other values of `redirect` are not available");
    const asked = hrefOf(request.u);
    return responseFrom(await call(request), asked);
}
