// SPDX-License-Identifier: MIT
// The class Headers, over header.js.

let headersFrom; // (list)

class Headers {
    #pairs = list();
    constructor(init = undefined) {
        if (init === undefined || init === null)
            return;
        const pairs = late.isHeaders(init) ? copyPairs(init.#pairs) : pairsFrom(init, 'Headers');
        for (let i = 0; i < pairs.length; i++)
            this.append(pairs[i].name, pairs[i].value);
    }
    static {
        late.isHeaders = (v) => isObject(v) && #pairs in v;
        late.headerPairs = (h) => h.#pairs;
        headersFrom = (pairs) => {
            const h = new Headers();
            h.#pairs = pairs;
            return h;
        };
    }
    append(name, value) {
        const n = headerName(name);
        this.#pairs[this.#pairs.length] = pair(n, headerValue(n, value));
    }
    set(name, value) {
        const n = headerName(name);
        setPair(this.#pairs, n, headerValue(n, value));
        this.#pairs = dropRepeats(this.#pairs, n);
    }
    delete(name) {
        const n = headerName(name);
        this.#pairs = keep(this.#pairs, (p) => p.name !== n);
    }
    get(name) {
        return headerOf(this.#pairs, headerName(name));
    }
    has(name) {
        return headerOf(this.#pairs, headerName(name)) !== null;
    }
    getSetCookie() {
        const found = keep(this.#pairs, (p) => p.name === 'set-cookie');
        for (let i = 0; i < found.length; i++)
            found[i] = found[i].value;
        return toArray(found);
    }
    forEach(f, self) {
        const all = joinHeaders(this.#pairs);
        for (let i = 0; i < all.length; i++)
            apply(f, self, [all[i].value, all[i].name, this]);
    }
    *entries() {
        const all = joinHeaders(this.#pairs);
        for (let i = 0; i < all.length; i++)
            yield [all[i].name, all[i].value];
    }
    *keys() {
        const all = joinHeaders(this.#pairs);
        for (let i = 0; i < all.length; i++)
            yield all[i].name;
    }
    *values() {
        const all = joinHeaders(this.#pairs);
        for (let i = 0; i < all.length; i++)
            yield all[i].value;
    }
}
put(Headers.prototype, iteratorKey, Headers.prototype.entries, false);
tag(Headers, 'Headers');
