/* SPDX-License-Identifier: MIT */
/*
 * The same-origin check of cookie-authenticated writes.
 */
#include "auth/csrf.h"

#include <strings.h>

csrf_facts csrf_facts_of(const request *rq)
{
    return (csrf_facts){.method = rq->method,
                        .scheme = rq->scheme,
                        .host = rq->host,
                        .origin = request_header(rq, "Origin"),
                        .sec_fetch_site = request_header(rq, "Sec-Fetch-Site")};
}

static bool is_safe(http_method m)
{
    return m == GET || m == HEAD || m == OPTIONS;
}

static str without_suffix(str s, const char *suffix)
{
    if (str_ends(s, suffix))
        s.len -= strlen(suffix);
    return s;
}

static bool same_text_nocase(str a, str b)
{
    return a.len == b.len && strncasecmp(a.p, b.p, a.len) == 0;
}

/* RFC 6454: scheme, host and port.  A proxy that ends TLS and is not configured as trusted makes us see "http" for a page that
 * is "https", so the scheme may only differ in that direction. */
static bool is_own_origin(const csrf_facts *f)
{
    str origin = str_of(f->origin), host = str_of(f->host);
    bool secure = str_starts(origin, "https://");

    if (!secure && (!str_starts(origin, "http://") || cstr_eq(f->scheme, "https")))
        return false;
    origin.p += secure ? 8 : 7;
    origin.len -= secure ? 8 : 7;
    origin = without_suffix(origin, secure ? ":443" : ":80");
    host = without_suffix(host, secure ? ":443" : ":80");
    return host.len > 0 && same_text_nocase(origin, host);
}

static bool is_trusted(const char *origin, const char *const *trusted)
{
    for (; origin != NULL && trusted != NULL && *trusted != NULL; trusted++)
        if (same_text_nocase(str_of(origin), str_of(*trusted)))
            return true;
    return false;
}

bool csrf_permits(const csrf_facts *f, const char *const *trusted)
{
    if (is_safe(f->method) || is_trusted(f->origin, trusted))
        return true;
    if (f->sec_fetch_site == NULL && f->origin == NULL)
        return false;
    return !csrf_cross_site(f, trusted);
}

bool csrf_cross_site(const csrf_facts *f, const char *const *trusted)
{
    if (is_trusted(f->origin, trusted))
        return false;
    if (f->sec_fetch_site != NULL && !cstr_eq(f->sec_fetch_site, "same-origin") && !cstr_eq(f->sec_fetch_site, "none"))
        return true;
    return f->origin != NULL && !is_own_origin(f);
}
