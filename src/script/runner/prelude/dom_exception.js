// SPDX-License-Identifier: MIT
// DOMException: the class of the platform's own errors.

const CODES = record({
    InvalidCharacterError: 5, NotSupportedError: 9, SyntaxError: 12, AbortError: 20, TimeoutError: 23, DataCloneError: 25,
});

class DOMException extends Error {
    #name;
    constructor(message = '', name = 'Error') {
        super(message);
        this.#name = `${name}`;
    }
    get name() {
        return this.#name;
    }
    get code() {
        return CODES[this.#name] || 0;
    }
}
tag(DOMException, 'DOMException');
