/* SPDX-License-Identifier: MIT */
/*
 * Addresses and keys of providers as people send them: tidied once for every face, and masked ones put back to what is
 * stored.
 */
#include "model/provider_internal.h"

/* Keys */

static bool is_mask(const char *text)
{
    return strcmp(text, "***") == 0;
}

char *provider_mask_key(arena *a, const char *key)
{
    size_t n = strlen(key);

    return n <= 8 ? arena_strdup(a, "***") : arena_printf(a, "%.4s***%s", key, key + n - 4);
}

/* A key goes into a header of every request. */
static bool fits_one_line(const char *key)
{
    for (; *key != '\0'; key++)
        if ((unsigned char)*key < ' ' || *key == 0x7f)
            return false;
    return true;
}

static bool is_listed(const provider_keys *keys, const char *key)
{
    for (size_t i = 0; i < keys->n; i++)
        if (strcmp(key, keys->list[i]) == 0)
            return true;
    return false;
}

/* The stored key at the place `at` when `key` is how that one is shown, else `key` itself; NULL for a mask of nothing. */
static const char *unmasked(arena *a, const char *key, size_t at, const char *const *stored, size_t n_stored)
{
    if (at < n_stored && (is_mask(key) || strcmp(key, provider_mask_key(a, stored[at])) == 0))
        return stored[at];
    return is_mask(key) ? NULL : key;
}

/* The texts that were sent, blanks dropped. */
static err read_texts(scope *s, const json_t *sent, const char ***out, size_t *n)
{
    size_t given = json_is_string(sent) ? 1 : json_array_size(sent);
    const char **texts;

    if (sent != NULL && !json_is_null(sent) && !json_is_string(sent) && !json_is_array(sent))
        return fail_code(s, ERR_INVALID, "provider.keys_invalid", NULL, "api_keys must be a list of texts or a text");
    if (given > PROVIDER_KEYS_MAX)
        return fail_code(s, ERR_INVALID, "provider.keys_invalid", NULL, "api_keys has more than %d entries",
                         PROVIDER_KEYS_MAX);
    texts = arena_array(s->arena, const char *, given + 1);
    *n = 0;
    for (size_t i = 0; i < given; i++) {
        const json_t *item = json_is_string(sent) ? sent : json_array_get(sent, i);
        str text = str_trim(str_of(json_string_value(item)));

        if (!json_is_string(item))
            return fail_code(s, ERR_INVALID, "provider.keys_invalid", NULL, "api_keys must be texts");
        if (text.len > 0)
            texts[(*n)++] = str_dup(s->arena, text);
    }
    *out = texts;
    return OK;
}

err provider_take_keys(scope *s, const json_t *sent, const provider_row *stored, provider_keys *out)
{
    const char **texts = NULL, **before = NULL;
    provider_keys keys = {0};
    size_t n = 0, n_before = 0;

    TRY(read_texts(s, sent, &texts, &n));
    if (stored != NULL && provider_open_keys(s, stored, &before, &n_before) != OK)
        n_before = 0; /* sealed under another master key: only new ones can take their place */
    keys.kept = n == 1 && n_before > 0 && unmasked(s->arena, texts[0], 0, before, n_before) != texts[0];
    if (keys.kept) {
        *out = (provider_keys){.list = before, .n = n_before, .kept = true};
        return OK;
    }
    keys.list = arena_array(s->arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        const char *key = unmasked(s->arena, texts[i], i, before, n_before);

        if (key == NULL)
            return fail_code(s, ERR_INVALID, "provider.mask_unknown", NULL, "Masked secret has no existing value");
        if (!fits_one_line(key))
            return fail_code(s, ERR_INVALID, "provider.key_lines", NULL, "API key must be a single line");
        if (!is_listed(&keys, key))
            keys.list[keys.n++] = key;
    }
    *out = keys;
    return OK;
}

/* Addresses */

char *provider_clean_url(arena *a, const char *url)
{
    str s = str_trim(str_of(url));

    while (s.len > 0 && s.p[s.len - 1] == '/')
        s.len--;
    return str_dup(a, s);
}

char *provider_host(arena *a, const char *url)
{
    const char *host = strstr(url, "://");

    host = host != NULL ? host + 3 : url;
    return arena_strndup(a, host, strcspn(host, "/"));
}
