/* SPDX-License-Identifier: MIT */
/*
 * What travels along the edges of a flow.
 */
#ifndef FLOW_VALUE_H
#define FLOW_VALUE_H

#include "base/json.h"

/* A chat message; every string may be NULL but `text`. */
typedef struct {
    const char *id; /* UUID once it was stored or shown */
    const char *text;
    const char *sender; /* "User" or "Machine" */
    const char *sender_name;
    const char *session_id;
    const char *context_id;
    json_t *files; /* array, or NULL */
    /* Which component it came from: properties.source. */
    const char *source_id, *source_name, *source_model;
    int64_t time; /* clock_wall(); 0: not shown yet */
} flow_message;

typedef enum { VALUE_NONE, VALUE_TEXT, VALUE_MESSAGE, VALUE_JSON } value_kind;

typedef struct {
    value_kind kind;
    const char *text;
    flow_message *message;
    json_t *json; /* borrowed from the run's arena */
} flow_value;

static inline flow_value value_of_message(flow_message *m)
{
    return (flow_value){.kind = VALUE_MESSAGE, .message = m};
}

/* The value as text: a message's or object's text, JSON otherwise; "" for nothing.  In `a` or borrowed. */
const char *value_text(arena *a, const flow_value *v);

#endif
