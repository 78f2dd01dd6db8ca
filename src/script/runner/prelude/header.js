// SPDX-License-Identifier: MIT
// The rules for names and values of headers that hold for every request; lists of headers.

const isToken = (text) => matches(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, text);

function headerName(name) {
    if (!isToken(`${name}`))
        throw new TypeError(`${inspect(cut(`${name}`, 100))} cannot be the name of a header`);
    return Str.toLowerCase(`${name}`);
}

// Values lose blanks at their ends; a line break inside would begin another header.
function headerValue(name, value) {
    const text = trimEnds(`${value}`, (c) => c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0d);
    if (matches(/[\x00-\x08\x0a-\x1f\x7f]/, text))
        throw new TypeError(`The value of the header ${name} has a line break or control character`);
    if (matches(/[^\x00-\xff]/, text))
        throw new TypeError(`The value of the header ${name} has characters beyond U+00FF; encode it first`);
    return text;
}

// All values of a name, joined; null when there is none.
function headerOf(pairs, name) {
    let value = null;
    for (let i = 0; i < pairs.length; i++)
        if (pairs[i].name === name)
            value = value === null ? pairs[i].value : `${value}, ${pairs[i].value}`;
    return value;
}

// Sorted, one pair a name; set-cookie stays apart, as fetch has it.
function joinHeaders(pairs) {
    const joined = list();
    const at = record({});
    for (let i = 0; i < pairs.length; i++) {
        const { name, value } = pairs[i];
        if (at[name] === undefined || name === 'set-cookie') {
            at[name] = joined.length;
            joined[joined.length] = pair(name, value);
        } else
            joined[at[name]].value += `, ${value}`;
    }
    return Arr.sort(joined, (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

// The headers of a response as ld.request gives them: an ordinary object.
function headerObject(pairs) {
    const object = {};
    for (let i = 0; i < pairs.length; i++)
        put(object, pairs[i].name, headerOf(pairs, pairs[i].name));
    return object;
}
