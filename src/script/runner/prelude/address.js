// SPDX-License-Identifier: MIT
// Addresses: the parser of the URL standard, for http(s) and other schemes.
//
// The parser works on the parts of the text one after the other instead of as the standard's state machine; the results are the
// same for what the tests in tests/script/data/url.js list.

const PORTS = record({ 'http:': '80', 'https:': '443', 'ws:': '80', 'wss:': '443', 'ftp:': '21', 'file:': '' });
const isSpecial = (protocol) => PORTS[protocol] !== undefined;

// What is percent-encoded, beside what is beyond ASCII.
const C0_SET = /[\x00-\x1f\x7f-\uffff]+/g;
const FRAGMENT_SET = /[\x00-\x20"<>`\x7f-\uffff]+/g;
const QUERY_SET = /[\x00-\x20"#<>\x7f-\uffff]+/g;
const SPECIAL_QUERY_SET = /[\x00-\x20"#<>'\x7f-\uffff]+/g;
const PATH_SET = /[\x00-\x20"#<>?`{}^\x7f-\uffff]+/g;
const USER_SET = /[\x00-\x20"#<>?`{}/:;=@[\\\]^|\x7f-\uffff]+/g;

function percentBytes(text) {
    const hex = Str.toUpperCase(toHex(utf8(text)));
    let out = '';
    for (let i = 0; i < hex.length; i += 2)
        out += `%${hex[i]}${hex[i + 1]}`;
    return out;
}
const percentEncode = (text, set) => replaceAll(text, set, (m) => percentBytes(m[0]));

// An ArrayBuffer.
function percentDecode(text) {
    if (Str.indexOf(text, '%') < 0)
        return utf8(text);
    return latin1(replaceAll(latin1Text(utf8(text)), /%([0-9a-fA-F]{2})/g, (m) => fromCharCode(parseInt(m[1], 16))));
}

const invalid = (text, why) => new TypeError(`Invalid URL: ${cut(text, 200)}${why ? ` (${why})` : ''}`);

const withoutBreaks = (text) => replaceAll(text, /[\t\n\r]/g, () => '');

// A record of the parts: protocol "https:", user, password, host (null: none), port, path (text when opaque, else a list), query and
// fragment (null: none).
function parseUrl(input, base) {
    const edges = trimEnds(Str.toWellFormed(input), (c) => c <= 0x20);
    const text = withoutBreaks(edges);
    const scheme = exec(/^([a-zA-Z][a-zA-Z0-9+.-]*):([^]*)$/, text);
    const u = record({
        protocol: '', user: '', password: '', host: null, port: '', path: list(), query: null, fragment: null,
    });
    let rest = scheme ? scheme[2] : text;
    const hash = Str.indexOf(rest, '#');
    if (hash >= 0) {
        u.fragment = percentEncode(Str.slice(rest, hash + 1), FRAGMENT_SET);
        rest = Str.slice(rest, 0, hash);
    }
    if (scheme) {
        u.protocol = `${Str.toLowerCase(scheme[1])}:`;
        if (isSpecial(u.protocol)) {
            if (base && base.protocol === u.protocol && !matches(/^[/\\]{2}/, rest) && u.protocol !== 'file:')
                return parseRelative(u, rest, base, input);
            return parseAuthority(u, replaceAll(rest, /^[/\\]*/g, () => ''), input, u.protocol === 'file:' ? rest : null);
        }
        if (Str.startsWith(rest, '//'))
            return parseAuthority(u, Str.slice(rest, 2), input, null);
        rest = takeQuery(u, rest);
        if (rest[0] === '/')
            setPath(u, rest, list());
        else
            u.path = percentEncode(rest, C0_SET);
        return u;
    }
    if (!base)
        throw invalid(input, 'it is not absolute');
    u.protocol = base.protocol;
    if (typeof base.path === 'string') {
        if (rest !== '' || u.fragment === null)
            throw invalid(input, 'its base takes no relative references');
        return record({ ...base, fragment: u.fragment });
    }
    return parseRelative(u, rest, base, input);
}

// Cuts the query off `rest` and stores it.
function takeQuery(u, rest) {
    const mark = Str.indexOf(rest, '?');
    if (mark < 0)
        return rest;
    u.query = percentEncode(Str.slice(rest, mark + 1), isSpecial(u.protocol) ? SPECIAL_QUERY_SET : QUERY_SET);
    return Str.slice(rest, 0, mark);
}

function parseRelative(u, text, base, input) {
    const slashes = isSpecial(u.protocol) ? /^[/\\][/\\]/ : /^\/\//;
    if (matches(slashes, text)) {
        const rest = isSpecial(u.protocol) ? replaceAll(text, /^[/\\]+/g, () => '') : Str.slice(text, 2);
        return parseAuthority(u, rest, input, null);
    }
    u.user = base.user;
    u.password = base.password;
    u.host = base.host;
    u.port = base.port;
    const path = takeQuery(u, text);
    if (path === '') {
        u.path = copyList(base.path);
        if (u.query === null)
            u.query = base.query;
    } else if (path[0] === '/' || (path[0] === '\\' && isSpecial(u.protocol)))
        setPath(u, path, list());
    else {
        const above = copyList(base.path);
        if (above.length > 0)
            above.length--;
        setPath(u, `/${path}`, above);
    }
    return u;
}

function copyList(items) {
    const copy = list();
    for (let i = 0; i < items.length; i++)
        copy[i] = items[i];
    return copy;
}

// What follows the scheme and "//": user, host, port, path, query.  `file`: the text after "file:", whose host may be missing.
function parseAuthority(u, text, input, file) {
    const special = isSpecial(u.protocol);
    const end = exec(special ? /[/\\?]/ : /[/?]/, text);
    const hasHost = file === null || matches(/^[/\\]{2}(?![/\\])/, file);
    const authority = !hasHost ? '' : end ? Str.slice(text, 0, end.index) : text;
    const path = takeQuery(u, hasHost ? Str.slice(text, authority.length) : `/${text}`);
    const at = Str.lastIndexOf(authority, '@');
    if (at >= 0)
        takeUser(u, Str.slice(authority, 0, at));
    const hostPort = exec(/^(\[[^\]]*\]|[^:]*)(?::([0-9]*))?$/, Str.slice(authority, at + 1));
    if (!hostPort || (file !== null && (at >= 0 || hostPort[2] !== undefined)))
        throw invalid(input, 'host or port');
    setPort(u, hostPort[2] || '', input);
    if (hostPort[1] === '' && file === null && (special || at >= 0 || hostPort[2] !== undefined))
        throw invalid(input, 'it has no host');
    u.host = hostPort[1] === '' ? '' : parseHost(hostPort[1], special);
    if (u.host === null)
        throw invalid(input, 'its host is not valid');
    if (u.protocol === 'file:' && u.host === 'localhost')
        u.host = '';
    if (path !== '' || special)
        setPath(u, path, list());
    return u;
}

function takeUser(u, text) {
    const colon = Str.indexOf(text, ':');
    u.user = percentEncode(colon < 0 ? text : Str.slice(text, 0, colon), USER_SET);
    u.password = colon < 0 ? '' : percentEncode(Str.slice(text, colon + 1), USER_SET);
}

function setPort(u, digits, input) {
    if (digits !== '' && !(+digits <= 65535))
        throw invalid(input, 'its port is too large');
    const port = digits === '' ? '' : `${+digits}`;
    u.port = port === PORTS[u.protocol] ? '' : port;
}

// `text` begins with a slash or is empty; its segments come after those of `above`.
function setPath(u, text, above) {
    const special = isSpecial(u.protocol);
    const plain = special ? replaceAll(text, /\\/g, () => '/') : text;
    if (plain === '' && !special) {
        u.path = above;
        return;
    }
    const segments = split(plain[0] === '/' ? Str.slice(plain, 1) : plain, '/');
    const path = above;
    for (let i = 0; i < segments.length; i++) {
        const last = i === segments.length - 1;
        const dots = dotSegment(segments[i]);
        if (dots === 2 && path.length > 0)
            path.length--;
        if (dots === 0)
            path[path.length] = percentEncode(segments[i], PATH_SET);
        else if (last)
            path[path.length] = '';
    }
    u.path = path;
}

// 1 for ".", 2 for "..", also percent-encoded; else 0.
function dotSegment(segment) {
    if (matches(/^(\.|%2e)$/i, segment))
        return 1;
    return matches(/^(\.|%2e){2}$/i, segment) ? 2 : 0;
}

const pathText = (u) => (typeof u.path === 'string' ? u.path : u.path.length > 0 ? `/${Arr.join(u.path, '/')}` : '');
const hostText = (u) => (u.host === null ? '' : u.host + (u.port === '' ? '' : `:${u.port}`));

function hrefOf(u) {
    let out = u.protocol;
    if (u.host !== null) {
        const password = u.password === '' ? '' : `:${u.password}`;
        out += `//${u.user === '' && password === '' ? '' : `${u.user}${password}@`}${hostText(u)}`;
    } else if (typeof u.path !== 'string' && u.path.length > 1 && u.path[0] === '')
        out += '/.';
    out += pathText(u);
    return out + (u.query === null ? '' : `?${u.query}`) + (u.fragment === null ? '' : `#${u.fragment}`);
}
