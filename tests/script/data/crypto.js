// SPDX-License-Identifier: MIT
// crypto, ld.signWithRS256.

//# randomUUID
//> [true, true]
const a = crypto.randomUUID();
return [/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(a), a !== crypto.randomUUID()];

//# getRandomValues fills what it gets
//> [true, true, "TypeError", "QuotaExceededError"]
const a = new Uint8Array(32);
const name = (f) => { try { f(); } catch (e) { return e.name; } };
return [crypto.getRandomValues(a) === a, a.some((x) => x !== 0), name(() => crypto.getRandomValues(new Float64Array(1))), name(() => crypto.getRandomValues(new Uint8Array(65537)))];

//# digests
//> ["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "a9993e364706816aba3e25717850c26c9cd0d89d", "cb00753f45a35e8b", "ddaf35a193617aba"]
const hex = async (name) => Buffer.from(await crypto.subtle.digest(name, new TextEncoder().encode('abc'))).toString('hex');
return [await hex('SHA-256'), await hex({ name: 'sha-1' }), (await hex('SHA-384')).slice(0, 16), (await hex('SHA-512')).slice(0, 16)];

//# an unknown digest
//! throw: "MD5" is not supported
await crypto.subtle.digest('MD5', new Uint8Array(1));

//# HMAC of RFC 4231, test case 2
//> ["5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", true, false]
const key = await crypto.subtle.importKey('raw', new TextEncoder().encode('Jefe'), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
const text = new TextEncoder().encode('what do ya want for nothing?');
const mac = await crypto.subtle.sign('HMAC', key, text);
return [Buffer.from(mac).toString('hex'), await crypto.subtle.verify('HMAC', key, mac, text), await crypto.subtle.verify('HMAC', key, new Uint8Array(32), text)];

//# keys are used for what they are meant for
//> ["InvalidAccessError", "InvalidAccessError", "TypeError", "undefined"]
const key = await crypto.subtle.importKey('raw', new Uint8Array([1]), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
const name = (p) => p.then(() => 'ok', (e) => e.name);
return [await name(crypto.subtle.sign('HMAC', key, new Uint8Array(1))), await name(crypto.subtle.exportKey('raw', key)), await name(crypto.subtle.sign('HMAC', {}, new Uint8Array(1))), typeof key.constructor.secret];

//# keys as JWK
//> ["aGVsbG8", "oct", 64]
const key = await crypto.subtle.importKey('jwk', { kty: 'oct', k: 'aGVsbG8' }, { name: 'HMAC', hash: 'SHA-512' }, true, ['sign']);
const out = await crypto.subtle.exportKey('jwk', key);
return [out.k, out.kty, (await crypto.subtle.sign('HMAC', key, new Uint8Array(0))).byteLength];

//# generateKey
//> 64
const key = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, ['sign']);
return (await crypto.subtle.exportKey('raw', key)).byteLength;

//# RS256 with a key that is none
//! throw:
ld.signWithRS256('x', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----');

//# RS256 needs a key and a known encoding
//> ["TypeError", "TypeError", "TypeError"]
const name = (f) => { try { f(); } catch (e) { return e.name; } };
return [name(() => ld.signWithRS256('x')), name(() => ld.signWithRS256(5, 'k')), name(() => ld.signWithRS256('x', 'k', { encoding: 'utf8' }))];
