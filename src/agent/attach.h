/* SPDX-License-Identifier: MIT */
/*
 * Files as a model gets them: text as text, images as images.
 *
 * Documents whose text is not plainly there (PDF, office formats) cannot be given so: ERR_UNSUPPORTED, code
 * "attachment.no_text", which the caller tells, or turns into a note for the model (attach_note) when its tools can use them.
 */
#ifndef AGENT_ATTACH_H
#define AGENT_ATTACH_H

#include "base/json.h"
#include "model/attachment.h"

enum { ATTACH_TEXT_MAX = 1 << 20, ATTACH_IMAGE_MAX = 20 << 20, ATTACH_FILES_MAX = 50 };

/* One content part, held by `a`.  ERR_TOO_LARGE, code "attachment.too_long"; ERR_UNSUPPORTED as above. */
MUST_USE err attach_bytes(scope *s, arena *a, const char *name, const char *mime, str bytes, json_t **part);

/* The same of a stored file.  Parks. */
MUST_USE err attach_stored(scope *s, arena *a, const attachment_row *at, json_t **part);

/* A part that says that the file is there and how tools refer to it. */
json_t *attach_note(arena *a, const attachment_row *at);

/* The texts of the files of an agent, for the end of its system prompt; those that are gone or have no text are said to be.
 * `ids`: array of strings, or NULL; *out NULL when there is nothing to say.  In `a`.  Parks. */
MUST_USE err attach_for_prompt(scope *s, arena *a, owned_by who, const json_t *ids, const char **out);

#endif
