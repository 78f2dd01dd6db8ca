/* SPDX-License-Identifier: MIT */
/* Connections at run time; see connection.h. */
#include "script/connection.h"

#include "base/clock.h"
#include "db/seal.h"
#include "net/location.h"
#include "script/oauth.h"

static const int64_t refresh_ahead = (int64_t)60 * 1000000;

/* Opening */

static err open_object(scope *s, const char *sealed, json_t **out)
{
    char *text = NULL;
    json_t *v;

    if (sealed == NULL) {
        *out = json_hold(s->arena, json_object());
        return OK;
    }
    if (seal_open(s->arena, sealed, &text) != OK || json_parse(s->arena, text, strlen(text), NULL, &v) != OK ||
        !json_is_object(v))
        return fail(s, ERR_INTERNAL, "stored credentials cannot be opened: the master key is another one");
    *out = v;
    return OK;
}

/* A connection's own client (registered for it) goes before the integration's. */
static err open_client(scope *s, const integration_row *i, json_t *own, json_t **out)
{
    json_t *shown = NULL, *client;

    TRY(open_object(s, i->sealed_oauth, &client));
    client = json_hold(s->arena, json_deep_copy(client));
    if (i->oauth != NULL && json_parse(s->arena, i->oauth, strlen(i->oauth), NULL, &shown) == OK) {
        static const char *const urls[] = {"authUrl", "tokenUrl"};

        for (size_t k = 0; k < COUNT(urls); k++)
            if (json_get_str(shown, urls[k], NULL) != NULL)
                json_object_set(client, urls[k], json_object_get(shown, urls[k]));
    }
    if (own != NULL)
        json_object_update(client, own);
    *out = client;
    return OK;
}

err credentials_open(scope *s, const integration_row *i, connection_row *row, credentials *out)
{
    json_t *kept, *values;

    *out = (credentials){.row = row};
    TRY(open_object(s, row != NULL ? row->sealed_values : NULL, &kept));
    TRY(open_object(s, row != NULL ? row->sealed_oauth : NULL, &out->token));
    out->own_client = json_get_obj(kept, "client");
    TRY(open_client(s, i, out->own_client, &out->client));
    values = json_get_obj(kept, "values");
    out->values = values != NULL ? values : json_hold(s->arena, json_object());
    out->auth = json_hold(s->arena, json_deep_copy(out->values));
    json_object_update(out->auth, out->token);
    return OK;
}

const char *connection_seal(arena *a, const json_t *values, const json_t *client)
{
    json_t *o = json_hold(a, json_object());

    json_object_set(o, "values", (json_t *)(uintptr_t)values);
    if (client != NULL)
        json_object_set(o, "client", (json_t *)(uintptr_t)client);
    return seal_text(a, json_text(a, o));
}

/* Choosing (section 4.1) */

static err none_configured(scope *s, const integration_row *i)
{
    return fail_code(s, ERR_NOT_FOUND, "connection.none", i->id, "No connection configured for integration %s",
                     i->name);
}

static err find_row(scope *s, const integration_row *i, const char *user_id, const char *id, const char *owner,
                    bool id_only, connection_row **out)
{
    err e = ERR_NOT_FOUND;

    if (id != NULL)
        e = connection_find(s, owned_by_user(owner != NULL ? owner : user_id), i->id, id, out);
    if (e == ERR_NOT_FOUND && !id_only)
        e = connection_choose(s, user_id, i->id, out);
    return e == ERR_NOT_FOUND ? none_configured(s, i) : e;
}

static bool is_stale(const connection_row *c)
{
    return c->expires_at != 0 && c->expires_at - refresh_ahead <= clock_wall();
}

err credentials_choose(scope *s, const integration_row *i, const char *user_id, const char *id, const char *owner,
                       bool id_only, credentials *out)
{
    connection_row *row = NULL;

    if (cstr_eq(i->auth_type, "NONE"))
        return credentials_open(s, i, NULL, out);
    TRY(find_row(s, i, user_id, id, owner, id_only, &row));
    if (cstr_eq(row->status, "needs_reconnect") || cstr_eq(row->status, "pending"))
        return fail_code(s, ERR_CONFLICT, "connection.needs_reconnect", row->id,
                         "The connection %s of integration %s must be connected again", row->label, i->name);
    TRY(credentials_open(s, i, row, out));
    return oauth_is_kind(i->auth_type) && is_stale(row) ? oauth_refresh(s, i, out) : OK;
}

/* What the script is given */

json_t *credentials_env(arena *a, const credentials *c)
{
    static const char *const names[][2] = {
        {"CLIENT_ID", "clientId"}, {"CLIENT_SECRET", "clientSecret"}, {"TENANT_ID", "tenantId"}};
    json_t *env = json_hold(a, json_object());

    for (size_t i = 0; i < COUNT(names); i++)
        if (json_get_str(c->client, names[i][1], NULL) != NULL)
            json_object_set(env, names[i][0], json_object_get(c->client, names[i][1]));
    return env;
}

static void add_host(arena *a, const char **hosts, size_t *n, const char *url)
{
    location at;

    if (url != NULL && location_parse(a, NULL, url, &at))
        hosts[(*n)++] = at.host;
}

/*
 * A list that was set is what counts, with two additions that it cannot name: the provider's addresses of the auth settings, and
 * addresses that the user himself gave with his connection.  Not so when an administrator's list opens private addresses: then
 * nobody else adds to it.
 */
void credentials_limit_hosts(scope *s, const integration_row *i, const credentials *c, script_job *job)
{
    const char **hosts, *key;
    json_t *list = NULL, *value;
    size_t n = 0;

    if (i->allowed_hosts == NULL)
        return;
    if (json_parse(s->arena, i->allowed_hosts, strlen(i->allowed_hosts), NULL, &list) != OK)
        list = json_hold(s->arena, json_array()); /* one that cannot be read allows nothing */
    hosts = arena_array(s->arena, const char *, json_array_size(list) + json_object_size(c->values) + 3);
    for (size_t k = 0; k < json_array_size(list); k++)
        hosts[n++] = json_string_value(json_array_get(list, k));
    if (!i->private_ok) {
        add_host(s->arena, hosts, &n, json_get_str(c->client, "authUrl", NULL));
        add_host(s->arena, hosts, &n, json_get_str(c->client, "tokenUrl", NULL));
        json_object_foreach(c->values, key, value) add_host(s->arena, hosts, &n, json_string_value(value));
    }
    if (n == 0)
        hosts[n++] = "-"; /* an empty list allows no host */
    job->hosts = hosts;
    job->n_hosts = n;
    job->private_ok = i->private_ok; /* never without a list */
}

/* Keeping secrets */

/* Looked for in the text as it was: what is hidden already may be a part of a longer secret, or look like this one. */
static void redact(char *copy, const char *text, const char *secret)
{
    enum { SHORTEST = 6 }; /* shorter ones would take ordinary words away */
    const char *at = text;

    if (secret == NULL || strlen(secret) < SHORTEST)
        return;
    for (; (at = strstr(at, secret)) != NULL; at++)
        memset(copy + (at - text), '*', strlen(secret));
}

const char *credentials_redact(arena *a, const integration_row *i, const credentials *c, const char *text)
{
    static const char *const tokens[] = {"access_token", "refresh_token", "id_token"};
    char *copy = arena_strdup(a, text);
    json_t *fields = NULL;

    if (copy == NULL)
        return NULL;
    for (size_t k = 0; k < COUNT(tokens); k++)
        redact(copy, text, json_get_str(c->token, tokens[k], NULL));
    redact(copy, text, json_get_str(c->client, "clientSecret", NULL));
    if (i->auth_fields == NULL || json_parse(a, i->auth_fields, strlen(i->auth_fields), NULL, &fields) != OK)
        return copy;
    for (size_t k = 0; k < json_array_size(fields); k++) {
        const json_t *f = json_array_get(fields, k);
        const char *type = json_get_str(f, "type", "");

        if (cstr_eq(type, "PASSWORD") || cstr_eq(type, "MULTI_LINE_TEXT"))
            redact(copy, text, json_get_str(c->values, json_get_str(f, "slug", ""), NULL));
    }
    return copy;
}

/* Making one */

enum { VALUE_MAX = 64 << 10 }; /* bytes: a key in PEM, or a service account's JSON, has a few thousand */

static err take_value(scope *s, const json_t *f, const json_t *sent, json_t *out)
{
    const char *slug = json_get_str(f, "slug", "");
    json_t *v = json_object_get(sent, slug);
    double number;

    if (v == NULL || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0)) {
        if (json_get_bool(f, "required", false))
            return fail_code(s, ERR_INVALID, "connection.values", slug, "%s is required", slug);
        return OK;
    }
    if (!json_is_string(v) && !json_is_number(v) && !json_is_boolean(v))
        return fail_code(s, ERR_INVALID, "connection.values", slug, "%s must be a text or a number", slug);
    if (json_is_string(v) && json_string_length(v) > VALUE_MAX)
        return fail_code(s, ERR_INVALID, "connection.values", slug, "%s is longer than %d bytes", slug, VALUE_MAX);
    if (cstr_eq(json_get_str(f, "type", ""), "NUMBER") && json_is_string(v)) {
        if (!str_to_double(str_of(json_string_value(v)), &number))
            return fail_code(s, ERR_INVALID, "connection.values", slug, "%s must be a number", slug);
        json_set_num(out, slug, number);
        return OK;
    }
    json_object_set(out, slug, v);
    return OK;
}

err connection_take_values(scope *s, const integration_row *i, const json_t *sent, json_t **out)
{
    json_t *fields = NULL, *values = json_hold(s->arena, json_object());

    TRY(json_parse(s->arena, i->auth_fields, strlen(i->auth_fields), NULL, &fields));
    for (size_t k = 0; k < json_array_size(fields); k++)
        TRY(take_value(s, json_array_get(fields, k), sent, values));
    *out = values;
    return OK;
}

err connection_test(scope *s, const integration_row *i, const credentials *c, json_t **result)
{
    script_job job = {.name = arena_printf(s->arena, "%s/test", i->name),
                      .owner = c->row->owner_id,
                      .code = str_of(i->auth_test_code),
                      .auth = c->auth,
                      .env = credentials_env(s->arena, c)};
    script_outcome out;

    *result = json_hold(s->arena, json_null());
    if (cstr_blank(i->auth_test_code))
        return OK;
    credentials_limit_hosts(s, i, c, &job);
    TRY(script_run(s, &job, &out));
    if (out.status != SCRIPT_DONE)
        return fail_code(s, ERR_DENIED, "connection.test", i->id, "The connection test failed: %s",
                         credentials_redact(s->arena, i, c, out.message));
    *result = out.value;
    return OK;
}

/* Labels */

/* The value at data.input.PATH as text; NULL when there is none. */
static const char *value_at(arena *a, const json_t *result, str path)
{
    const json_t *v = result;
    str step;

    path = str_trim(path);
    if (!str_starts(path, "data.input."))
        return NULL;
    path = (str){path.p + strlen("data.input."), path.len - strlen("data.input.")};
    while (v != NULL && str_next(&path, '.', &step)) {
        int64_t index;

        if (json_is_array(v) && str_to_int(step, &index) && index >= 0)
            v = json_array_get(v, (size_t)index);
        else
            v = json_object_get(v, str_dup(a, step));
    }
    if (json_is_string(v))
        return json_string_length(v) > 0 ? json_string_value(v) : NULL;
    return json_is_number(v) ? json_text(a, v) : NULL;
}

const char *connection_label(arena *a, const integration_row *i, json_t *result)
{
    enum { LABEL_MAX = 200 };
    json_t *shown = NULL;
    buf *out = buf_new(a, KIB(16));
    const char *template, *open;

    if (i->oauth == NULL || json_parse(a, i->oauth, strlen(i->oauth), NULL, &shown) != OK)
        return i->name;
    template = json_get_str(shown, "label", NULL);
    if (cstr_blank(template))
        return i->name;
    while ((open = strstr(template, "{{")) != NULL) {
        const char *close = strstr(open, "}}"), *value;

        if (close == NULL)
            break;
        value = value_at(a, result, (str){open + 2, (size_t)(close - open) - 2});
        if (value == NULL)
            return i->name;
        buf_add(out, template, (size_t)(open - template));
        buf_puts(out, value);
        template = close + 2;
    }
    buf_puts(out, template);
    return str_dup(a, utf8_prefix(str_of(buf_str(out)), LABEL_MAX));
}
