/* SPDX-License-Identifier: MIT */
/*
 * Set-Cookie texts.
 */
#include "auth/cookie.h"

#include <inttypes.h>

static const char *tail(arena *a, const cookie_form *f)
{
    return arena_printf(a, "%s; samesite=%s%s", f->script_readable ? "" : "; httponly", f->same_site,
                        f->secure ? "; secure" : "");
}

char *cookie_text(arena *a, const cookie_form *f, const char *value, int64_t max_age)
{
    if (max_age == 0)
        return arena_printf(a, "%s=%s; path=/%s", f->name, value, tail(a, f));
    return arena_printf(a, "%s=%s; path=/; Max-Age=%" PRId64 "%s", f->name, value, max_age, tail(a, f));
}

char *cookie_deletion(arena *a, const cookie_form *f)
{
    return arena_printf(a, "%s=null; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT%s", f->name, tail(a, f));
}
