/* SPDX-License-Identifier: MIT */
/* Actions as tools; see action.h. */
#include "script/action.h"

#include "base/log.h"
#include "base/map.h"
#include "base/slug.h"
#include "model/agent.h"
#include "model/idempotency.h"
#include "model/input_field.h"
#include "model/integration.h"
#include "model/user.h"
#include "rt/sleep.h"

enum { RESULT_MAX = 100 * 1000, NAME_MAX = 63 };
enum { FIELDS_MAX = 4 << 20 }; /* bytes of input fields that are made into parameters at once */

static const char needs_confirmation[] = "This action requires user confirmation and cannot run through the API";

/* An action that somebody may use here.  Lives with its tool. */
typedef struct {
    tool tool;
    const char *action_id, *integration_id, *slug, *long_name;
    bool requires_confirmation;
    const char *connection_id, *connection_owner; /* of the agent's entry; NULL: none */
} action_tool;

typedef struct {
    scope *s;
    arena *a;
    const tool_context *cx;
    action_tool *items;
    size_t n, cap;
    map *names, *ids; /* of items; values are items */
} catalogue;

/* Names */

/* Whether a built-in tool has that name. */
static bool is_builtin(scope *s, arena *a, const char *name)
{
    const tool_context nobody = {0}; /* sees nothing else */
    const tool *found;

    return tool_find(s, a, &nobody, name, &found) == OK;
}

static bool is_taken(const catalogue *c, const char *name)
{
    return map_get(c->names, name) != NULL || is_builtin(c->s, c->a, name);
}

static const char *pick_name(const catalogue *c, const char *slug, const char *long_name)
{
    const char *name = slug;

    if (is_taken(c, name))
        name = long_name;
    for (size_t n = 2; is_taken(c, name); n++)
        name = slug_numbered(c->a, long_name, n, NAME_MAX);
    return name;
}

static const char *make_long_name(arena *a, const char *integration, const char *slug)
{
    const char *whole = arena_printf(a, "%s_%s", slug_make(a, integration, "integration", NAME_MAX), slug);

    return arena_strndup(a, whole, MIN_OF(strlen(whole), (size_t)NAME_MAX));
}

/* The catalogue */

static err call_action(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out);

static action_tool *enter(catalogue *c, const action_row *row, const char *integration, const char *owner)
{
    const char *slug = arena_strdup(c->a, row->slug), *long_name = make_long_name(c->a, integration, row->slug);
    const char *about = cstr_blank(row->description) ? row->name : row->description;
    action_tool *at = &c->items[c->n];

    *at = (action_tool){
        .action_id = arena_strdup(c->a, row->id),
        .integration_id = arena_strdup(c->a, row->integration_id),
        .slug = slug,
        .long_name = long_name,
        .requires_confirmation = row->requires_confirmation,
        .tool = {.name = pick_name(c, slug, long_name),
                 .description = arena_strdup(c->a, about),
                 .kind = TOOL_ACTION,
                 .source = arena_strdup(c->a, integration),
                 .owner = arena_strdup(c->a, owner),
                 .explicit_only = true,
                 .call = call_action},
    };
    c->n++;
    at->tool.data = at;
    map_put(c->names, at->tool.name, at);
    map_put(c->ids, at->action_id, at);
    return at;
}

static action_tool *entered(const catalogue *c, const char *action_id)
{
    return map_get(c->ids, action_id);
}

/* Options that another action yields: the model is told where to ask. */
static void hint_at_sources(const catalogue *c, const action_tool *at, const json_t *fields)
{

    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *f = json_array_get(fields, i);
        const action_tool *from = entered(c, json_get_str(f, "contextActionId", ""));
        json_t *schema = json_object_get(json_object_get(at->tool.parameters, "properties"),
                                         slug_camel(c->a, json_get_str(f, "slug", "")));

        if (from == NULL || schema == NULL)
            continue;
        if (json_get_obj(schema, "items") != NULL)
            schema = json_get_obj(schema, "items");
        json_set_str(schema, "description",
                     arena_printf(c->a, "%s (possible values come from the tool %s)",
                                  json_get_str(schema, "description", json_get_str(f, "label", "")), from->tool.name));
    }
}

/* Who is gone or disabled lends nothing: *lender becomes NULL. */
static err check_lender(scope *s, const char **lender)
{
    user_row *u;
    err e = *lender != NULL ? user_find(s, *lender, &u) : OK;

    if (e == ERR_NOT_FOUND || (e == OK && *lender != NULL && !u->active)) {
        *lender = NULL;
        return OK;
    }
    return e;
}

/* The agent's own entries (an array), and who lends what they name.  An agent that is gone has none. */
static err agent_entries(scope *s, const char *agent_id, json_t **entries, const char **lender)
{
    const char *const places[2] = {"extra", "config"};
    agent_row *row = NULL;
    err e;

    *entries = NULL;
    if (agent_id == NULL)
        return OK;
    e = agent_recall(s, agent_id, &row);
    if (e == ERR_NOT_FOUND)
        return OK;
    TRY(e);
    *lender = row->owner_id;
    for (size_t i = 0; i < COUNT(places) && *entries == NULL; i++) {
        const char *text = i == 0 ? row->extra : row->config;
        json_t *o = NULL;

        if (text != NULL && json_parse(s->arena, text, strlen(text), NULL, &o) == OK)
            *entries = json_get_arr(o, "actions");
    }
    return *entries != NULL ? check_lender(s, lender) : OK;
}

/* An action of the agent that its user has not got himself: the agent's owner must be able to use it. */
static err lend(catalogue *c, const char *action_id, const char *lender, action_tool **out)
{
    integration_row *i = NULL;
    action_row *row = NULL;
    err e = action_find(c->s, NULL, action_id, &row);

    if (e == OK)
        e = integration_find(c->s, owned_by_user(lender), row->integration_id, &i);
    if (e == ERR_NOT_FOUND || e == ERR_DENIED)
        return OK; /* gone, or not his any more */
    TRY(e);
    *out = enter(c, row, i->name, NULL);
    return OK;
}

static const json_t *entry_of(const json_t *entries, const char *action_id)
{
    for (size_t i = 0; i < json_array_size(entries); i++)
        if (cstr_eq(json_get_str(json_array_get(entries, i), "actionId", NULL), action_id))
            return json_array_get(entries, i);
    return NULL;
}

/*
 * What the run's agent says about an action.  A request may bring entries of its own: those give nothing that the user has not got
 * himself.  Only what is stored with the agent is lent by its owner (NULL: nobody lends): the action, and the connection.
 */
static err apply_entry(catalogue *c, const json_t *entry, const json_t *stored, const char *lender)
{
    const char *id = json_get_str(entry, "actionId", NULL), *connection = json_get_str(entry, "connectionId", NULL);
    const json_t *kept = id != NULL ? entry_of(stored, id) : NULL;
    action_tool *at = id != NULL ? entered(c, id) : NULL;
    bool lent = at == NULL;

    if (lent && kept != NULL && lender != NULL && c->n < c->cap)
        TRY(lend(c, id, lender, &at));
    if (at == NULL)
        return OK;
    at->requires_confirmation = json_get_bool(lent ? kept : entry, "requiresConfirmation", true);
    at->connection_id = arena_strdup(c->a, connection);
    if (connection != NULL && cstr_eq(json_get_str(kept, "connectionId", NULL), connection))
        at->connection_owner = arena_strdup(c->a, lender);
    return OK;
}

/* Their parameters, which are read last and in small parts: only of those that are wanted. */
static err describe_some(scope *s, catalogue *c, size_t from, size_t n, size_t *read)
{
    const char *ids[ACTION_FIELDS_AT_ONCE], *texts[ACTION_FIELDS_AT_ONCE];

    for (size_t i = 0; i < n; i++)
        ids[i] = c->items[from + i].action_id;
    TRY(action_list_fields(s, ids, n, texts));
    for (size_t i = 0; i < n; i++) {
        action_tool *at = &c->items[from + i];

        at->tool.parameters = json_hold(c->a, action_parameters(texts[i]));
        hint_at_sources(c, at, input_fields_parse(s->arena, texts[i]));
        *read += texts[i] != NULL ? strlen(texts[i]) : 0;
    }
    return OK;
}

static err describe(catalogue *c)
{
    size_t read = 0, at = 0;

    while (at < c->n && read <= FIELDS_MAX) {
        size_t n = MIN_OF(c->n - at, (size_t)ACTION_FIELDS_AT_ONCE);
        scope *turn = scope_child(c->s, NO_LIMIT);
        err e = describe_some(turn, c, at, n, &read);

        if (e != OK)
            return fail_from(c->s, turn, e);
        scope_close(turn);
        at += n;
    }
    if (at < c->n)
        log_warn("actions.not_offered", log_str("user", c->cx->user_id), log_int("actions", (int64_t)(c->n - at)));
    c->n = at;
    return OK;
}

/* The one of that name or id, else of that long name. */
static void keep_only(catalogue *c, const char *name)
{
    action_tool *found = NULL;

    for (size_t i = 0; i < c->n; i++) {
        action_tool *at = &c->items[i];

        if (cstr_eq(at->tool.name, name) || cstr_eq(at->action_id, name)) {
            found = at;
            break;
        }
        if (found == NULL && cstr_eq(at->long_name, name))
            found = at;
    }
    c->items = found;
    c->n = found != NULL ? 1 : 0;
}

/* Everything that the caller may use, in an order that does not change when something is added; of an agent that names its
 * actions, those. */
static err fill(scope *s, const tool_context *cx, catalogue *c)
{
    const char *lender = NULL;
    json_t *stored = NULL;
    const json_t *entries;
    action_offer *offers;
    size_t n;

    TRY(action_list_offers(s, cx->user_id, &offers, &n));
    TRY(agent_entries(s, cx->agent_id, &stored, &lender));
    entries = cx->actions != NULL ? cx->actions : stored;
    c->cap = n + json_array_size(entries);
    c->items = arena_array(c->a, action_tool, c->cap);
    for (size_t i = 0; i < n; i++)
        if (cx->actions == NULL || entry_of(entries, offers[i].action.id) != NULL)
            enter(c, &offers[i].action, offers[i].integration_name, offers[i].owner_id);
    for (size_t i = 0; i < json_array_size(entries); i++)
        TRY(apply_entry(c, json_array_get(entries, i), stored, lender));
    return OK;
}

/* The catalogue of a caller, its tools in `a`; with a `name` that tool alone, or none. */
static err collect(scope *s, arena *a, const tool_context *cx, const char *name, catalogue *c)
{
    scope *own;
    err e;

    *c = (catalogue){.a = a, .cx = cx};
    if (cx->user_id == NULL)
        return OK;
    own = scope_child(s, NO_LIMIT);
    c->s = own;
    c->names = map_new();
    c->ids = map_new();
    e = fill(own, cx, c);
    if (e == OK && name != NULL)
        keep_only(c, name);
    if (e == OK)
        e = describe(c);
    if (e != OK)
        e = fail_from(s, own, e);
    map_free(c->names);
    map_free(c->ids);
    scope_close(own);
    return e;
}

static err list_actions(scope *s, arena *a, const tool_context *cx, void (*add)(void *arg, const tool *t), void *arg)
{
    catalogue c;

    TRY(collect(s, a, cx, NULL, &c));
    for (size_t i = 0; i < c.n; i++)
        add(arg, &c.items[i].tool);
    return OK;
}

static err find_action(scope *s, arena *a, const tool_context *cx, const char *name, const tool **out)
{
    catalogue c;

    TRY(collect(s, a, cx, name, &c));
    if (c.n == 0)
        return ERR_NOT_FOUND;
    *out = &c.items[0].tool;
    return OK;
}

/* Calling */

static err soft_failure(scope *s, const char *message, tool_result *out)
{
    json_t *o = json_hold(s->arena, json_object());

    json_set_bool(o, "error", true);
    json_set_str(o, "message", message);
    *out = (tool_result){.text = json_text(s->arena, o), .value = o, .failed = true};
    return OK;
}

/* At most RESULT_MAX bytes, with a mark where it was cut. */
static void give(scope *s, json_t *value, tool_result *out)
{
    const char *text = json_is_string(value) ? json_string_value(value) : json_text(s->arena, value);
    size_t len = strlen(text), cut = RESULT_MAX;

    *out = (tool_result){.text = text, .value = json_is_string(value) ? NULL : value};
    if (len <= RESULT_MAX)
        return;
    while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80)
        cut--;
    out->value = NULL;
    out->text = arena_printf(s->arena, "%.*s\n[result truncated: %zu of %zu bytes]", (int)cut, text, cut, len);
}

static err run(scope *s, const action_tool *at, const tool_context *cx, json_t *args, tool_result *out)
{
    integration_row *i = NULL;
    action_row *row = NULL;
    invocation in;

    TRY(action_find(s, at->integration_id, at->action_id, &row));
    TRY(integration_find(s, OWNED_BY_ANYONE, at->integration_id, &i));
    TRY(action_check_input(s, row->input_fields, args));
    in = (invocation){.integration = i,
                      .user_id = cx->user_id,
                      .connection_id = at->connection_id,
                      .connection_owner = at->connection_owner,
                      .name = row->slug,
                      .code = row->code,
                      .input_fields = row->input_fields,
                      .input = args,
                      .workspace = cx->workspace};
    TRY(invoke(s, &in));
    if (in.outcome.status != SCRIPT_DONE)
        return soft_failure(s, in.outcome.message, out);
    TRY(invoke_keep_files(s, &in, NULL, NULL));
    give(s, in.outcome.value, out);
    return OK;
}

/* Whatever happens, the model is told (section 3.9); only the end of the call itself is an error. */
static err call_action(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    const action_tool *at = t->data;
    err e;

    if (at->requires_confirmation && !cx->confirmed)
        return soft_failure(s, needs_confirmation, out);
    e = run(s, at, cx, args, out);
    if (e == OK || scope_check(s) != OK)
        return e;
    if (e == ERR_NOT_FOUND && cstr_eq(s->failure.code, "action.not_found"))
        return soft_failure(s, "Action no longer exists", out);
    return soft_failure(s, e == ERR_INTERNAL ? "internal error" : scope_failure(s, e).text, out);
}

void action_setup(void)
{
    static const tool_source source = {.kind = TOOL_ACTION, .list = list_actions, .find = find_action};

    tool_register_source(&source);
}

/* Upkeep */

static err tidy(scope *s)
{
    TRY(connection_purge(s, NULL));
    return idempotency_purge(s, NULL);
}

err integration_upkeep(scope *s, void *unused)
{
    (void)unused;
    do {
        scope *turn = scope_child(s, MINUTES(5));
        err e = tidy(turn);

        if (e != OK && e != ERR_CANCELLED)
            log_warn("integrations_not_tidied", log_str("error", err_name(e)));
        scope_close(turn);
    } while (sleep_for(s, MINUTES(10)) == OK);
    return OK;
}
