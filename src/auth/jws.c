/* SPDX-License-Identifier: MIT */
/*
 * JSON Web Signature, compact serialisation, HS256 (RFC 7515, RFC 7518 section 3.2).
 */
#include "auth/jws.h"

#include <sodium.h>

enum { URLSAFE = sodium_base64_VARIANT_URLSAFE_NO_PADDING };

static char *encode(arena *a, const void *bytes, size_t len)
{
    size_t size = sodium_base64_encoded_len(len, URLSAFE);

    return sodium_bin2base64(arena_alloc(a, size), size, bytes, len, URLSAFE);
}

static void sign(str key, str text, unsigned char mac[crypto_auth_hmacsha256_BYTES])
{
    crypto_auth_hmacsha256_state state;

    crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.p, key.len);
    crypto_auth_hmacsha256_update(&state, (const unsigned char *)text.p, text.len);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof(state));
}

char *jws_sign(arena *a, str key, const json_t *claims)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    const char *payload = json_text(a, claims);
    const char *text =
        arena_printf(a, "%s.%s", encode(a, header, sizeof(header) - 1), encode(a, payload, strlen(payload)));

    sign(key, str_of(text), mac);
    return arena_printf(a, "%s.%s", text, encode(a, mac, sizeof(mac)));
}

typedef struct {
    str header, payload, signature;
    str signed_text; /* header, dot, payload */
} parts;

static bool split(str token, parts *p)
{
    str rest = token;
    size_t dots = 0;

    if (token.len == 0 || token.len > JWS_MAX)
        return false;
    for (size_t i = 0; i < token.len; i++)
        dots += token.p[i] == '.';
    if (dots != 2 || !str_next(&rest, '.', &p->header) || !str_next(&rest, '.', &p->payload))
        return false;
    p->signature = rest;
    p->signed_text = (str){token.p, p->header.len + 1 + p->payload.len};
    return p->header.len > 0 && p->payload.len > 0 && p->signature.len > 0;
}

bool jws_looks_like(str text)
{
    parts p;

    return split(text, &p);
}

static bool decode(arena *a, str coded, str *out)
{
    char *bytes = arena_alloc(a, coded.len + 1);

    if (sodium_base642bin((unsigned char *)bytes, coded.len + 1, coded.p, coded.len, NULL, &out->len, NULL, URLSAFE) !=
        0)
        return false;
    out->p = bytes;
    return true;
}

static bool decode_object(arena *a, str coded, json_t **out)
{
    str text;

    return decode(a, coded, &text) && json_parse(a, text.p, text.len, NULL, out) == OK && json_is_object(*out);
}

err jws_verify(arena *a, str key, str token, json_t **claims)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    json_t *header, *payload;
    parts p;
    str given;

    if (!split(token, &p) || !decode(a, p.signature, &given) || given.len != sizeof(mac))
        return ERR_INVALID;
    sign(key, p.signed_text, mac);
    if (sodium_memcmp(mac, given.p, sizeof(mac)) != 0)
        return ERR_INVALID;
    if (!decode_object(a, p.header, &header) || !cstr_eq(json_get_str(header, "alg", NULL), "HS256"))
        return ERR_INVALID;
    if (json_object_get(header, "crit") != NULL) /* RFC 7515 section 4.1.11: we understand no extension */
        return ERR_INVALID;
    if (!decode_object(a, p.payload, &payload))
        return ERR_INVALID;
    *claims = payload;
    return OK;
}
