/* SPDX-License-Identifier: MIT */
/*
 * Text files as the file tools see them: loaded whole, checked, split into lines.  For pool threads.
 */
#ifndef TOOL_TEXTFILE_H
#define TOOL_TEXTFILE_H

#include "tool/internal.h"

/* Loads UTF-8 text.  NULL, or the failure to answer with (new reference). */
MUST_USE json_t *text_load(work *w, const char *given, const char **rel, str *text);

/* Where each line begins; (*lines)[n] is the end of the text. */
size_t text_lines(arena *a, str text, size_t **lines);

/* The "validation" member of a result: whether the text is what its file's name says.  New reference. */
json_t *text_validate(arena *a, const char *rel, str text);

#endif
