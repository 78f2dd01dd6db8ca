/* SPDX-License-Identifier: MIT */
/*
 * What C gives the prelude and what the prelude gives C: the only way between a script and its process.
 *
 * prelude.js (prelude/, joined by prelude/join.sh) is one function expression,
 * `(function (native) { … return {prepare, run, reply, tick}; })`.  C evaluates it before READY, calls it once with the object
 * `native`, and keeps what it returns.  `native` must stay out of the reach of scripts: it
 * is no global, and the prelude takes what it needs from it and from the built-in prototypes before a script can change them.
 *
 * "bytes" taken by C: an ArrayBuffer or any typed array (DataViews are not understood); absent, null and undefined are no
 * bytes.  "buffer" given by C: a new ArrayBuffer.  A wrong argument throws a TypeError.
 *
 *   native.call(id, json, bytes)     sends a CALL ("op":"request") and returns at once; `id` counts from 1, chosen by the prelude, never
 *                                    used twice; the answer comes through reply().  Throws when 1000 have been sent.
 *   native.callSync(id, json)        sends a CALL ("op":"file"), waits for its answer: buffer.  Throws an Error with the sentence.
 *                                    Ids are those of call(): one sequence for both.
 *   native.log(level, text)          level: "log", "info", "warn", "error", "debug"
 *   native.now()                     milliseconds, monotonic, with a fraction: for timers
 *   native.setDeadline(at)           tick() is called when now() >= at; undefined: there is no timer.  One value, the last counts: the
 *                                    prelude keeps the queue.
 *   native.utf8Encode(text)          buffer; a lone surrogate becomes U+FFFD
 *   native.utf8Decode(bytes, fatal)  text; what is not UTF-8 becomes U+FFFD as TextDecoder does, or with `fatal` null is
 *                                    returned.  A byte order mark is kept.
 *   native.latin1Encode(text)        buffer of the low bytes
 *   native.latin1Decode(bytes)       text
 *   native.base64Encode(bytes, url)  text; `url`: the alphabet with - and _, without padding
 *   native.base64Decode(text, loose) buffer, or null when malformed.  Default: atob's rules (white space skipped, padding
 *                                    optional, else strict).  `loose`: as Buffer: both alphabets, everything else is skipped.
 *   native.hexEncode(bytes)          text
 *   native.hexDecode(text)           buffer; stops at the first pair that is none, as Buffer does
 *   native.digest(name, bytes)       buffer; name: "md5", "sha1", "sha256", "sha384", "sha512"
 *   native.hmac(name, key, bytes)    buffer; key: bytes
 *   native.signRS256(pem, bytes)     buffer; throws an Error with a sentence when the key is no RSA private key
 *   native.random(n)                 buffer of n bytes, at most 65536
 *   native.platform()                the second function expression that is embedded, platform.js, evaluated: the classes and helpers
 *                                    that few scripts use, parsed when something of it is first used
 *   native.memory()                  bytes of the heap in use
 *   native.file(json, bytes)         sends a FILE; before done()
 *   native.done(json)                the end: `json` is the text of the returned value ("null" for undefined)
 *   native.fail(kind, message, stack, line)
 *                                    the end: kind "throw", "syntax", "memory" or "output"; stack and line may be undefined.  A "throw" of a
 *                                    RangeError "Out of memory" is the prelude's to call "memory".
 *
 * After done() or fail() every function does nothing, and the process ends as soon as the prelude has returned to C.  Limits of
 * wire.h (logs, result, files) are checked by C: past one the run has failed with kind "output", and the call throws so that the
 * script stops.
 *
 * What the prelude returns:
 *
 *   prepare(json, code)              json: text of the RUN frame (wire.h).  Makes the globals and compiles `code` as the body of an async function.
 *                                    True: run() may be called.  False: it has called fail("syntax", …, line of the code from 1) or, for
 *                                    {"check":true}, done("null").  After it C switches eval and every Function constructor
 *                                    off (the engine itself throws then), so all that compiles text must happen here.
 *   run()                            starts the compiled function; the microtasks run when it returns, as after every call from C.
 *                                    Starts the clock of "ms", which C keeps.
 *   reply(id, json, buffer)          an answer to call(): REPLY's JSON text; buffer: the response body (may be empty)
 *   tick()                           fires what is due
 *
 * When nothing is left to come (no call sent and unanswered, no timer) and neither done() nor fail() was called, C ends the run
 * with a sentence that says so.
 */
#ifndef SCRIPT_RUNNER_NATIVE_H
#define SCRIPT_RUNNER_NATIVE_H

#include <JavaScriptCore/JavaScript.h>

/* The object with all of these functions. */
JSObjectRef native_object(JSContextRef js);

#endif
