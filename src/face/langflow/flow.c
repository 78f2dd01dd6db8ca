/* SPDX-License-Identifier: MIT */
/* Flows: create, list, get, change, delete (contracts/langflow-api.md section 6). */
#include "model/flow.h"

#include "auth/rules.h"
#include "base/id.h"
#include "face/langflow/envelope.h"
#include "face/langflow/handlers.h"
#include "face/pydantic.h"

typedef struct {
    const char *name, *description, *icon, *icon_bg_color, *gradient, *endpoint_name, *action_name, *action_description;
    const char *access_type, *folder_id, *fs_path;
    json_t *data, *tags;
    bool is_component, locked, mcp_enabled;
} flow_body;

#define FLOW_FIELDS(needed)                                                                                            \
    FIELD(flow_body, name, .required = (needed), .not_null = (needed), .text = "Unique among the user's flows"),       \
        FIELD(flow_body, description), FIELD(flow_body, data, .json = JSON_OBJECT_TYPE, .text = "nodes and edges"),    \
        FIELD(flow_body, endpoint_name, .text = "Name in URLs"), FIELD(flow_body, locked),                             \
        FIELD(flow_body, mcp_enabled), FIELD(flow_body, action_name), FIELD(flow_body, action_description),            \
        FIELD(flow_body, access_type, .one_of = "PRIVATE|PUBLIC"), FIELD(flow_body, folder_id),                        \
        FIELD(flow_body, fs_path)

static const field create_fields[] = {FLOW_FIELDS(true),
                                      FIELD(flow_body, icon),
                                      FIELD(flow_body, icon_bg_color, .text = "#RRGGBB"),
                                      FIELD(flow_body, gradient),
                                      FIELD(flow_body, is_component),
                                      FIELD(flow_body, tags, .json = JSON_STRINGS_TYPE, .max = 1000)};
static const field update_fields[] = {FLOW_FIELDS(false)};
const schema lf_flow_schema = {"FlowCreate", sizeof(flow_body), create_fields, COUNT(create_fields), SIZE_MAX};
const schema lf_flow_update_schema = {"FlowUpdate", sizeof(flow_body), update_fields, COUNT(update_fields), SIZE_MAX};

/* Everybody sees his own flows, administrators too: so the platform's clients expect it. */
static owned_by own(const request *rq)
{
    return own_rows_of(rq->user);
}

static json_t *parsed(arena *a, const char *text)
{
    json_t *v;

    if (text == NULL || json_parse(a, text, strlen(text), NULL, &v) != OK)
        return json_null();
    return json_incref(v);
}

static json_t *flow_json(arena *a, const flow_row *f)
{
    json_t *o = json_object();

    json_set_str(o, "name", f->name);
    json_set_str(o, "description", f->description);
    json_set_str(o, "icon", f->icon);
    json_set_str(o, "icon_bg_color", f->icon_bg_color);
    json_set_str(o, "gradient", f->gradient);
    json_set(o, "data", parsed(a, f->data));
    json_set_bool(o, "is_component", f->is_component);
    json_set(o, "updated_at", lf_time(f->updated_at));
    json_set_bool(o, "webhook", f->webhook);
    json_set_str(o, "endpoint_name", f->endpoint_name);
    json_set(o, "tags", parsed(a, f->tags));
    json_set_bool(o, "locked", f->locked);
    json_set_bool(o, "mcp_enabled", f->mcp_enabled);
    json_set_str(o, "action_name", f->action_name);
    json_set_str(o, "action_description", f->action_description);
    json_set_str(o, "access_type", f->access_type != NULL ? f->access_type : "PRIVATE");
    json_set_str(o, "id", f->id);
    json_set_str(o, "user_id", id_dashed(a, f->user_id));
    json_set_str(o, "folder_id", f->folder_id);
    return o;
}

static bool is_endpoint_name(const char *s)
{
    return *s != '\0' && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

static bool is_colour(const char *s)
{
    return *s == '#' && strlen(s) == 7 && strspn(s + 1, "0123456789abcdefABCDEF") == 6;
}

/* Rules that a table cannot say; *answered says that the answer was given. */
static err check(request *rq, response *rs, const flow_body *in, bool *answered)
{
    const char *field_name = NULL, *msg = NULL;

    if (!cstr_blank(in->endpoint_name) && !is_endpoint_name(in->endpoint_name)) {
        field_name = "endpoint_name";
        msg = "Value error, Endpoint name must contain only letters, numbers, hyphens, and underscores";
    } else if (in->icon_bg_color != NULL && !is_colour(in->icon_bg_color)) {
        field_name = "icon_bg_color";
        msg = "Value error, Icon background color must be # and six hexadecimal digits";
    } else if (json_object_size(in->data) > 0 && json_get_arr(in->data, "nodes") == NULL) {
        field_name = "data";
        msg = "Value error, Flow must have nodes";
    } else if (json_object_size(in->data) > 0 && json_get_arr(in->data, "edges") == NULL) {
        field_name = "data";
        msg = "Value error, Flow must have edges";
    }
    *answered = msg != NULL;
    if (msg == NULL)
        return OK;
    return reply_json(rs, 422, json_hold(rq->scope->arena, pydantic_value_error(rq, field_name, msg)));
}

/* A flow with a Webhook component is one that webhooks can start. */
static bool has_webhook(const json_t *data)
{
    const json_t *nodes = json_get_arr(data, "nodes");

    for (size_t i = 0; i < json_array_size(nodes); i++)
        if (cstr_starts(json_get_str(json_array_get(nodes, i), "id", ""), "Webhook"))
            return true;
    return false;
}

/* POST /api/v1/flows/ */
err lf_flow_create(request *rq, response *rs)
{
    const flow_body *in = rq->body;
    arena *a = rq->scope->arena;
    folder_row *folder;
    flow_row row;
    bool answered;
    err e = check(rq, rs, in, &answered);

    if (e != OK || answered)
        return e;
    e = cstr_blank(in->folder_id) ? ERR_NOT_FOUND : folder_find(rq->scope, own(rq), in->folder_id, &folder);
    if (e == ERR_NOT_FOUND)
        e = folder_default(rq->scope, rq->user->user_id, &folder);
    TRY(e);
    row = (flow_row){
        .user_id = rq->user->user_id,
        .folder_id = folder->id,
        .name = in->name,
        .endpoint_name = cstr_blank(in->endpoint_name) ? NULL : in->endpoint_name,
        .description = in->description,
        .icon = in->icon,
        .icon_bg_color = in->icon_bg_color,
        .gradient = in->gradient,
        .data = in->data != NULL ? json_text(a, in->data) : NULL,
        .tags = in->tags != NULL ? json_text(a, in->tags) : NULL,
        .action_name = in->action_name,
        .action_description = in->action_description,
        .access_type = in->access_type,
        .fs_path = in->fs_path,
        .is_component = in->is_component,
        .webhook = has_webhook(in->data),
        .locked = in->locked,
        .mcp_enabled = in->mcp_enabled,
    };
    TRY(flow_insert_renamed(rq->scope, &row));
    return reply_json(rs, 201, json_hold(a, flow_json(a, &row)));
}

typedef struct {
    bool get_all, header_flows, components_only, remove_example_flows;
    const char *folder_id;
    int64_t page, size;
} list_args;
static const field list_fields[] = {
    FIELD(list_args, get_all, .fallback = "true", .text = "All flows as a list; else a page of a folder"),
    FIELD(list_args, header_flows, .text = "Without the graphs"),
    FIELD(list_args, components_only),
    FIELD(list_args, remove_example_flows),
    FIELD(list_args, folder_id),
    FIELD(list_args, page, .min = 1, .max = 1e15, .fallback = "1"),
    FIELD(list_args, size, .min = 1, .max = 100, .fallback = "50"),
};
const schema lf_flow_list_schema = SCHEMA(list_args, list_fields);

/* What lists without graphs show of a flow. */
static json_t *header_json(arena *a, const flow_row *f)
{
    static const char *const keys[] = {
        "id",   "name",        "folder_id", "is_component", "endpoint_name", "description",
        "data", "access_type", "tags",      "mcp_enabled",  "action_name",   "action_description"};
    json_t *whole = json_hold(a, flow_json(a, f)), *o = json_object();

    for (size_t i = 0; i < COUNT(keys); i++)
        json_set(o, keys[i], json_incref(json_object_get(whole, keys[i])));
    return o;
}

static json_t *rows_json(arena *a, const flow_row *rows, size_t n, bool headers)
{
    json_t *list = json_hold(a, json_array());

    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, (headers ? header_json : flow_json)(a, &rows[i]));
    return list;
}

/* GET /api/v1/flows/ */
err lf_flow_list(request *rq, response *rs)
{
    const list_args *in = rq->args;
    arena *a = rq->scope->arena;
    flow_filter f = {.who = own(rq),
                     .folder_id = cstr_blank(in->folder_id) ? NULL : in->folder_id,
                     .headers_only = in->get_all && in->header_flows,
                     .components = in->components_only ? 1 : 0,
                     .page = {.all = true}};
    folder_row *folder;
    flow_row *rows;
    int64_t total;
    json_t *o;
    size_t n;

    if (!in->get_all) {
        f.page = (page){.offset = (in->page - 1) * in->size, .limit = in->size};
        if (f.folder_id == NULL) {
            TRY(folder_default(rq->scope, rq->user->user_id, &folder));
            f.folder_id = folder->id;
        }
    }
    TRY(flow_list(rq->scope, &f, &rows, &n, &total));
    if (in->get_all)
        return reply_json(rs, 200, rows_json(a, rows, n, in->header_flows));
    o = json_hold(a, json_object());
    json_set(o, "items", json_incref(rows_json(a, rows, n, false)));
    json_set_int(o, "total", total);
    json_set_int(o, "page", in->page);
    json_set_int(o, "size", in->size);
    json_set_int(o, "pages", (total + in->size - 1) / in->size);
    return reply_json(rs, 200, o);
}

/* GET /api/v1/flows/{flow_id} */
err lf_flow_get(request *rq, response *rs)
{
    arena *a = rq->scope->arena;
    const char *id;
    flow_row *row;
    err e = lf_uuid_param(rq, rs, "flow_id", &id);

    if (id == NULL)
        return e;
    TRY(flow_find(rq->scope, own(rq), id, &row));
    return reply_json(rs, 200, json_hold(a, flow_json(a, row)));
}

/* Whether the body has this flag, and not as null. */
static bool flagged(const request *rq, const char *name)
{
    return json_is_boolean(json_object_get(rq->json, name));
}

/* What is absent or null stays; an empty endpoint name clears it. */
static err apply(scope *s, flow_row *row, void *arg)
{
    const request *rq = arg;
    const flow_body *in = rq->body;
    folder_row *folder;

    row->name = in->name != NULL ? in->name : row->name;
    row->description = in->description != NULL ? in->description : row->description;
    if (json_object_get(rq->json, "endpoint_name") != NULL)
        row->endpoint_name = cstr_blank(in->endpoint_name) ? NULL : in->endpoint_name;
    if (in->data != NULL) {
        row->data = json_text(s->arena, in->data);
        row->webhook = has_webhook(in->data);
    }
    if (!cstr_blank(in->folder_id)) {
        TRY(folder_find(s, own(rq), in->folder_id, &folder));
        row->folder_id = folder->id;
    }
    row->access_type = in->access_type != NULL ? in->access_type : row->access_type;
    row->action_name = in->action_name != NULL ? in->action_name : row->action_name;
    row->action_description = in->action_description != NULL ? in->action_description : row->action_description;
    row->fs_path = in->fs_path != NULL ? in->fs_path : row->fs_path;
    row->locked = flagged(rq, "locked") ? in->locked : row->locked;
    row->mcp_enabled = flagged(rq, "mcp_enabled") ? in->mcp_enabled : row->mcp_enabled;
    return OK;
}

/* PATCH /api/v1/flows/{flow_id} */
err lf_flow_update(request *rq, response *rs)
{
    const char *id;
    flow_row *row;
    bool answered;
    err e = lf_uuid_param(rq, rs, "flow_id", &id);

    if (id == NULL)
        return e;
    e = check(rq, rs, rq->body, &answered);
    if (e != OK || answered)
        return e;
    TRY(flow_change(rq->scope, own(rq), id, apply, rq, &row));
    return reply_json(rs, 200, json_hold(rq->scope->arena, flow_json(rq->scope->arena, row)));
}

/* DELETE /api/v1/flows/{flow_id} */
err lf_flow_delete(request *rq, response *rs)
{
    json_t *o = json_hold(rq->scope->arena, json_object());
    int64_t deleted;
    const char *id;
    err e = lf_uuid_param(rq, rs, "flow_id", &id);

    if (id == NULL)
        return e;
    TRY(flow_delete(rq->scope, own(rq), &id, 1, &deleted));
    if (deleted == 0)
        return lf_error(rq, rs, 404, "Flow not found");
    json_set_str(o, "message", "Flow deleted successfully");
    return reply_json(rs, 200, o);
}
