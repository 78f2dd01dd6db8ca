// SPDX-License-Identifier: MIT
// Reading a message, a stack and a line out of whatever a script has thrown.

const MESSAGE_MAX = 9900; // C cuts at 10000 and 20000
const STACK_MAX = 19900;

function cut(text, most) {
    if (text.length <= most)
        return text;
    return Str.toWellFormed(Str.slice(text, 0, most)) + `… (${text.length - most} more characters)`;
}

// object[key] of something hostile: undefined when reading it throws.
function readQuietly(object, key) {
    try {
        return object[key];
    } catch {
        return undefined;
    }
}

// One line for people out of what was thrown.
function messageOf(thrown) {
    if (typeof thrown === 'string')
        return cut(thrown, MESSAGE_MAX) || 'The script threw an empty text';
    if (!isObject(thrown))
        return `The script threw ${typeof thrown === 'symbol' ? 'a symbol' : thrown}`;
    const message = readQuietly(thrown, 'message');
    const name = readQuietly(thrown, 'name');
    if (typeof message === 'string' && message !== '')
        return cut(message, MESSAGE_MAX);
    if (typeof name === 'string' && name !== '' && typeof message === 'string')
        return cut(name, MESSAGE_MAX);
    return cut(`The script threw ${inspect(thrown)}`, MESSAGE_MAX);
}

function stackOf(thrown) {
    const stack = isObject(thrown) ? readQuietly(thrown, 'stack') : undefined;
    return typeof stack === 'string' && stack !== '' ? cut(stack, STACK_MAX) : undefined;
}

const HEAD_LINES = 2; // what a Function constructor puts before the first line of the code

// The line of the code that an error of the engine speaks of, from 1; undefined when unknown.
function lineOf(thrown, lines) {
    const line = isObject(thrown) ? readQuietly(thrown, 'line') : undefined;
    if (typeof line !== 'number' || !isInteger(line) || line <= HEAD_LINES)
        return undefined;
    return min(line - HEAD_LINES, lines);
}

function isOutOfMemory(thrown) {
    try {
        return isObject(thrown) && isPrototypeOf(RangeErrorPrototype, thrown) && thrown.message === 'Out of memory';
    } catch {
        return false; // a Proxy
    }
}
const RangeErrorPrototype = RangeError.prototype;
