// SPDX-License-Identifier: MIT
// AbortController and AbortSignal, with just enough of an event target for them.

const hidden = Symbol('only the platform makes signals');
let signalAbort; // (signal, reason)

class AbortSignal {
    #aborted = false;
    #reason;
    #waiting = list(); // functions of ours
    #listeners = list(); // functions or objects of the script
    onabort = null;
    constructor(key) {
        if (key !== hidden)
            throw new TypeError('Illegal constructor: use new AbortController()');
    }
    static {
        late.isSignal = (v) => isObject(v) && #aborted in v;
        signalAbort = (s, reason) => s.#abort(reason);
        late.signalOn = (s, f) => {
            if (s.#aborted)
                f(s.#reason);
            else
                s.#waiting[s.#waiting.length] = f;
        };
    }
    static abort(reason) {
        const s = new AbortSignal(hidden);
        signalAbort(s, reason);
        return s;
    }
    static timeout(ms) {
        const s = new AbortSignal(hidden);
        addTimer(() => signalAbort(s, new DOMException('The operation timed out', 'TimeoutError')), +ms, false, []);
        return s;
    }
    static any(signals) {
        const s = new AbortSignal(hidden);
        const all = collect(signals);
        for (let i = 0; i < all.length; i++)
            late.signalOn(all[i], (reason) => signalAbort(s, reason));
        return s;
    }
    get aborted() {
        return this.#aborted;
    }
    get reason() {
        return this.#reason;
    }
    throwIfAborted() {
        if (this.#aborted)
            throw this.#reason;
    }
    addEventListener(type, listener) {
        if (type === 'abort' && isObject(listener) && !Arr.includes(this.#listeners, listener))
            this.#listeners[this.#listeners.length] = listener;
    }
    removeEventListener(type, listener) {
        for (let i = 0; i < this.#listeners.length; i++)
            if (type === 'abort' && this.#listeners[i] === listener)
                Arr.splice(this.#listeners, i, 1);
    }
    #abort(reason) {
        if (this.#aborted)
            return;
        this.#aborted = true;
        this.#reason = reason === undefined ? new DOMException('The operation was aborted', 'AbortError') : reason;
        for (let i = 0; i < this.#waiting.length; i++)
            this.#waiting[i](this.#reason);
        const event = fresh({ type: 'abort', target: this });
        if (typeof this.onabort === 'function')
            runOrFail(() => this.onabort(event), []);
        for (let i = 0; i < this.#listeners.length; i++)
            runOrFail(() => notify(this.#listeners[i], event), []);
    }
}
tag(AbortSignal, 'AbortSignal');

function notify(listener, event) {
    if (typeof listener === 'function')
        apply(listener, event.target, [event]);
    else
        listener.handleEvent(event);
}

class AbortController {
    #signal = new AbortSignal(hidden);
    get signal() {
        return this.#signal;
    }
    abort(reason) {
        signalAbort(this.#signal, reason);
    }
}
tag(AbortController, 'AbortController');
