/* SPDX-License-Identifier: MIT */
/*
 * Names for programs, made out of names for people: "Deal ID" becomes deal_id or dealId.
 *
 * A text is taken apart into words at everything that is no letter or digit and where small letters turn into capitals
 * ("HTTPServer" is two words).  Accents go, letters of other alphabets count as separators.
 */
#ifndef BASE_SLUG_H
#define BASE_SLUG_H

#include "base/arena.h"

/* The words in lower case with '_' between them, at most `max` characters; `fallback` when there is no word.  A digit at
 * the front gets a '_' before it. */
char *slug_make(arena *a, const char *text, const char *fallback, size_t max);

/* `slug` as the n-th of that name: itself for 1, else "slug_2" …, still within `max`. */
char *slug_numbered(arena *a, const char *slug, size_t n, size_t max);

/* deal_id -> dealId; a '_' at the front stays. */
char *slug_camel(arena *a, const char *slug);

/* Whether scripts can write `text` after a dot: letters (any above ASCII count), digits, '_' and '$', no digit first. */
bool slug_is_identifier(const char *text);

#endif
