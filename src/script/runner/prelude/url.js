// SPDX-License-Identifier: MIT
// The class URL, over address.js.

let urlQuery; // (URL object, text): its URLSearchParams have changed

class URL {
    #u;
    #params;
    constructor(url, base) {
        const text = `${url}`;
        this.#u = parseUrl(text, base === undefined ? null : parseUrl(`${base}`, null));
    }
    static {
        late.isUrl = (v) => isObject(v) && #u in v;
        late.urlRecord = (v) => v.#u;
        urlQuery = (v, text) => {
            v.#u.query = text === '' ? null : text;
        };
    }
    static canParse(url, base) {
        return URL.parse(url, base) !== null;
    }
    static parse(url, base) {
        try {
            return new URL(url, base);
        } catch {
            return null;
        }
    }
    get href() {
        return hrefOf(this.#u);
    }
    set href(text) {
        this.#u = parseUrl(`${text}`, null);
        this.#refresh();
    }
    get origin() {
        const u = this.#u;
        return isSpecial(u.protocol) && u.protocol !== 'file:' ? `${u.protocol}//${hostText(u)}` : 'null';
    }
    get protocol() {
        return this.#u.protocol;
    }
    set protocol(text) {
        const m = exec(/^([a-zA-Z][a-zA-Z0-9+.-]*)(:|$)/, withoutBreaks(`${text}`));
        const next = m && `${Str.toLowerCase(m[1])}:`;
        if (!next || isSpecial(next) !== isSpecial(this.#u.protocol))
            return;
        this.#u.protocol = next;
        setPort(this.#u, this.#u.port, '');
    }
    get username() {
        return this.#u.user;
    }
    set username(text) {
        if (this.#u.host)
            this.#u.user = percentEncode(Str.toWellFormed(`${text}`), USER_SET);
    }
    get password() {
        return this.#u.password;
    }
    set password(text) {
        if (this.#u.host)
            this.#u.password = percentEncode(Str.toWellFormed(`${text}`), USER_SET);
    }
    get host() {
        return hostText(this.#u);
    }
    set host(text) {
        const m = exec(/^(\[[^\]]*\]|[^:/?#\\]*)(?::([0-9]*))?/, withoutBreaks(`${text}`));
        if (!this.#setHost(`${text}`) || !m[2])
            return;
        this.port = m[2];
    }
    get hostname() {
        return this.#u.host || '';
    }
    set hostname(text) {
        if (!matches(/^[^[/?#\\]*:/, `${text}`))
            this.#setHost(`${text}`);
    }
    get port() {
        return this.#u.port;
    }
    set port(text) {
        const m = exec(/^[0-9]*/, `${text}`);
        if (this.#u.host && this.#u.protocol !== 'file:' && (m[0] !== '' || `${text}` === '') && +m[0] <= 65535)
            setPort(this.#u, m[0], '');
    }
    get pathname() {
        return pathText(this.#u);
    }
    set pathname(text) {
        if (typeof this.#u.path !== 'string')
            setPath(this.#u, withoutBreaks(Str.toWellFormed(`${text}`)), list());
    }
    get search() {
        return this.#u.query ? `?${this.#u.query}` : '';
    }
    set search(text) {
        const query = Str.toWellFormed(`${text}`);
        this.#u.query = null;
        if (query !== '')
            takeQuery(this.#u, withoutBreaks(query[0] === '?' ? query : `?${query}`));
        this.#refresh();
    }
    get searchParams() {
        if (this.#params === undefined)
            this.#params = paramsOf(this, this.#u.query || '');
        return this.#params;
    }
    get hash() {
        return this.#u.fragment ? `#${this.#u.fragment}` : '';
    }
    set hash(text) {
        const fragment = Str.toWellFormed(`${text}`);
        const plain = withoutBreaks(fragment[0] === '#' ? Str.slice(fragment, 1) : fragment);
        this.#u.fragment = fragment === '' ? null : percentEncode(plain, FRAGMENT_SET);
    }
    toString() {
        return hrefOf(this.#u);
    }
    toJSON() {
        return hrefOf(this.#u);
    }
    #setHost(text) {
        const special = isSpecial(this.#u.protocol);
        const name = exec(special ? /^(\[[^\]]*\]|[^:/?#\\]*)/ : /^(\[[^\]]*\]|[^:/?#]*)/, withoutBreaks(text))[1];
        const keeps = name === '' && (special || this.#u.user !== '' || this.#u.password !== '' || this.#u.port !== '');
        const host = keeps || typeof this.#u.path === 'string' ? null : name === '' ? '' : parseHost(name, special);
        if (host !== null)
            this.#u.host = host;
        return host !== null;
    }
    #refresh() {
        if (this.#params !== undefined)
            paramsReset(this.#params, this.#u.query || '');
    }
}
tag(URL, 'URL');
