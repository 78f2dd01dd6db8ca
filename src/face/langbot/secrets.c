/* SPDX-License-Identifier: MIT */
/* Secrets inside free objects; see secrets.h. */
#include "face/langbot/secrets.h"

#include <ctype.h>

#define MASK "***"

/* Names */

/* "apiKey", "X-Api-Key" → "api_key", "x_api_key". */
static const char *plain_name(arena *a, const char *name)
{
    char *out = arena_alloc(a, 2 * strlen(name) + 1), *to = out;

    for (const char *p = name; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;

        if (isupper(c) && p > name && (islower((unsigned char)p[-1]) || isdigit((unsigned char)p[-1])))
            *to++ = '_';
        *to++ = isalnum(c) || c >= 0x80 ? (char)tolower(c) : '_';
    }
    *to = '\0';
    return out;
}

/* Whether one of the list's words, which have blanks around them, is `word`. */
static bool lists(arena *a, const char *list, str word)
{
    return strstr(list, arena_printf(a, " %.*s ", STR_ARG(word))) != NULL;
}

bool secrets_named(arena *a, const char *name)
{
    static const char whole[] =
        " api_key api_keys apikey apikeys auth authorization cookie credentials database_url dsn"
        " header_value key proxy_authorization set_cookie webhook_url ";
    static const char alone[] = " apikey credential credentials passwd password secret token ";
    static const char kinds_of_keys[] = " access api auth bearer client debug encryption private signing ";
    const char *plain = plain_name(a, name);
    bool key = false, kind = false;
    str rest = str_of(plain), word;

    if (lists(a, whole, rest))
        return true;
    while (str_next(&rest, '_', &word)) {
        if (lists(a, alone, word))
            return true;
        key = key || str_is(word, "key") || str_is(word, "keys");
        kind = kind || lists(a, kinds_of_keys, word);
    }
    return key && kind;
}

static bool names_url(arena *a, const char *name)
{
    const char *plain = plain_name(a, name);

    return cstr_eq(plain, "url") || cstr_ends(plain, "_url");
}

/* Hiding */

/* The query without the values of its secrets. */
static void put_query(arena *a, buf *out, str query)
{
    str pair, name;
    char sep = '?';

    while (str_next(&query, '&', &pair)) {
        char *decoded;

        buf_putc(out, sep);
        sep = '&';
        if (!str_next(&pair, '=', &name))
            continue;
        buf_add(out, name.p, name.len);
        if (pair.p == NULL)
            continue;
        buf_putc(out, '=');
        if (!percent_decode(a, name, true, &decoded) || secrets_named(a, decoded))
            pair = STR(MASK);
        buf_add(out, pair.p, pair.len);
    }
}

const char *secrets_hide_url(arena *a, const char *url)
{
    const char *scheme = strstr(url, "://"), *host = scheme != NULL ? scheme + 3 : url, *at = NULL;
    size_t authority = strcspn(host, "/?#");
    buf *out = buf_new(a, 4 * strlen(url) + KIB(1));
    const char *path, *query;

    for (size_t i = 0; i < authority; i++)
        at = host[i] == '@' ? host + i : at;
    buf_add(out, url, (size_t)(host - url));
    if (at != NULL)
        buf_puts(out, MASK);
    path = at != NULL ? at : host;
    query = path + strcspn(path, "?#");
    buf_add(out, path, (size_t)(query - path));
    if (*query == '?') {
        size_t len = strcspn(query + 1, "#");

        put_query(a, out, (str){query + 1, len});
        query += 1 + len;
    }
    buf_puts(out, query);
    return buf_str(out);
}

static bool is_empty(const json_t *leaf)
{
    return json_is_null(leaf) || (json_is_string(leaf) && json_string_length(leaf) == 0);
}

/* A new reference. */
static json_t *hidden(arena *a, json_t *value, bool secret)
{
    json_t *copy, *one;
    const char *key;
    size_t i;

    if (json_is_object(value)) {
        copy = json_object();
        json_object_foreach(value, key, one)
        {
            if (!secret && json_is_string(one) && !secrets_named(a, key) && names_url(a, key))
                json_set_str(copy, key, secrets_hide_url(a, json_string_value(one)));
            else
                json_set(copy, key, hidden(a, one, secret || secrets_named(a, key)));
        }
        return copy;
    }
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach(value, i, one) json_array_append_new(copy, hidden(a, one, secret));
        return copy;
    }
    return secret && !is_empty(value) ? json_string(MASK) : json_incref(value);
}

json_t *secrets_hide(arena *a, json_t *value)
{
    return json_hold(a, hidden(a, value, false));
}

/* Restoring */

static bool is_mask(const json_t *v)
{
    return json_is_string(v) && strcmp(json_string_value(v), MASK) == 0;
}

const char *secrets_restore_url(arena *a, const char *sent, const char *stored)
{
    return stored != NULL && cstr_eq(sent, secrets_hide_url(a, stored)) ? stored : sent;
}

/* A new reference; NULL where a mask stands for nothing. */
static json_t *restored(arena *a, json_t *sent, json_t *stored, bool secret)
{
    json_t *copy, *one, *old, *back;
    const char *key, *url;
    size_t i;

    if (json_is_object(sent)) {
        copy = json_hold(a, json_object());
        json_object_foreach(sent, key, one)
        {
            old = json_object_get(stored, key);
            url = !secret && names_url(a, key) ? json_string_value(old) : NULL;
            if (url != NULL && json_is_string(one) && !secrets_named(a, key))
                back = json_str(secrets_restore_url(a, json_string_value(one), url));
            else
                back = restored(a, one, old, secret || secrets_named(a, key));
            if (back == NULL)
                return NULL;
            json_set(copy, key, back);
        }
        return json_incref(copy);
    }
    if (json_is_array(sent)) {
        copy = json_hold(a, json_array());
        json_array_foreach(sent, i, one)
        {
            back = restored(a, one, json_array_get(stored, i), secret);
            if (back == NULL)
                return NULL;
            json_array_append_new(copy, back);
        }
        return json_incref(copy);
    }
    if (!secret || !is_mask(sent))
        return json_incref(sent);
    return stored != NULL && !is_empty(stored) && !json_is_object(stored) && !json_is_array(stored)
               ? json_incref(stored)
               : NULL;
}

err secrets_restore(scope *s, json_t *sent, json_t *stored, json_t **out)
{
    json_t *back = restored(s->arena, sent, stored, false);

    if (back == NULL)
        return fail(s, ERR_INVALID, "Masked secret has no existing value");
    *out = json_hold(s->arena, back);
    return OK;
}
