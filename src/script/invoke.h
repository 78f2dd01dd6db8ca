/* SPDX-License-Identifier: MIT */
/*
 * One run of an integration's script for a user: input by field, credentials of his connection, files, allowed hosts.
 *
 * Everything that runs the code of an action or trigger goes through here: tools, test runs, polls.  Whether the user may use the
 * integration has been checked by the caller.
 */
#ifndef SCRIPT_INVOKE_H
#define SCRIPT_INVOKE_H

#include "model/connection.h"
#include "model/integration.h"
#include "script/script.h"

typedef struct {
    const integration_row *integration;
    const char *user_id; /* who acts; his connection is used, and his are the files */
    const char
        *connection_id; /* the one that was chosen beforehand; NULL, or one that is gone: his own (section 4.1) */
    const char *connection_owner; /* whose connection_id is; NULL: the user's */
    bool no_default;              /* only connection_id counts */
    const char *name;             /* of the action or trigger: its slug */
    const char *code;
    const char *input_fields;   /* JSON text (model/input_field.h); NULL: none */
    json_t *input;              /* object: by slug, camelCase or label; NULL: {} */
    const char *workspace;      /* directory whose files FILE fields may name; NULL: none */
    const char *last_poll_time; /* of a poll, else NULL */
    bool test;                  /* reading a field that is not declared is noted in the logs */

    script_outcome outcome; /* out */
} invocation;

/*
 * Runs it.  OK whatever became of the script: see in->outcome.  ERR_NOT_FOUND, code "connection.none": "No connection configured
 * for integration Helpdesk"; ERR_CONFLICT, code "connection.needs_reconnect"; ERR_NOT_FOUND, code "file.not_found";
 * ERR_TOO_LARGE: a file or all of them; code "input.vector": a VECTOR field without an embedding model that answers (script/vector.h); or as
 * script_run().
 */
MUST_USE err invoke(scope *s, invocation *in);

/* Stores output files as attachments of the user and puts "attachmentId" into the objects that stand for them: those that are `within`
 * or its items; NULL: all.  Ids are appended to `attachments`, an array; NULL: nobody wants them. */
MUST_USE err invoke_keep_files(scope *s, const invocation *in, const json_t *within, json_t *attachments);

#endif
