/* SPDX-License-Identifier: MIT */
/* See filter.h. */
#include "face/sage/filter.h"

#include "base/str.h"

const char *sage_filter(const char *sent)
{
    return cstr_blank(sent) || cstr_eq(sent, "undefined") || cstr_eq(sent, "null") ? NULL : sent;
}
