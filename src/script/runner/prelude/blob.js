// SPDX-License-Identifier: MIT
// Blob, File, FormData and the multipart body that a FormData becomes.

class Blob {
    #bytes;
    #type;
    constructor(parts = [], options = undefined) {
        const from = collect(parts);
        const views = list();
        for (let i = 0; i < from.length; i++)
            views[i] = late.isBlob(from[i]) ? from[i].#bytes : patternOf(isBytes(from[i]) ? from[i] : `${from[i]}`);
        const type = options && options.type !== undefined ? `${options.type}` : '';
        this.#bytes = concatBytes(views);
        this.#type = matches(/[^\x20-\x7e]/, type) ? '' : Str.toLowerCase(type);
    }
    static {
        late.isBlob = (v) => isObject(v) && #bytes in v;
        late.blobBytes = (b) => b.#bytes;
    }
    get size() {
        return viewLength(this.#bytes);
    }
    get type() {
        return this.#type;
    }
    slice(start, end, type = '') {
        const size = viewLength(this.#bytes);
        const from = clampIndex(start, size, 0);
        return new Blob([Bytes.subarray(this.#bytes, from, max(from, clampIndex(end, size, size)))], fresh({ type }));
    }
    async text() {
        return withoutBOM(utf8Text(this.#bytes, false));
    }
    async arrayBuffer() {
        return copyOf(this.#bytes);
    }
    async bytes() {
        return new Uint8Array(copyOf(this.#bytes));
    }
}
tag(Blob, 'Blob');

class File extends Blob {
    #name;
    #modified;
    constructor(parts, name, options = undefined) {
        super(parts, options);
        this.#name = `${name}`;
        this.#modified = options && options.lastModified !== undefined ? trunc(+options.lastModified) : dateNow();
    }
    get name() {
        return this.#name;
    }
    get lastModified() {
        return this.#modified;
    }
}
tag(File, 'File');

let formDataFrom;

class FormData {
    #pairs = list();
    static {
        late.isFormData = (v) => isObject(v) && #pairs in v;
        late.formDataPairs = (f) => f.#pairs;
        formDataFrom = (pairs) => {
            const f = new FormData();
            f.#pairs = pairs;
            return f;
        };
    }
    append(name, value, fileName) {
        this.#pairs[this.#pairs.length] = formPair(name, value, fileName);
    }
    set(name, value, fileName) {
        const p = formPair(name, value, fileName);
        setPair(this.#pairs, p.name, p.value);
        this.#pairs = dropRepeats(this.#pairs, p.name);
    }
    delete(name) {
        this.#pairs = keep(this.#pairs, (p) => p.name !== `${name}`);
    }
    get(name) {
        const found = keep(this.#pairs, (p) => p.name === `${name}`);
        return found.length > 0 ? found[0].value : null;
    }
    getAll(name) {
        const found = keep(this.#pairs, (p) => p.name === `${name}`);
        for (let i = 0; i < found.length; i++)
            found[i] = found[i].value;
        return toArray(found);
    }
    has(name) {
        return keep(this.#pairs, (p) => p.name === `${name}`).length > 0;
    }
    forEach(f, self) {
        for (let i = 0; i < this.#pairs.length; i++)
            apply(f, self, [this.#pairs[i].value, this.#pairs[i].name, this]);
    }
    *entries() {
        for (let i = 0; i < this.#pairs.length; i++)
            yield [this.#pairs[i].name, this.#pairs[i].value];
    }
    *keys() {
        for (let i = 0; i < this.#pairs.length; i++)
            yield this.#pairs[i].name;
    }
    *values() {
        for (let i = 0; i < this.#pairs.length; i++)
            yield this.#pairs[i].value;
    }
}
put(FormData.prototype, iteratorKey, FormData.prototype.entries, false);
tag(FormData, 'FormData');

function formPair(name, value, fileName) {
    if (!late.isBlob(value))
        return pair(`${name}`, `${value}`);
    if (fileName === undefined && isPrototypeOf(File.prototype, value))
        return pair(`${name}`, value);
    const bytes = late.blobBytes(value);
    const type = value.type;
    return pair(`${name}`, new File([bytes], fileName === undefined ? 'blob' : fileName, fresh({ type })));
}

// Names in a part's head, as browsers write them.
const quoteName = (text) =>
    replaceAll(text, /\r\n?|\n|"/g, (m) => (m[0] === '"' ? '%22' : '%0D%0A'));

// {bytes, type} of the multipart body.
function multipart(pairs) {
    const boundary = `----sluice${toHex(randomBytes(16))}`;
    const views = list();
    const text = (t) => {
        views[views.length] = new Uint8Array(utf8(t));
    };
    for (let i = 0; i < pairs.length; i++) {
        const { name, value } = pairs[i];
        const head = `--${boundary}\r\nContent-Disposition: form-data; name="${quoteName(name)}"`;
        if (late.isBlob(value)) {
            const type = value.type || 'application/octet-stream';
            text(`${head}; filename="${quoteName(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`);
            views[views.length] = late.blobBytes(value);
        } else
            text(`${head}\r\n\r\n${replaceAll(value, /\r\n?|\n/g, () => '\r\n')}`);
        text('\r\n');
    }
    text(`--${boundary}--\r\n`);
    return record({ bytes: concatBytes(views), type: `multipart/form-data; boundary=${boundary}` });
}
