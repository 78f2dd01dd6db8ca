// SPDX-License-Identifier: MIT
// Lists of pairs of a name and a value: forms, queries, and what they are made of: the plain objects that scripts pass as `params` or
// as bodies of forms.

const FORM_SET = /[^a-zA-Z0-9*._-]+/g;

// application/x-www-form-urlencoded
const formEncode = (text) =>
    replaceAll(Str.toWellFormed(text), FORM_SET, (m) => replaceAll(percentBytes(m[0]), /%20/g, () => '+'));
const formDecode = (text) => utf8Text(percentDecode(replaceAll(text, /\+/g, () => ' ')), false);

// A list of pairs.
function parseForm(text) {
    const pairs = list();
    const parts = split(text, '&');
    for (let i = 0; i < parts.length; i++) {
        if (parts[i] === '')
            continue;
        const eq = Str.indexOf(parts[i], '=');
        const name = eq < 0 ? parts[i] : Str.slice(parts[i], 0, eq);
        pairs[pairs.length] = pair(formDecode(name), eq < 0 ? '' : formDecode(Str.slice(parts[i], eq + 1)));
    }
    return pairs;
}
const pair = (name, value) => record({ name, value });

function formText(pairs) {
    const parts = list();
    for (let i = 0; i < pairs.length; i++)
        parts[i] = `${formEncode(pairs[i].name)}=${formEncode(pairs[i].value)}`;
    return Arr.join(parts, '&');
}

// The pairs that an object stands for: arrays repeat the key, objects make key[inner], undefined and null are left out.
function pairsOf(object) {
    const pairs = list();
    const keys = Object_keys(object);
    for (let i = 0; i < keys.length; i++)
        addPairs(pairs, keys[i], object[keys[i]], 0);
    return pairs;
}

function addPairs(pairs, name, value, depth) {
    if (value === undefined || value === null)
        return;
    if (depth > 20)
        throw new TypeError(`The value of ${cut(name, 100)} is nested too deeply for a form or query`);
    if (isArray(value)) {
        for (let i = 0; i < value.length; i++)
            addPairs(pairs, name, value[i], depth + 1);
    } else if (isObject(value) && !isPrototypeOf(Date.prototype, value) && !late.isUrl(value)) {
        const keys = Object_keys(value);
        for (let i = 0; i < keys.length; i++)
            addPairs(pairs, `${name}[${keys[i]}]`, value[keys[i]], depth + 1);
    } else
        pairs[pairs.length] = pair(name, isObject(value) && !late.isUrl(value) ? Dates.toISOString(value) : `${value}`);
}

// Pairs of whatever URLSearchParams or Headers may be made of.
function pairsFrom(init, who) {
    const pairs = list();
    if (!isIterable(init)) {
        const keys = Object_keys(init);
        for (let i = 0; i < keys.length; i++)
            pairs[i] = pair(keys[i], `${init[keys[i]]}`);
        return pairs;
    }
    const items = collect(init);
    for (let i = 0; i < items.length; i++) {
        const two = isObject(items[i]) ? collect(items[i]) : list();
        if (two.length !== 2)
            throw new TypeError(`${who} needs pairs of a name and a value`);
        pairs[i] = pair(`${two[0]}`, `${two[1]}`);
    }
    return pairs;
}

function keep(pairs, test) {
    const kept = list();
    for (let i = 0; i < pairs.length; i++)
        if (test(pairs[i]))
            kept[kept.length] = pairs[i];
    return kept;
}

function copyPairs(pairs) {
    const copy = list();
    for (let i = 0; i < pairs.length; i++)
        copy[i] = pair(pairs[i].name, pairs[i].value);
    return copy;
}

// The first pair of the name gets the value; without one it is appended.
function setPair(pairs, name, value) {
    for (let i = 0; i < pairs.length; i++)
        if (pairs[i].name === name) {
            pairs[i].value = value;
            return;
        }
    pairs[pairs.length] = pair(name, value);
}

function dropRepeats(pairs, name) {
    let seen = false;
    return keep(pairs, (p) => {
        const drop = p.name === name && seen;
        seen = seen || p.name === name;
        return !drop;
    });
}
