/* SPDX-License-Identifier: MIT */
/*
 * The registry: built-in rows turned into tools once, other kinds asked for at each call.
 *
 * Who sees what is decided here: built-in tools are everybody's and cannot be shadowed; of the others a user sees his own
 * and those without owner, an administrator all.  Where names collide a user's own tool wins over a shared one.
 */
#include "tool/internal.h"

#include <assert.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"

enum { SOURCES_MAX = 16 };

static const builtin *const rows[] = {
    &builtin_file_read,
    &builtin_file_write,
    &builtin_file_update,
    &builtin_apply_patch,
    &builtin_grep,
    &builtin_glob,
    &builtin_list_dir,
    &builtin_execute_shell_command,
    &builtin_await_shell,
    &builtin_kill_shell,
    &builtin_fetch_webpages,
    &builtin_todo_write,
    &builtin_todo_read,
    &builtin_search_memory,
    &builtin_analyze_image,
    &builtin_questionnaire_async,
    &builtin_tool_expand_tools,
    &builtin_turn_status,
    &builtin_get_current_time,
};

static tool builtins[COUNT(rows)];
static tool_translation translations[COUNT(rows)][TOOL_LANGUAGES];
static bool ready;
static const tool_source *sources[SOURCES_MAX];
static size_t n_sources;

static tool_settings settings = {
    .result_tokens = 12000,
    .shell_cpu = 300,
    .shell_memory = (int64_t)4 << 30,
    .shell_processes = 512,
};

void tool_configure(const tool_settings *set)
{
    if (set->result_tokens > 0)
        settings.result_tokens = set->result_tokens;
    if (set->shell_cpu > 0)
        settings.shell_cpu = set->shell_cpu;
    if (set->shell_memory > 0)
        settings.shell_memory = set->shell_memory;
    if (set->shell_processes > 0)
        settings.shell_processes = set->shell_processes;
    settings.shell_network = set->shell_network;
}

const tool_settings *tool_settings_now(void)
{
    return &settings;
}

static json_t *param_schema(const param *p)
{
    json_t *o = p->extra != NULL ? json_loads(p->extra, 0, NULL) : json_object();

    assert(o != NULL);
    json_set_str(o, "type", p->type);
    json_set_str(o, "description", p->text);
    if (p->nullable)
        json_set_bool(o, "nullable", true);
    if (!p->required)
        json_set(o, "default", p->fallback != NULL ? json_loads(p->fallback, JSON_DECODE_ANY, NULL) : json_null());
    return o;
}

/* Every tool is told the session it runs in; the model never sees that parameter, lists do. */
static const param session_param = {"session_id", "string", "The conversation that the call belongs to",
                                    .fallback = NULL};

static json_t *parameters_schema(const builtin *b)
{
    json_t *o = json_object(), *properties = json_object(), *required = json_array();

    for (size_t i = 0; i < b->n_params; i++) {
        json_set(properties, b->params[i].name, param_schema(&b->params[i]));
        if (b->params[i].required)
            json_array_append_new(required, json_string(b->params[i].name));
    }
    json_set(properties, session_param.name, param_schema(&session_param));
    json_set_str(o, "type", "object");
    json_set(o, "properties", properties);
    json_set(o, "required", required);
    return o;
}

static err call_row(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    const builtin *b = t->data;
    json_t *result;

    if (b->call != NULL)
        return b->call(s, t, cx, args, out);
    TRY(work_run(s, cx, args, NO_LIMIT, b->work, &result));
    return answer_json(s, result, out);
}

void tool_setup(void)
{
    if (ready)
        return;
    for (size_t i = 0; i < COUNT(rows); i++) {
        builtins[i] = (tool){
            .name = rows[i]->name,
            .description = rows[i]->text,
            .parameters = parameters_schema(rows[i]),
            .kind = TOOL_BUILTIN,
            .source = "basic",
            .timeout = rows[i]->timeout,
            .explicit_only = rows[i]->explicit_only,
            .baseline = rows[i]->baseline,
            .hidden = rows[i]->hidden,
            .call = call_row,
            .data = rows[i],
            .translations = translations[i],
            .n_translations = TOOL_LANGUAGES,
        };
        tool_translate(&builtins[i], translations[i]);
    }
    ready = true;
}

void tool_register_source(const tool_source *src)
{
    assert(n_sources < SOURCES_MAX);
    sources[n_sources++] = src;
}

/* Smaller is closer to the caller; RANK_HIDDEN is not his to use. */
enum { RANK_OWN, RANK_SHARED, RANK_FOREIGN, RANK_HIDDEN };

static int rank_of(const tool *t, const tool_context *cx)
{
    if (cx->user_id == NULL)
        return RANK_HIDDEN;
    if (t->owner == NULL || t->owner[0] == '\0')
        return RANK_SHARED;
    if (cstr_eq(t->owner, cx->user_id))
        return RANK_OWN;
    return cx->admin ? RANK_FOREIGN : RANK_HIDDEN;
}

typedef struct {
    const tool_context *cx;
    map *by_name; /* the best so far; its values are entries of `items` */
    const tool **items;
    size_t n, cap;
} listing;

static void listing_push(listing *l, const tool *t)
{
    if (l->n == l->cap) {
        l->cap = MAX_OF(l->cap * 2, 64);
        l->items = mem_realloc(l->items, l->cap * sizeof(const tool *));
    }
    l->items[l->n++] = t;
    map_put(l->by_name, t->name, (void *)(uintptr_t)l->n); /* 1-based: the array moves */
}

static void listing_add(void *arg, const tool *t)
{
    listing *l = arg;
    int rank = rank_of(t, l->cx);
    size_t at = (size_t)(uintptr_t)map_get(l->by_name, t->name);

    if (rank == RANK_HIDDEN)
        return;
    if (at == 0)
        listing_push(l, t);
    else if (l->items[at - 1]->kind != TOOL_BUILTIN && rank < rank_of(l->items[at - 1], l->cx))
        l->items[at - 1] = t;
}

/* One source that fails does not take the others away: it is logged, unless the caller's work has ended. */
static err listing_ask(scope *s, arena *a, const tool_context *cx, listing *l)
{
    for (size_t i = 0; i < n_sources; i++) {
        err e = sources[i]->list(s, a, cx, listing_add, l);

        if (e == OK)
            continue;
        TRY(scope_check(s));
        log_warn("tool source failed", log_int("kind", sources[i]->kind), log_str("error", scope_failure(s, e).text));
    }
    return OK;
}

err tool_list(scope *s, arena *a, const tool_context *cx, const tool ***out, size_t *n)
{
    listing l = {.cx = cx, .by_name = map_new()};
    err e = OK;

    for (size_t i = 0; i < COUNT(builtins); i++)
        listing_push(&l, &builtins[i]);
    if (cx->user_id != NULL)
        e = listing_ask(s, a, cx, &l);
    if (e == OK) {
        *out = arena_memdup(a, l.items, l.n * sizeof(const tool *));
        *n = l.n;
    }
    free(l.items);
    map_free(l.by_name);
    return e;
}

static err find_elsewhere(scope *s, arena *a, const tool_context *cx, const char *name, const tool **best)
{
    for (size_t i = 0; i < n_sources; i++) {
        const tool *t = NULL;
        err e = sources[i]->find(s, a, cx, name, &t);

        if (e == OK && t != NULL && rank_of(t, cx) < (*best != NULL ? rank_of(*best, cx) : RANK_HIDDEN))
            *best = t;
        else if (e != OK && e != ERR_NOT_FOUND)
            TRY(scope_check(s));
    }
    return OK;
}

err tool_find(scope *s, arena *a, const tool_context *cx, const char *name, const tool **out)
{
    const tool *best = NULL;

    for (size_t i = 0; i < COUNT(builtins); i++) {
        if (cstr_eq(builtins[i].name, name)) {
            *out = &builtins[i];
            return OK;
        }
    }
    if (cx->user_id != NULL)
        TRY(find_elsewhere(s, a, cx, name, &best));
    if (best == NULL)
        return fail_code(s, ERR_NOT_FOUND, "tool.not_found", name, "Tool '%s' not found", name);
    *out = best;
    return OK;
}

static bool is_hidden_param(const char *name)
{
    return cstr_eq(name, "session_id") || cstr_eq(name, "user_id");
}

static json_t *visible_properties(const json_t *schema)
{
    json_t *visible = json_object(), *value;
    const char *key;

    json_object_foreach(json_object_get(schema, "properties"), key, value) if (!is_hidden_param(key))
        json_object_set(visible, key, value);
    return visible;
}

json_t *tool_spec(const tool *t, const char *language)
{
    json_t *spec = json_object(), *function = json_object(), *parameters = json_object(), *required = json_array();
    const char *description = tool_description(t, language);
    json_t *properties = visible_properties(tool_parameters(t, language)), *item;
    size_t i;

    json_array_foreach(json_object_get(t->parameters, "required"), i,
                       item) if (json_is_string(item) && !is_hidden_param(json_string_value(item)))
        json_array_append(required, item);
    json_set_str(parameters, "type", "object");
    json_set(parameters, "properties", properties);
    json_set(parameters, "required", required);
    if (json_object_get(t->parameters, "$defs") != NULL)
        json_object_set(parameters, "$defs", json_object_get(t->parameters, "$defs"));
    json_set_bool(parameters, "additionalProperties", false);
    json_set_str(function, "name", t->name);
    json_set_str(function, "description", description != NULL ? description : "");
    json_set(function, "parameters", parameters);
    json_set_bool(function, "strict", false);
    json_set_str(spec, "type", "function");
    json_set(spec, "function", function);
    return spec;
}
