/* SPDX-License-Identifier: MIT */
/*
 * HTML pages as Markdown text, for models to read.  For pool threads: parsing a large page takes a while.
 */
#ifndef TOOL_HTML_TEXT_H
#define TOOL_HTML_TEXT_H

#include "base/json.h"

typedef struct {
    char *title;    /* "" when the page has none */
    char *text;     /* Markdown */
    json_t *images; /* array of absolute URLs, at most 20; held by the arena */
    size_t n_links;
} html_page;

/* Any bytes give a page; `charset` (may be NULL) is what the server said.  `url` makes links absolute. */
html_page html_to_text(arena *a, str html, const char *charset, const char *url);

#endif
