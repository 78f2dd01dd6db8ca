/* SPDX-License-Identifier: MIT */
/* What is checked of a request before it is sent, whichever way it goes: its URL, its headers. */
#include <curl/curl.h>

#include "net/client_internal.h"

enum { URL_MAX = 16 << 10 };

#define DEFAULT_CONNECT SECONDS(10)
#define DEFAULT_FIRST_BYTE SECONDS(60)

static bool is_web_url(const char *url)
{
    str u = str_of(url);

    return u.len <= URL_MAX && ((u.len > 7 && str_is_nocase((str){u.p, 7}, "http://")) ||
                                (u.len > 8 && str_is_nocase((str){u.p, 8}, "https://")));
}

static char *url_part(arena *a, CURLU *u, CURLUPart part)
{
    char *text = NULL, *copy;

    if (curl_url_get(u, part, &text, part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0) != CURLUE_OK)
        return NULL;
    copy = arena_strdup(a, text);
    curl_free(text);
    return copy;
}

/* Servers are careless with what they redirect to; callers are not to be. */
static unsigned parse_flags(const char *from)
{
    return CURLU_DISALLOW_USER | (from != NULL ? CURLU_URLENCODE | CURLU_ALLOW_SPACE : 0);
}

err target_parse(scope *s, const char *from, const char *url, target *out)
{
    CURLU *u = curl_url();
    CURLUcode code = CURLUE_OK;
    target t = {0};
    bool good;

    if (u != NULL && from != NULL)
        code = curl_url_set(u, CURLUPART_URL, from, 0);
    if (u != NULL && code == CURLUE_OK && strlen(url) <= URL_MAX && (from != NULL || is_web_url(url)))
        code = curl_url_set(u, CURLUPART_URL, url, parse_flags(from));
    else
        code = CURLUE_MALFORMED_INPUT;
    good = code == CURLUE_OK && url_part(s->arena, u, CURLUPART_ZONEID) == NULL &&
           curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK;
    if (good)
        t = (target){.url = url_part(s->arena, u, CURLUPART_URL),
                     .scheme = url_part(s->arena, u, CURLUPART_SCHEME),
                     .host = url_part(s->arena, u, CURLUPART_HOST),
                     .port = url_part(s->arena, u, CURLUPART_PORT)};
    curl_url_cleanup(u);
    if (code == CURLUE_USER_NOT_ALLOWED)
        return fail_code(s, ERR_INVALID, "http.url", NULL, "a URL with a user name or password in it is not called");
    if (t.url == NULL || t.host == NULL || t.port == NULL || !is_web_url(t.url))
        return fail_code(s, ERR_INVALID, "http.url", NULL, "not an http or https URL");
    *out = t;
    return OK;
}

bool target_same_origin(const target *a, const target *b)
{
    return cstr_eq(a->scheme, b->scheme) && str_is_nocase(str_of(a->host), b->host) && cstr_eq(a->port, b->port);
}

/* What names of headers and methods are made of (RFC 9110 section 5.6.2). */
static const char tokens[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static bool header_is_sane(const http_header *h)
{
    return h->name[0] != '\0' && strspn(h->name, tokens) == strlen(h->name) &&
           (h->value == NULL || strpbrk(h->value, "\r\n") == NULL);
}

/* Credentials, by the names that are in use; they stay with the origin that they were given for. */
static bool is_credential(const char *name)
{
    static const char *const parts[] = {"auth", "cookie", "key", "token", "secret", "password", "signature"};

    for (size_t i = 0; i < COUNT(parts); i++)
        if (strcasestr(name, parts[i]) != NULL)
            return true;
    return str_is_nocase(str_of(name), "host");
}

bool request_sends(const http_header *header, bool foreign)
{
    str name = str_of(header->name);

    if (foreign && is_credential(header->name))
        return false;
    return !str_is_nocase(name, "content-length") && !str_is_nocase(name, "transfer-encoding");
}

err request_check_headers(scope *s, const http_call *call)
{
    if (call->verb != NULL && (call->verb[0] == '\0' || strspn(call->verb, tokens) != strlen(call->verb)))
        return fail_code(s, ERR_INVALID, "http.method", NULL, "the method of a request is not a word");
    for (size_t i = 0; i < call->n_headers; i++)
        if (!header_is_sane(&call->headers[i]))
            return fail_code(s, ERR_INVALID, "http.header", NULL,
                             "a request header holds characters that are not allowed");
    return OK;
}

int64_t request_connect_limit(const http_call *call)
{
    return call->connect_timeout > 0 ? call->connect_timeout : DEFAULT_CONNECT;
}

int64_t request_answer_limit(const http_call *call)
{
    return call->first_byte_timeout > 0 ? call->first_byte_timeout : DEFAULT_FIRST_BYTE;
}
