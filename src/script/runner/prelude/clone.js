// SPDX-License-Identifier: MIT
// structuredClone: deep copies of plain values, dates, maps, sets, expressions, errors and bytes, with cycles kept.

const cannotClone = (v) => new DOMException(`${cut(inspect(v), 100)} cannot be cloned`, 'DataCloneError');

function cloneValue(seen, v) {
    if (typeof v === 'symbol' || typeof v === 'function')
        throw cannotClone(v);
    if (!isObject(v))
        return v;
    if (Maps.has(seen, v))
        return Maps.get(seen, v);
    const copy = cloneKnown(seen, v);
    if (copy !== undefined)
        return copy;
    const made = isArray(v) ? [] : {};
    Maps.set(seen, v, made);
    if (isArray(v))
        made.length = v.length;
    const keys = Object_keys(v);
    for (let i = 0; i < keys.length; i++)
        put(made, keys[i], cloneValue(seen, v[keys[i]]));
    return made;
}

// Objects of the language that are not plain; undefined when it is none of them.
function cloneKnown(seen, v) {
    const remember = (made) => (Maps.set(seen, v, made), made);
    if (isArray(v))
        return undefined;
    if (isArrayBuffer(v))
        return remember(bufferSlice(v, 0));
    if (isView(v))
        return remember(cloneView(seen, v));
    if (isPrototypeOf(Date.prototype, v))
        return remember(new Date(Dates.getTime(v)));
    if (isPrototypeOf(RegExp.prototype, v))
        return remember(new RegExp(regexSource(v), regexFlags(v)));
    if (isPrototypeOf(Map.prototype, v)) {
        const made = remember(new Map());
        Maps.forEach(v, (value, key) => Maps.set(made, cloneValue(seen, key), cloneValue(seen, value)));
        return made;
    }
    if (isPrototypeOf(Set.prototype, v)) {
        const made = remember(new Set());
        Sets.forEach(v, (value) => Sets.add(made, cloneValue(seen, value)));
        return made;
    }
    if (late.isBlob(v))
        return v; // it never changes
    if (isError(v))
        return remember(cloneError(seen, v));
    const weak = isPrototypeOf(WeakMap.prototype, v) || isPrototypeOf(WeakSet.prototype, v);
    if (weak || isPrototypeOf(Promise.prototype, v) || late.isUrl(v))
        throw cannotClone(v);
    return cloneWrapped(v);
}

function cloneView(seen, v) {
    const kind = viewTag(v);
    if (kind === undefined)
        return new DataView(cloneValue(seen, dataBuffer(v)), dataOffset(v), dataBytes(v));
    const constructor = TYPED_ARRAYS[kind];
    if (constructor === undefined)
        throw cannotClone(v);
    return new constructor(cloneValue(seen, viewBuffer(v)), viewOffset(v), viewLength(v));
}

function cloneError(seen, v) {
    const constructor = ERROR_CLASSES[v.name] || Error;
    const made = new constructor(`${v.message}`);
    if (hasOwn(v, 'cause'))
        put(made, 'cause', cloneValue(seen, v.cause), false);
    if (typeof v.stack === 'string')
        put(made, 'stack', v.stack, false);
    return made;
}

function cloneWrapped(v) {
    for (let i = 0; i < WRAPPED.length; i++) {
        if (!isPrototypeOf(WRAPPERS[i], v))
            continue;
        try {
            return Object(WRAPPED[i](v));
        } catch {
            // not of this kind
        }
    }
    return undefined;
}

const makeStructuredClone = () =>
    function structuredClone(value) {
        return cloneValue(new Map(), value);
    };
