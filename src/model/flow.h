/* SPDX-License-Identifier: MIT */
/*
 * Flows and the folders they lie in.
 */
#ifndef MODEL_FLOW_H
#define MODEL_FLOW_H

#include "model/owned.h"
#include "rt/scope.h"

typedef struct {
    const char *id;            /* UUID */
    const char *user_id;       /* NULL: an example, everybody's to read */
    const char *folder_id;     /* NULL: none */
    const char *name;          /* unique for the user */
    const char *endpoint_name; /* unique for the user; NULL: none */
    const char *description;   /* NULL allowed, as all below */
    const char *icon, *icon_bg_color, *gradient;
    const char *data; /* JSON object {nodes, edges, viewport}; NULL: none */
    const char *tags; /* JSON array */
    const char *action_name, *action_description;
    const char *access_type; /* "PRIVATE" (NULL means that) or "PUBLIC" */
    const char *fs_path;
    bool is_component, webhook, locked, mcp_enabled;
    int64_t created_at, updated_at;
} flow_row;

/* Fills id (when NULL) and times.  ERR_CONFLICT, code "flow.name_exists", "flow.endpoint_exists" or "flow.id_exists". */
MUST_USE err flow_insert(scope *s, flow_row *f);

/* The same, but a taken name becomes "Name (1)" … and a taken endpoint name "name-1" …: sets them in *f. */
MUST_USE err flow_insert_renamed(scope *s, flow_row *f);

/* ERR_NOT_FOUND, code "flow.not_found". */
MUST_USE err flow_find(scope *s, owned_by who, const char *id, flow_row **out);
MUST_USE err flow_find_by_name(scope *s, owned_by who, const char *id_or_name,
                               flow_row **out); /* id, else endpoint name */

typedef struct {
    owned_by who;
    const char *folder_id; /* NULL: all */
    const char *search;    /* part of the name, taken literally; NULL: all */
    bool with_examples;    /* ownerless ones too */
    bool headers_only;     /* `data` stays NULL unless the flow is a component */
    int components;        /* 1: only components; -1: only flows; 0: both */
    page page;
} flow_filter;
MUST_USE err flow_list(scope *s, const flow_filter *f, flow_row **out, size_t *n,
                       int64_t *total); /* newest change first */

/* Writes all but id, owner and creation time.  ERR_CONFLICT, code "flow.changed", when the row is not as it was read. */
MUST_USE err flow_update(scope *s, owned_by who, flow_row *f);

/* Reads, edits and writes a flow, and undoes nothing that others change meanwhile: then `edit` is called again, with the row
 * as it is by then.  Texts that it sets live in its scope, or as long as the caller's. */
typedef err (*flow_edit)(scope *s, flow_row *f, void *arg);
MUST_USE err flow_change(scope *s, owned_by who, const char *id, flow_edit edit, void *arg, flow_row **out);
/* With the conversations of their runs, whoever ran them. */
MUST_USE err flow_delete(scope *s, owned_by who, const char *const *ids, size_t n, int64_t *deleted);

typedef struct {
    const char *id; /* UUID */
    const char *user_id;
    const char *name;          /* unique for the user */
    const char *description;   /* NULL: none */
    const char *parent_id;     /* NULL: none */
    const char *auth_settings; /* JSON object; NULL: none */
    int64_t created_at, updated_at;
} folder_row;

/* ERR_CONFLICT, code "folder.exists"; ERR_NOT_FOUND, code "folder.not_found". */
MUST_USE err folder_insert(scope *s, folder_row *f);
MUST_USE err folder_find(scope *s, owned_by who, const char *id, folder_row **out);
MUST_USE err folder_list(scope *s, owned_by who, folder_row **out, size_t *n); /* oldest first */
MUST_USE err folder_default(scope *s, const char *user_id, folder_row **out);  /* "Starter Project", made when absent */
MUST_USE err folder_update(scope *s, owned_by who, folder_row *f);
MUST_USE err folder_delete(scope *s, owned_by who, const char *id); /* with its flows and their conversations */

#endif
