// SPDX-License-Identifier: MIT
// The beginning and the end of a run: what is global, compiling the code, handing over its value or its error.

const done = native.done;
const fail = native.fail;
const global = globalThis;

// What the language gives and scripts may have.  Whatever else the engine puts there is removed.
const KEPT = record({});
const KEPT_NAMES =
    'NaN undefined Infinity isNaN isFinite escape unescape decodeURI decodeURIComponent encodeURI encodeURIComponent globalThis ' +
    'parseInt parseFloat ArrayBuffer EvalError RangeError ReferenceError SyntaxError TypeError URIError AggregateError Proxy Reflect ' +
    'JSON Math Int8Array Int16Array Int32Array Uint8Array Uint8ClampedArray Uint16Array Uint32Array Float16Array Float32Array ' +
    'Float64Array BigInt64Array BigUint64Array DataView Date Error Boolean Map Number Set WeakMap WeakSet Object Array RegExp ' +
    'Iterator String Promise BigInt Symbol WeakRef FinalizationRegistry Intl';

function removeOthers() {
    const names = split(KEPT_NAMES, ' ');
    for (let i = 0; i < names.length; i++)
        KEPT[names[i]] = true;
    const keys = ownKeys(global);
    for (let i = 0; i < keys.length; i++)
        if (typeof keys[i] === 'string' && !KEPT[keys[i]])
            deleteProperty(global, keys[i]);
}

// Text becomes code in no way.  (C switches it off in the engine too, but the constructors could still be looked at.)
function forbidCompiling() {
    const samples = [() => {}, async () => {}, function* () {}, async function* () {}];
    const names = ['Function', 'AsyncFunction', 'GeneratorFunction', 'AsyncGeneratorFunction'];
    for (let i = 0; i < samples.length; i++) {
        const refuse = function () {
            throw new EvalErrorOfEngine('Code cannot be made from text here');
        };
        put(refuse, 'name', names[i], false);
        put(getPrototypeOf(samples[i]), 'constructor', refuse, false);
    }
}
const EvalErrorOfEngine = globalThis.EvalError;

// A global that is built when it is first read.
function lazyGlobal(name, make) {
    const set = (value) => put(global, name, value, false);
    defineProperty(global, name, record({
        get() {
            const made = make();
            set(made);
            return made;
        },
        set, enumerable: false, configurable: true,
    }));
}

const CLASSES =
    'AbortController AbortSignal Blob DOMException File FormData Headers Request Response TextDecoder TextEncoder URL URLSearchParams fetch';

function addGlobals() {
    const values = record({ setTimeout, clearTimeout, setInterval, clearInterval: clearTimeout, queueMicrotask, atob, btoa });
    const names = Object_keys(values);
    for (let i = 0; i < names.length; i++)
        put(global, names[i], values[names[i]], false);
    const classes = split(CLASSES, ' ');
    for (let i = 0; i < classes.length; i++)
        lazyGlobal(classes[i], () => platform()[classes[i]]);
    lazyGlobal('console', makeConsole);
    lazyGlobal('Buffer', () => platform().makeBuffer());
    lazyGlobal('crypto', () => platform().makeCrypto());
    lazyGlobal('structuredClone', () => platform().makeStructuredClone());
}

// More names of input values, seen by nobody who lists the keys.
function addAliases(input, aliases) {
    const names = Object_keys(aliases);
    for (let i = 0; i < names.length; i++) {
        const key = aliases[names[i]];
        if (hasOwn(input, names[i]))
            continue;
        defineProperty(input, names[i], record({
            get: () => input[key],
            set: (value) => put(input, key, value),
            enumerable: false, configurable: true,
        }));
    }
}

// Notes in the log which values are read that are not there.
function watched(input) {
    const told = record({});
    return new Proxy(input, record({
        get(target, key) {
            if (typeof key === 'string' && key !== 'then' && key !== 'toJSON' && !(key in target) && !told[key]) {
                told[key] = true;
                writeLog('warn', `data.input.${cut(key, 100)} is read, but there is no such value`);
            }
            return target[key];
        },
    }));
}

function withoutNulls(object) {
    const keys = Object_keys(object);
    for (let i = 0; i < keys.length; i++)
        if (object[keys[i]] === null)
            delete object[keys[i]];
    return object;
}

function addJob(job) {
    const plain = withoutNulls(isObject(job.input) ? job.input : {});
    addInputFiles(plain, job.files || list());
    addAliases(plain, job.aliases || {});
    const input = job.warnUndeclared ? watched(plain) : plain;
    const auth = isObject(job.auth) ? job.auth : {};
    const env = isObject(job.env) ? job.env : {};
    put(global, 'data', fresh({ input, auth, env }));
    put(global, 'inputs', input);
    put(global, 'secrets', auth);
    put(global, 'env', env);
    put(global, 'ld', makeLd());
    put(global, 'lastPollTime', typeof job.lastPollTime === 'string' ? job.lastPollTime : undefined);
}

let main; // the compiled code
let lines = 1;

function prepare(json, code) {
    const job = record(parse(json));
    lines = split(code, '\n').length;
    try {
        main = new AsyncFunction(code);
    } catch (e) {
        fail('syntax', messageOf(e), undefined, lineOf(e, lines));
        return false;
    }
    if (job.check) {
        done('null');
        return false;
    }
    removeOthers();
    forbidCompiling();
    addGlobals();
    addJob(job);
    return true;
}

function finishWithError(e) {
    try {
        fail(isOutOfMemory(e) ? 'memory' : 'throw', messageOf(e), stackOf(e), lineOf(e, lines));
    } catch {
        fail('throw', 'The script failed, and its error cannot be read');
    }
}

// The value as JSON; `null` for what JSON has no word for.
function resultText(value) {
    let text;
    try {
        text = stringify(takeOutput(value));
    } catch (e) {
        if (!isPrototypeOf(TypeError.prototype, e) || !matches(/BigInt|cyclic|circular/i, messageOf(e)))
            throw e;
        const what = matches(/BigInt/, messageOf(e)) ? 'a BigInt; convert it with String() or Number()' : 'a reference to itself';
        throw new TypeError(`The returned value cannot be turned into JSON: it contains ${what}`);
    }
    return text === undefined ? 'null' : text;
}

function finish(value) {
    try {
        done(resultText(value));
    } catch (e) {
        finishWithError(e);
    }
}

function run() {
    let promise;
    try {
        promise = apply(main, undefined, []);
    } catch (e) {
        return finishWithError(e);
    }
    return settle(promise, finish, finishWithError);
}

return { prepare, run, reply, tick };
