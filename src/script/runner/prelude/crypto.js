// SPDX-License-Identifier: MIT
// crypto: random values, and of crypto.subtle digests, HMAC and RSA signatures (RSASSA-PKCS1-v1_5 with SHA-256).

const DIGESTS = record({ 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' });
const BLOCKS = record({ sha1: 64, sha256: 64, sha384: 128, sha512: 128 });

const notSupported = (what) => new DOMException(`${what} is not supported`, 'NotSupportedError');

// "SHA-256" or {name: "SHA-256"} -> "sha256"
function digestName(algorithm) {
    const name = Str.toUpperCase(`${isObject(algorithm) ? algorithm.name : algorithm}`);
    if (DIGESTS[name] === undefined)
        throw notSupported(`The digest ${inspect(cut(name, 100))}`);
    return DIGESTS[name];
}

const algorithmName = (algorithm) => Str.toUpperCase(`${isObject(algorithm) ? algorithm.name : algorithm}`);

function getRandomValues(view) {
    const name = isView(view) ? viewTag(view) : undefined;
    if (name === undefined || matches(/^Float/, name))
        throw new TypeError('getRandomValues needs an array of integers');
    const bytes = bytesOf(view, '');
    if (viewLength(bytes) > 65536)
        throw new DOMException('getRandomValues gives at most 65536 bytes', 'QuotaExceededError');
    Bytes.set(bytes, new Uint8Array(randomBytes(viewLength(bytes))));
    return view;
}

function randomUUID() {
    const b = new Uint8Array(randomBytes(16));
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    const hex = toHex(b);
    const part = (from, to) => Str.slice(hex, from, to);
    return `${part(0, 8)}-${part(8, 12)}-${part(12, 16)}-${part(16, 20)}-${part(20)}`;
}

const makeCrypto = lazy(() => {
    class CryptoKey {
        #secret; // HMAC: a plain Uint8Array; RSA: PEM text
        #about;
        constructor(key, secret, about) {
            if (key !== hidden)
                throw new TypeError('Illegal constructor');
            this.#secret = secret;
            this.#about = about;
        }
        static secret(key, use) {
            if (!isObject(key) || !(#secret in key))
                throw new TypeError('A CryptoKey is needed');
            if (use !== undefined && !Arr.includes(key.#about.usages, use))
                throw new DOMException(`The key may not be used to ${use}`, 'InvalidAccessError');
            return key.#secret;
        }
        get type() {
            return this.#about.type;
        }
        get extractable() {
            return this.#about.extractable;
        }
        get algorithm() {
            return this.#about.algorithm;
        }
        get usages() {
            return this.#about.usages;
        }
    }
    tag(CryptoKey, 'CryptoKey');
    const secretOf = CryptoKey.secret;
    delete CryptoKey.secret;
    const makeKey = (type, secret, algorithm, extractable, usages) => {
        const uses = toArray(collect(usages));
        return new CryptoKey(hidden, secret, record({ type, algorithm: fresh(algorithm), extractable: !!extractable, usages: uses }));
    };
    const keyState = record({ makeKey, secretOf });
    const subtle = fresh({
        async digest(algorithm, data) {
            return digest(digestName(algorithm), bytesOf(data, 'digest'));
        },
        async importKey(format, data, algorithm, extractable, usages) {
            return importKey(keyState, `${format}`, data, algorithm, extractable, usages);
        },
        async exportKey(format, key) {
            return exportKey(keyState, `${format}`, key);
        },
        async generateKey(algorithm, extractable, usages) {
            if (algorithmName(algorithm) !== 'HMAC')
                throw notSupported('generateKey for anything but HMAC');
            const hash = digestName(algorithm.hash);
            return importHmac(keyState, new Uint8Array(randomBytes(BLOCKS[hash])), hash, extractable, usages);
        },
        async sign(algorithm, key, data) {
            return signBytes(keyState, algorithm, key, bytesOf(data, 'sign'));
        },
        async verify(algorithm, key, signature, data) {
            if (key.algorithm.name !== 'HMAC')
                throw notSupported('verify for anything but HMAC');
            const expected = hmac(digestName(key.algorithm.hash), secretOf(key, 'verify'), bytesOf(data, 'verify'));
            return sameBytes(new Uint8Array(expected), bytesOf(signature, 'verify'));
        },
    });
    return fresh({ randomUUID, getRandomValues, subtle });
});

const jwkHash = (sha) => fresh({ name: `SHA-${Str.slice(sha, 3)}` });

function importHmac({ makeKey }, bytes, hash, extractable, usages) {
    if (viewLength(bytes) === 0)
        throw new DOMException('The key is empty', 'DataError');
    return makeKey('secret', bytes, { name: 'HMAC', hash: jwkHash(hash), length: 8 * viewLength(bytes) }, extractable, usages);
}

function importKey(state, format, data, algorithm, extractable, usages) {
    const name = algorithmName(algorithm);
    if (name === 'HMAC' && format === 'raw') {
        const bytes = new Uint8Array(copyOf(bytesOf(data, 'importKey')));
        return importHmac(state, bytes, digestName(algorithm.hash), extractable, usages);
    }
    if (name === 'HMAC' && format === 'jwk') {
        const secret = isObject(data) && data.kty === 'oct' ? fromBase64(`${data.k}`, true) : null;
        if (secret === null)
            throw new DOMException('The key is not a JWK of the type oct', 'DataError');
        return importHmac(state, new Uint8Array(secret), digestName(algorithm.hash), extractable, usages);
    }
    if (name !== 'RSASSA-PKCS1-V1_5' || format !== 'pkcs8' || digestName(algorithm.hash) !== 'sha256')
        throw notSupported(`importKey for ${inspect(cut(name, 100))} in the format ${inspect(cut(format, 100))}`);
    const body = toBase64(bytesOf(data, 'importKey'), false);
    const pem = `-----BEGIN PRIVATE KEY-----\n${replaceAll(body, /.{1,64}/g, (m) => `${m[0]}\n`)}-----END PRIVATE KEY-----\n`;
    signRS256(pem, utf8('')); // throws when it is no such key
    return state.makeKey('private', pem, { name: 'RSASSA-PKCS1-v1_5', hash: jwkHash('sha256') }, extractable, usages);
}

function exportKey({ secretOf }, format, key) {
    const secret = secretOf(key);
    if (!key.extractable)
        throw new DOMException('The key is not extractable', 'InvalidAccessError');
    if (key.algorithm.name !== 'HMAC')
        throw notSupported('exportKey for anything but HMAC');
    if (format === 'raw')
        return copyOf(secret);
    if (format !== 'jwk')
        throw notSupported(`The format ${inspect(cut(format, 100))}`);
    const alg = `HS${Str.slice(key.algorithm.hash.name, 4)}`;
    return fresh({ kty: 'oct', k: toBase64(secret, true), alg, ext: true, key_ops: key.usages });
}

function signBytes({ secretOf }, algorithm, key, data) {
    const secret = secretOf(key, 'sign');
    if (algorithmName(algorithm) !== Str.toUpperCase(key.algorithm.name))
        throw new DOMException('The key belongs to another algorithm', 'InvalidAccessError');
    return typeof secret === 'string' ? signRS256(secret, data) : hmac(digestName(key.algorithm.hash), secret, data);
}
