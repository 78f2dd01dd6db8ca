/* SPDX-License-Identifier: MIT */
/*
 * The catalogue: every message of the Sage face, by code; for errors also the status and detail that go with it.
 */
#ifndef FACE_SAGE_MESSAGES_H
#define FACE_SAGE_MESSAGES_H

#include "base/def.h"

typedef struct {
    const char *code;
    const char *zh, *en; /* "{}" is the subject */
    int status; /* of an error: HTTP status and `code`; 0: 500, which this platform gives to nearly everything */
    const char *detail; /* of an error: error_detail; NULL: "" */
} sage_message;

extern const sage_message sage_messages[]; /* sorted by code */
extern const size_t sage_message_count;

const sage_message *sage_message_find(const char *code); /* NULL when there is none, and for NULL */

#endif
