/* SPDX-License-Identifier: MIT */
/* See options.h. */
#include "script/options.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/slug.h"
#include "model/connection.h"
#include "model/input_field.h"
#include "script/invoke.h"

/*
 * What was yielded a moment ago, for all loops.  The key names everything that the result depends on, so that a change of the code
 * or of the credentials is seen at once.
 */
enum { KEPT = 256, KEPT_BYTES = 64 * 1024 };
static const int64_t kept_for = SECONDS(60);

static struct {
    pthread_mutex_t lock;
    struct {
        char *key, *text; /* NULL: the place is free */
        int64_t until;    /* clock_mono() */
    } places[KEPT];
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A copy in `a`; NULL when there is none that is young enough. */
static const char *recall(arena *a, const char *key)
{
    const char *text = NULL;
    int64_t now = clock_mono();

    pthread_mutex_lock(&kept.lock);
    for (size_t i = 0; i < KEPT && text == NULL; i++)
        if (kept.places[i].until > now && cstr_eq(kept.places[i].key, key))
            text = arena_strdup(a, kept.places[i].text);
    pthread_mutex_unlock(&kept.lock);
    return text;
}

/* In the place of the same key, else of the oldest. */
static void keep(const char *key, const char *text)
{
    size_t at = 0;

    if (strlen(text) > KEPT_BYTES)
        return;
    pthread_mutex_lock(&kept.lock);
    for (size_t i = 1; i < KEPT && !cstr_eq(kept.places[at].key, key); i++)
        if (cstr_eq(kept.places[i].key, key) || kept.places[i].until < kept.places[at].until)
            at = i;
    free(kept.places[at].key);
    free(kept.places[at].text);
    kept.places[at].key = mem_strdup(key);
    kept.places[at].text = mem_strdup(text);
    kept.places[at].until = clock_mono() + kept_for;
    pthread_mutex_unlock(&kept.lock);
}

/* Reading */

/* Text of a text or number; NULL of anything else. */
static const char *text_of(arena *a, const json_t *v)
{
    return json_is_string(v) ? json_string_value(v) : json_is_number(v) ? json_text(a, v) : NULL;
}

static void add_option(arena *a, json_t *list, const json_t *one)
{
    const char *value = text_of(a, json_is_object(one) ? json_object_get(one, "value") : one);
    const char *label = json_is_object(one) ? text_of(a, json_object_get(one, "label")) : NULL;
    json_t *o;

    if (value == NULL)
        return;
    o = json_object();
    json_set_str(o, "label", label != NULL ? label : value);
    json_set_str(o, "value", value);
    json_array_append_new(list, o);
}

json_t *options_read(arena *a, const json_t *result)
{
    json_t *list;

    if (json_is_object(result))
        result = json_object_get(result, "options");
    if (!json_is_array(result))
        return NULL;
    list = json_array();
    for (size_t i = 0; i < json_array_size(result) && json_array_size(list) < OPTIONS_MAX; i++)
        add_option(a, list, json_array_get(result, i));
    return list;
}

/* Running */

static const json_t *find_field(arena *a, const action_row *action, const char *name)
{
    const json_t *fields = input_fields_parse(a, action->input_fields);

    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *f = json_array_get(fields, i);
        const char *slug = json_get_str(f, "slug", "");

        if (cstr_eq(slug, name) || cstr_eq(slug_camel(a, slug), name))
            return f;
    }
    return NULL;
}

/* The user's own or, when he names none, the one that he acts with; NULL when the integration needs none. */
static err find_connection(scope *s, const options_request *rq, connection_row **out)
{
    err e;

    *out = NULL;
    if (rq->connection_id != NULL)
        return connection_find(s, owned_by_user(rq->user_id), rq->integration->id, rq->connection_id, out);
    if (cstr_eq(rq->integration->auth_type, "NONE"))
        return OK;
    e = connection_choose(s, rq->user_id, rq->integration->id, out);
    if (e == ERR_NOT_FOUND)
        return fail_code(s, e, "connection.none", rq->integration->id, "No connection configured for integration %s",
                         rq->integration->name);
    return e;
}

static err run(scope *s, const options_request *rq, const action_row *from, const connection_row *c, json_t **out)
{
    invocation in = {.integration = rq->integration,
                     .user_id = rq->user_id,
                     .connection_id = c != NULL ? c->id : NULL,
                     .connection_owner = c != NULL ? c->owner_id : NULL,
                     .no_default = c != NULL,
                     .name = from->slug,
                     .code = from->code,
                     .input_fields = from->input_fields};

    TRY(invoke(s, &in));
    if (in.outcome.status != SCRIPT_DONE)
        return fail_code(s, ERR_UPSTREAM, "options.failed", from->id, "The action %s failed: %s", from->name,
                         in.outcome.message);
    *out = options_read(s->arena, in.outcome.value);
    if (*out == NULL)
        return fail_code(s, ERR_UPSTREAM, "options.failed", from->id, "The action %s must return an array of options",
                         from->name);
    json_hold(s->arena, *out);
    return OK;
}

/* What the context action yields, now or a moment ago. */
static err yielded(scope *s, const options_request *rq, const char *action_id, json_t **out)
{
    action_row *from = NULL;
    connection_row *c = NULL;
    const char *key, *text;

    TRY(action_find(s, rq->integration->id, action_id, &from));
    TRY(find_connection(s, rq, &c));
    key = arena_printf(s->arena, "%s %lld %lld %s %s %lld", from->id, (long long)from->updated_at,
                       (long long)rq->integration->updated_at, rq->user_id, c != NULL ? c->id : "-",
                       (long long)(c != NULL ? c->version : 0));
    text = recall(s->arena, key);
    if (text != NULL)
        return json_parse(s->arena, text, strlen(text), NULL, out);
    TRY(run(s, rq, from, c, out));
    keep(key, json_text(s->arena, *out));
    return OK;
}

err options_of_field(scope *s, const options_request *rq, json_t **out)
{
    const json_t *f = find_field(s->arena, rq->action, rq->field);
    const char *action_id = json_get_str(f, "contextActionId", NULL);

    if (f == NULL)
        return fail_code(s, ERR_NOT_FOUND, "field.not_found", rq->field, "The action has no field %s", rq->field);
    if (action_id != NULL)
        return yielded(s, rq, action_id, out);
    *out = options_read(s->arena, json_get_arr(f, "options"));
    *out = json_hold(s->arena, *out != NULL ? *out : json_array());
    return OK;
}
