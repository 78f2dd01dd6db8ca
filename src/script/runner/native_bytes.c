/* SPDX-License-Identifier: MIT */
/* The functions of native.h that turn texts and bytes into each other, digests and random numbers among them. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "script/runner/runner.h"
#include "script/runner/value.h"

enum { RANDOM_MAX = 65536 };

/* ---- text and bytes ---- */

NATIVE(native_utf8_encode)
{
    text t;
    size_t len;
    char *bytes, *fitting;

    UNUSED_HERE;
    if (!take_text(js, argc, argv, 0, &t, exception))
        return NULL;
    bytes = value_utf8(&t, &len);
    JSStringRelease(t.string);
    fitting = realloc(bytes, len + 1);
    return give_buffer(js, fitting != NULL ? fitting : bytes, len, exception);
}

NATIVE(native_utf8_decode)
{
    JSStringRef string;
    span in;
    bool good;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 0, &in, exception))
        return NULL;
    string = text_decode((const char *)in.p, in.len, &good);
    if (!good && take_flag(js, argc, argv, 1)) {
        JSStringRelease(string);
        return JSValueMakeNull(js);
    }
    return give_text(js, string);
}

NATIVE(native_latin1_encode)
{
    uint8_t *bytes;
    size_t len;
    text t;

    UNUSED_HERE;
    if (!take_text(js, argc, argv, 0, &t, exception))
        return NULL;
    len = t.len;
    bytes = value_memory(malloc(len + 1));
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)t.p[i];
    JSStringRelease(t.string);
    return give_buffer(js, bytes, len, exception);
}

NATIVE(native_latin1_decode)
{
    JSChar *units;
    JSStringRef string;
    span in;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 0, &in, exception))
        return NULL;
    units = value_memory(malloc((in.len + 1) * sizeof *units));
    for (size_t i = 0; i < in.len; i++)
        units[i] = in.p[i];
    string = JSStringCreateWithCharacters(units, in.len);
    free(units);
    return give_text(js, string);
}

NATIVE(native_base64_encode)
{
    char *out;
    span in;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 0, &in, exception))
        return NULL;
    out = value_memory(malloc(codec_base64_size(in.len) + 1));
    return give_ascii(js, out, codec_base64(in.p, in.len, take_flag(js, argc, argv, 1), out));
}

NATIVE(native_base64_decode)
{
    uint8_t *out;
    size_t len;
    bool good;
    text t;

    UNUSED_HERE;
    if (!take_text(js, argc, argv, 0, &t, exception))
        return NULL;
    out = value_memory(malloc(t.len + 1));
    good = codec_unbase64(t.p, t.len, take_flag(js, argc, argv, 1), out, &len);
    JSStringRelease(t.string);
    if (good)
        return give_buffer(js, out, len, exception);
    free(out);
    return JSValueMakeNull(js);
}

NATIVE(native_hex_encode)
{
    char *out;
    span in;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 0, &in, exception))
        return NULL;
    out = value_memory(malloc(2 * in.len + 1));
    codec_hex(in.p, in.len, out);
    return give_ascii(js, out, 2 * in.len);
}

NATIVE(native_hex_decode)
{
    uint8_t *out;
    size_t len;
    text t;

    UNUSED_HERE;
    if (!take_text(js, argc, argv, 0, &t, exception))
        return NULL;
    out = value_memory(malloc(t.len / 2 + 1));
    len = codec_unhex(t.p, t.len, out);
    JSStringRelease(t.string);
    return give_buffer(js, out, len, exception);
}

/* ---- cryptography ---- */

NATIVE(native_digest)
{
    uint8_t out[DIGEST_MAX];
    size_t n, len;
    char *name;
    span in;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 1, &in, exception) || (name = take_utf8(js, argc, argv, 0, &n, exception)) == NULL)
        return NULL;
    len = digest_bytes(name, in.p, in.len, out);
    free(name);
    return len > 0 ? give_copy(js, out, len, exception) : raise_error(js, exception, "There is no such digest");
}

NATIVE(native_hmac)
{
    uint8_t out[DIGEST_MAX];
    size_t n, len;
    char *name;
    span key, in;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 1, &key, exception) || !take_bytes(js, argc, argv, 2, &in, exception) ||
        (name = take_utf8(js, argc, argv, 0, &n, exception)) == NULL)
        return NULL;
    len = digest_hmac(name, key.p, key.len, in.p, in.len, out);
    free(name);
    return len > 0 ? give_copy(js, out, len, exception) : raise_error(js, exception, "There is no such digest");
}

NATIVE(native_sign_rs256)
{
    const char *problem;
    uint8_t *out;
    size_t n, len;
    char *pem;
    span in;

    UNUSED_HERE;
    if (!take_bytes(js, argc, argv, 1, &in, exception) || (pem = take_utf8(js, argc, argv, 0, &n, exception)) == NULL)
        return NULL;
    problem = digest_sign_rs256(pem, n, in.p, in.len, &out, &len);
    free(pem);
    return problem == NULL ? give_buffer(js, out, len, exception) : raise_error(js, exception, problem);
}

NATIVE(native_random)
{
    double wanted = take_number(js, argc, argv, 0);
    size_t n, have = 0;
    uint8_t *out;

    UNUSED_HERE;
    if (!(wanted >= 0 && wanted <= RANDOM_MAX))
        return raise_type(js, exception, "At most 65536 random bytes at a time");
    n = (size_t)wanted;
    out = value_memory(malloc(n + 1));
    while (have < n) {
        ssize_t got = getrandom(out + have, n - have, 0);

        have += got > 0 ? (size_t)got : 0;
    }
    return give_buffer(js, out, n, exception);
}

const native_function native_bytes[] = {
    {"utf8Encode", native_utf8_encode},
    {"utf8Decode", native_utf8_decode},
    {"latin1Encode", native_latin1_encode},
    {"latin1Decode", native_latin1_decode},
    {"base64Encode", native_base64_encode},
    {"base64Decode", native_base64_decode},
    {"hexEncode", native_hex_encode},
    {"hexDecode", native_hex_decode},
    {"digest", native_digest},
    {"hmac", native_hmac},
    {"signRS256", native_sign_rs256},
    {"random", native_random},
    {NULL, NULL},
};
