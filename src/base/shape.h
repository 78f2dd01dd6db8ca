/* SPDX-License-Identifier: MIT */
/*
 * Whether a value has the shape that a JSON Schema asks for: for answers of models that must be structured, and for what tools are
 * given.
 *
 * Understood: type, properties, required, additionalProperties, items, enum, const, minItems, maxItems, minLength, maxLength,
 * minimum, maximum, exclusiveMinimum, exclusiveMaximum, anyOf, oneOf, allOf, and $ref into the schema itself.  Other keywords
 * are taken as met.
 */
#ifndef BASE_SHAPE_H
#define BASE_SHAPE_H

#include "base/json.h"

/* NULL when it fits, else one short clause that says where it does not, in `a`; also when looking takes too many steps. */
const char *shape_fault(arena *a, const json_t *schema, const json_t *value);

/* The JSON value in a model's answer: the whole text, what stands in a code fence, or from the first bracket to the last.  NULL
 * when there is none. */
json_t *shape_find_json(arena *a, const char *text);

#endif
