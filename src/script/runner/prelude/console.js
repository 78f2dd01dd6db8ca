// SPDX-License-Identifier: MIT
// console and the texts of values in logs.  Objects are printed as JSON would, with what JSON leaves out or refuses (errors, maps,
// cycles, big integers) in readable forms, and with caps: a log line is for people.

const TEXT_MAX = 16000; // characters of a line; C cuts above that
const DEPTH_MAX = 12;

// Appends to out.parts the text of a value; out.left is what room remains.
function describe(out, v, depth, above) {
    if (out.left <= 0)
        return;
    if (!isObject(v))
        return emit(out, describePrimitive(v));
    if (Arr.includes(above, v))
        return emit(out, '"[Circular]"');
    if (depth > DEPTH_MAX)
        return emit(out, isArray(v) ? '[…]' : '{…}');
    above[above.length] = v;
    try {
        describeObject(out, v, depth, above);
    } catch (e) {
        if (isOutOfMemory(e))
            throw e;
        emit(out, '"[cannot be read]"');
    }
    above.length--;
}

function emit(out, text) {
    out.parts[out.parts.length] = text;
    out.left -= text.length;
}

function describePrimitive(v) {
    if (typeof v === 'string')
        return stringify(v.length > TEXT_MAX ? cut(v, TEXT_MAX) : v);
    if (typeof v === 'bigint')
        return `${v}n`;
    if (typeof v === 'symbol')
        return apply(symbolText, v, []);
    return v === 0 ? '0' : `${v}`;
}
const symbolText = Symbol.prototype.toString;

function describeObject(out, v, depth, above) {
    if (typeof v === 'function')
        return emit(out, `[Function ${typeof v.name === 'string' && v.name ? cut(v.name, 100) : '(anonymous)'}]`);
    if (isArray(v))
        return describeItems(out, '[', ']', v.length, (i) => describe(out, v[i], depth + 1, above));
    if (isError(v))
        return emit(out, describeError(v));
    if (isBytes(v)) {
        const bytes = bytesOf(v, '');
        const shown = toHex(Bytes.subarray(bytes, 0, 32));
        return emit(out, `<${viewLength(bytes)} bytes: ${shown}${viewLength(bytes) > 32 ? '…' : ''}>`);
    }
    if (describeKnown(out, v, depth, above))
        return undefined;
    if (typeof v.toJSON === 'function')
        return describe(out, v.toJSON(), depth + 1, above);
    const keys = Object_keys(v);
    return describeItems(out, '{', '}', keys.length, (i) => {
        emit(out, stringify(keys[i]) + ':');
        describe(out, v[keys[i]], depth + 1, above);
    });
}
const Object_keys = Object.keys;

function describeItems(out, open, close, n, item) {
    emit(out, open);
    for (let i = 0; i < n && out.left > 0; i++) {
        if (i > 0)
            emit(out, ',');
        item(i);
    }
    emit(out, close);
}

// Maps, sets, dates, expressions and promises.  False: it is none of these.
function describeKnown(out, v, depth, above) {
    if (isPrototypeOf(Map.prototype, v)) {
        const pairs = list();
        Maps.forEach(v, (value, key) => {
            if (pairs.length < 1000)
                pairs[pairs.length] = [key, value];
        });
        emit(out, `Map(${mapSize(v)}) `);
        describeItems(out, '{', '}', pairs.length, (i) => {
            describe(out, pairs[i][0], depth + 1, above);
            emit(out, ' => ');
            describe(out, pairs[i][1], depth + 1, above);
        });
    } else if (isPrototypeOf(Set.prototype, v)) {
        const items = list();
        Sets.forEach(v, (value) => {
            if (items.length < 1000)
                items[items.length] = value;
        });
        emit(out, `Set `);
        describeItems(out, '{', '}', items.length, (i) => describe(out, items[i], depth + 1, above));
    } else if (isPrototypeOf(Promise.prototype, v))
        emit(out, '[Promise]');
    else if (isPrototypeOf(RegExp.prototype, v))
        emit(out, `${v}`);
    else
        return false;
    return true;
}

const ErrorPrototype = Error.prototype;
const isError = (v) => isPrototypeOf(ErrorPrototype, v);

function describeError(e) {
    const name = readQuietly(e, 'name');
    const message = readQuietly(e, 'message');
    const text = `${typeof name === 'string' ? name : 'Error'}: ${typeof message === 'string' ? message : '?'}`;
    const cause = readQuietly(e, 'cause');
    return cut(text, TEXT_MAX) + (isError(cause) && cause !== e ? ` (cause: ${cut(messageOf(cause), 1000)})` : '');
}

// The text of one value; a text itself is quoted.
function inspect(v) {
    const out = record({ parts: list(), left: TEXT_MAX });
    describe(out, v, 0, list());
    return cut(Arr.join(out.parts, ''), TEXT_MAX);
}

const shown = (v) => (typeof v === 'string' ? v : inspect(v));

// console.log's %s %d %i %f %j %o %O %c %%, when the first argument is a text with some.
function format(args) {
    let next = 1;
    let text = shown(args[0]);
    if (typeof args[0] === 'string' && args.length > 1 && Str.indexOf(text, '%') >= 0)
        text = replaceAll(cut(text, TEXT_MAX), /%[sdifjoOc%]/g, (m) => {
            if (m[0] === '%%')
                return '%';
            return next < args.length ? formatOne(m[0], args[next++]) : m[0];
        });
    let left = TEXT_MAX - text.length;
    for (; next < args.length && left > 0; next++) {
        const more = shown(args[next]);
        left -= more.length;
        text += ' ' + more;
    }
    return cut(text, TEXT_MAX);
}

function formatOne(how, v) {
    if (how === '%c')
        return '';
    if (how === '%s' || how === '%j' || how === '%o' || how === '%O')
        return how === '%s' ? shown(v) : inspect(v);
    if (typeof v === 'bigint')
        return `${v}n`;
    if (isObject(v) || typeof v === 'symbol')
        return 'NaN';
    return `${how === '%d' ? +v : how === '%i' ? trunc(+v) : +v}`;
}

const writeLog = native.log;
const logger = (level) => (...args) => void writeLog(level, args.length ? format(args) : '');

function makeConsole() {
    const timers = new Map();
    const counts = new Map();
    const log = logger('log');
    const console = fresh({
        log, info: logger('info'), warn: logger('warn'), error: logger('error'), debug: logger('debug'),
        trace: logger('debug'), dir: (v) => log(v), table: (v) => log(v), group: log, groupCollapsed: log, groupEnd() {},
        assert(ok, ...args) {
            if (!ok)
                writeLog('error', args.length ? `Assertion failed: ${format(args)}` : 'Assertion failed');
        },
        count(label = 'default') {
            const n = (Maps.get(counts, `${label}`) || 0) + 1;
            Maps.set(counts, `${label}`, n);
            log(`${label}: ${n}`);
        },
        time(label = 'default') {
            Maps.set(timers, `${label}`, now());
        },
        timeEnd(label = 'default') {
            const since = Maps.get(timers, `${label}`);
            if (since !== undefined)
                log(`${label}: ${floor(now() - since)} ms`);
            Maps.delete(timers, `${label}`);
        },
    });
    console.timeLog = console.timeEnd;
    return console;
}
