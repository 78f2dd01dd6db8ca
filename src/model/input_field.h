/* SPDX-License-Identifier: MIT */
/*
 * Input fields of actions and triggers: what is stored of what was sent (contracts/langdock.md section 2.9).
 *
 * A stored field is the object that the API shows: {"slug","label","type","description","placeholder","required","order",
 * "options","allowMultiSelect","contextActionId","jsonSchema"}.  Its slug comes from the label and is unique in the list; its
 * order is its place.
 */
#ifndef MODEL_INPUT_FIELD_H
#define MODEL_INPUT_FIELD_H

#include "base/json.h"
#include "rt/scope.h"

enum { INPUT_FIELDS_MAX = 200, INPUT_FIELD_SLUG_MAX = 100 };
enum { INPUT_FIELDS_BYTES = 256 << 10 }; /* of a list as text: each chat reads those of its actions */

/* `sent` is an array of objects whose members have been checked for type and length; NULL is none.  A field without
 * "jsonSchema" keeps that of the field with its slug in `before` (may be NULL).  The new list is held by the scope's arena.
 * ERR_INVALID, code "field.json_schema": not the JSON text of an object. */
MUST_USE err input_fields_make(scope *s, const json_t *sent, const json_t *before, json_t **out);

/* A stored list as a value, held by the arena; an empty one when the text is damaged. */
json_t *input_fields_parse(arena *a, const char *text);

#endif
