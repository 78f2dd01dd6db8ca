// SPDX-License-Identifier: MIT
// The class URLSearchParams, over form.js.

let paramsOf; // (URL object, query)
let paramsReset;

class URLSearchParams {
    #pairs = list();
    #url;
    constructor(init = '') {
        if (late.isParams(init))
            this.#pairs = copyPairs(init.#pairs);
        else if (isObject(init))
            this.#pairs = pairsFrom(init, 'URLSearchParams');
        else
            this.#pairs = parseForm(Str.startsWith(`${init}`, '?') ? Str.slice(`${init}`, 1) : `${init}`);
    }
    static {
        late.isParams = (v) => isObject(v) && #pairs in v;
        late.paramsText = (p) => formText(p.#pairs);
        paramsReset = (p, query) => {
            p.#pairs = parseForm(query);
        };
        paramsOf = (url, query) => {
            const p = new URLSearchParams();
            p.#pairs = parseForm(query);
            p.#url = url;
            return p;
        };
    }
    get size() {
        return this.#pairs.length;
    }
    append(name, value) {
        this.#pairs[this.#pairs.length] = pair(`${name}`, `${value}`);
        this.#changed();
    }
    delete(name, value) {
        this.#pairs = keep(this.#pairs, (p) => p.name !== `${name}` || (value !== undefined && p.value !== `${value}`));
        this.#changed();
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
    has(name, value) {
        return keep(this.#pairs, (p) => p.name === `${name}` && (value === undefined || p.value === `${value}`)).length > 0;
    }
    set(name, value) {
        setPair(this.#pairs, `${name}`, `${value}`);
        this.#pairs = dropRepeats(this.#pairs, `${name}`);
        this.#changed();
    }
    sort() {
        Arr.sort(this.#pairs, (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
        this.#changed();
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
    toString() {
        return formText(this.#pairs);
    }
    #changed() {
        if (this.#url !== undefined)
            urlQuery(this.#url, formText(this.#pairs));
    }
}
put(URLSearchParams.prototype, iteratorKey, URLSearchParams.prototype.entries, false);
tag(URLSearchParams, 'URLSearchParams');
