/* SPDX-License-Identifier: MIT */
/*
 * VECTOR fields: the model passes text, the script is given the text's vector (contracts/langdock.md section 3.9).
 */
#ifndef SCRIPT_VECTOR_H
#define SCRIPT_VECTOR_H

#include "script/connection.h"

/*
 * The vector of `text` by the embedding model that the connection's EMBEDDING_MODEL field names, by id or name: one of the
 * connection's owner, else of the system.  *out is an array of numbers, held by the scope's arena.  Parks.
 *
 * Code "input.vector": ERR_UNSUPPORTED when no model is named, ERR_NOT_FOUND when it is not configured, and whatever the call of
 * it failed with.  `field` is named in the message.
 */
MUST_USE err vector_of_text(scope *s, const integration_row *i, const credentials *c, const char *field,
                            const char *text, json_t **out);

#endif
