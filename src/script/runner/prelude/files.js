// SPDX-License-Identifier: MIT
// Files: those that come in as values of data.input, and those that a returned value carries out.  The bytes of both stay outside of
// the JavaScript heap: an input's are fetched when `base64` is read, an output's are handed to the server one by one.

const sendFile = native.file;
const FILES_MAX = 20;
const FILES_BYTES = 100 * 1024 * 1024;
const MB = 1024 * 1024;

// Most bytes of one file, by its type; the first that matches.
const SIZE_LIMITS = [
    record({ type: /^image\//, most: 20 * MB, name: 'an image' }),
    record({ type: /^video\//, most: 20 * MB, name: 'a video' }),
    record({ type: /^audio\//, most: 200 * MB, name: 'an audio file' }),
    record({ type: /spreadsheet|excel|^text\/(csv|tab-separated-values)/, most: 30 * MB, name: 'a spreadsheet' }),
    record({ type: /^text\/|pdf|word|document|presentation|powerpoint|epub|rtf|rfc822|json|xml/, most: 256 * MB, name: 'a document' }),
    record({ type: /^/, most: 10 * MB, name: 'a file of this type' }),
];

// The object for an input file; `base64` is fetched at its first use.
function inputFile(file, index) {
    const data = fresh({ fileName: file.name, mimeType: file.mime, size: file.size });
    const set = (value) => put(data, 'base64', value);
    defineProperty(data, 'base64', record({
        get() {
            const text = toBase64(readFile(index), false);
            set(text);
            return text;
        },
        set, enumerable: true, configurable: true,
    }));
    put(data, 'lastModified', file.modified);
    return data;
}

function addInputFiles(input, files) {
    for (let i = 0; i < files.length; i++) {
        const file = inputFile(files[i], i);
        const { field } = files[i];
        if (!files[i].list)
            put(input, field, file);
        else if (isArray(ownValue(input, field)))
            put(input[field], input[field].length, file);
        else
            put(input, field, toArray([file]));
    }
}

const has = (object, key) => object[key] !== undefined && object[key] !== null;

// An object is meant as a file when it has two of name, type and content: data of other services often has one of them.
function looksLikeFile(v) {
    if (!isObject(v) || isArray(v))
        return false;
    const content = has(v, 'base64') || has(v, 'text') || has(v, 'buffer');
    return has(v, 'fileName') + has(v, 'mimeType') + content >= 2;
}

// {path, value}: where it would stand in a message.
function fileError(path, text) {
    return new TypeError(`${path || 'The returned file'}${path ? ': ' : ' '}${text}`);
}

function cleanName(path, name) {
    if (typeof name !== 'string' || name === '')
        throw fileError(path, 'fileName must be a text');
    if (name.length > 255)
        throw fileError(path, 'fileName is longer than 255 characters');
    if (matches(/[\x00-\x1f\x7f/\\]/, name) || name === '.' || name === '..')
        throw fileError(path, 'fileName must be a plain name without slashes and control characters');
    return Str.toWellFormed(name);
}

function cleanType(path, type) {
    const form = /^[!#$&^_.+0-9A-Za-z-]+\/[!#$&^_.+0-9A-Za-z-]+ *(;[\x20-\x7e]*)?$/;
    if (typeof type !== 'string' || type.length > 200 || !matches(form, type))
        throw fileError(path, 'mimeType must be a type such as text/csv');
    return type;
}

// ISO text of a date in any of the usual forms; now when there is none.
function cleanDate(path, value) {
    if (value === undefined || value === null)
        return Dates.toISOString(new Date());
    const time = Dates.getTime(isPrototypeOf(Date.prototype, value) ? value : new Date(isObject(value) ? NaN : value));
    if (!(time >= 0 && time < 253402300800000))
        throw fileError(path, 'lastModified is not a date');
    return Dates.toISOString(new Date(time));
}

function fileBytes(path, v) {
    const n = has(v, 'base64') + has(v, 'text') + has(v, 'buffer');
    if (n !== 1)
        throw fileError(path, n ? 'give either base64 or text, not both' : 'base64 or text is missing');
    if (has(v, 'text')) {
        if (typeof v.text !== 'string')
            throw fileError(path, 'text must be a text');
        return utf8(v.text);
    }
    if (has(v, 'buffer')) {
        if (!isBytes(v.buffer))
            throw fileError(path, 'buffer must be an ArrayBuffer or a typed array');
        return bytesOf(v.buffer, 'buffer');
    }
    const text = v.base64;
    const standard = typeof text === 'string' && matches(/[-_]/, text) ? replaceAll(text, /[-_]/g, plusSlash) : text;
    const bytes = typeof text === 'string' ? fromBase64(standard) : null;
    if (bytes === null)
        throw fileError(path, 'base64 is not base64');
    return bytes;
}
const plusSlash = (m) => (m[0] === '-' ? '+' : '/');

function checkSize(path, mime, size) {
    const type = Str.toLowerCase(mime);
    for (let i = 0; i < SIZE_LIMITS.length; i++)
        if (matches(SIZE_LIMITS[i].type, type)) {
            if (size > SIZE_LIMITS[i].most)
                throw fileError(path, `${SIZE_LIMITS[i].name} may have at most ${SIZE_LIMITS[i].most / MB} MB`);
            return;
        }
}

// Hands one file to the server; gives what stands for it in the value.
function takeFile(sent, at, path, v) {
    const name = cleanName(path, v.fileName);
    const mime = cleanType(path, v.mimeType);
    const modified = cleanDate(path, v.lastModified);
    const bytes = fileBytes(path, v);
    const size = isArrayBuffer(bytes) ? bufferLength(bytes) : viewLength(bytes);
    checkSize(path, mime, size);
    if (++sent.count > FILES_MAX)
        throw new RangeError(`More than ${FILES_MAX} files were returned`);
    if ((sent.bytes += size) > FILES_BYTES)
        throw new RangeError(`The returned files have more than ${FILES_BYTES / MB} MB together`);
    sendFile(stringify(record({ at, name, mime, modified })), bytes);
    const made = fresh({ fileName: name, mimeType: mime, size });
    if (typeof v.url === 'string')
        put(made, 'url', cut(v.url, 2000));
    return made;
}

function pathTo(at) {
    let text = '';
    for (let i = 0; i < at.length; i++)
        text += typeof at[i] === 'number' ? `[${at[i]}]` : text === '' ? at[i] : `.${at[i]}`;
    return text;
}

const below = (at, key) => {
    const longer = copyList(at);
    longer[at.length] = key;
    return longer;
};

// `files` of the returned value or of an event: one file or an array of them; elements that are no files stay.
function takeFiles(sent, at, files) {
    if (looksLikeFile(files))
        return takeFile(sent, at, pathTo(at), files);
    if (!isArray(files))
        return files;
    const taken = [];
    for (let i = 0; i < files.length; i++) {
        const here = below(at, i);
        put(taken, i, looksLikeFile(files[i]) ? takeFile(sent, here, pathTo(here), files[i]) : files[i]);
    }
    return taken;
}

// A shallow copy with one key replaced: the script's own objects stay as they are.
function withKey(object, key, value) {
    const copy = {};
    const keys = Object_keys(object);
    for (let i = 0; i < keys.length; i++)
        put(copy, keys[i], keys[i] === key ? value : object[keys[i]]);
    return copy;
}

// The returned value with every file sent and replaced by its description.
function takeOutput(value) {
    const sent = record({ count: 0, bytes: 0 });
    if (!isObject(value) || typeof value === 'function')
        return value;
    if (isArray(value))
        return takeEvents(sent, value);
    if (hasOwn(value, 'files') && isObject(value.files))
        return withKey(value, 'files', takeFiles(sent, below(list(), 'files'), value.files));
    const content = has(value, 'base64') || has(value, 'text') || has(value, 'buffer');
    if (has(value, 'fileName') && has(value, 'mimeType') && content)
        return takeFile(sent, list(), '', value);
    return value;
}

// Events of a trigger carry files in event.data.files.
function takeEvents(sent, events) {
    const taken = [];
    for (let i = 0; i < events.length; i++) {
        const data = isObject(events[i]) ? ownValue(events[i], 'data') : undefined;
        const files = isObject(data) ? ownValue(data, 'files') : undefined;
        if (!isObject(files)) {
            put(taken, i, events[i]);
            continue;
        }
        const at = below(below(below(list(), i), 'data'), 'files');
        put(taken, i, withKey(events[i], 'data', withKey(data, 'files', takeFiles(sent, at, files))));
    }
    return taken;
}
