/* SPDX-License-Identifier: MIT */
/*
 * Addresses; see location.h.  libcurl's parser is used because libcurl's idea of the host is the one that is connected to.
 */
#include "net/location.h"

#include <ctype.h>
#include <curl/curl.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/str.h"

enum { URL_MAX = 16 << 10 };

static char *part(arena *a, CURLU *u, CURLUPart what, unsigned flags)
{
    char *text = NULL, *copy;

    if (curl_url_get(u, what, &text, flags) != CURLUE_OK)
        return NULL;
    copy = arena_strdup(a, text);
    curl_free(text);
    return copy;
}

static const char *lower(char *host)
{
    size_t len = host != NULL ? strlen(host) : 0;

    for (size_t i = 0; i < len; i++)
        host[i] = (char)tolower((unsigned char)host[i]);
    if (len > 1 && host[len - 1] == '.')
        host[len - 1] = '\0';
    return host;
}

static const char *basic(arena *a, CURLU *u)
{
    const char *user = part(a, u, CURLUPART_USER, CURLU_URLDECODE);
    const char *password = part(a, u, CURLUPART_PASSWORD, CURLU_URLDECODE);
    char *pair, *text;
    size_t size;

    if (user == NULL && password == NULL)
        return NULL;
    pair = arena_printf(a, "%s:%s", user != NULL ? user : "", password != NULL ? password : "");
    size = sodium_base64_encoded_len(strlen(pair), sodium_base64_VARIANT_ORIGINAL);
    text = arena_alloc(a, size);
    sodium_bin2base64(text, size, (const unsigned char *)pair, strlen(pair), sodium_base64_VARIANT_ORIGINAL);
    return arena_printf(a, "Basic %s", text);
}

static bool read_parts(arena *a, CURLU *u, location *out)
{
    *out = (location){.authorization = basic(a, u)};
    if (curl_url_set(u, CURLUPART_USER, NULL, 0) != CURLUE_OK ||
        curl_url_set(u, CURLUPART_PASSWORD, NULL, 0) != CURLUE_OK ||
        curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK)
        return false;
    out->url = part(a, u, CURLUPART_URL, 0);
    out->scheme = part(a, u, CURLUPART_SCHEME, 0);
    out->host = lower(part(a, u, CURLUPART_HOST, 0));
    out->port = part(a, u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    return out->url != NULL && out->host != NULL && out->host[0] != '\0' && out->port != NULL &&
           (cstr_eq(out->scheme, "http") || cstr_eq(out->scheme, "https"));
}

bool location_parse(arena *a, const char *from, const char *url, location *out)
{
    CURLU *u = curl_url();
    bool good = u != NULL && strlen(url) <= URL_MAX &&
                (from == NULL ? strstr(url, "://") != NULL : curl_url_set(u, CURLUPART_URL, from, 0) == CURLUE_OK) &&
                curl_url_set(u, CURLUPART_URL, url, CURLU_URLENCODE | CURLU_ALLOW_SPACE) == CURLUE_OK &&
                read_parts(a, u, out);

    curl_url_cleanup(u);
    return good;
}

bool location_same_origin(const location *a, const location *b)
{
    return cstr_eq(a->scheme, b->scheme) && cstr_eq(a->host, b->host) && cstr_eq(a->port, b->port);
}

static bool matches(const char *host, const char *pattern)
{
    size_t len = strlen(host), tail = strlen(pattern);

    if (strncmp(pattern, "*.", 2) != 0)
        return strcasecmp(host, pattern) == 0;
    pattern++; /* the dot is part of what must be the same */
    tail--;
    return len > tail && strcasecmp(host + len - tail, pattern) == 0;
}

bool location_permitted(const location *a, const char *const *hosts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (matches(a->host, hosts[i]))
            return true;
    return n == 0;
}
