/* SPDX-License-Identifier: MIT */
/* See invoke.h. */
#include "script/invoke.h"

#include "base/slug.h"
#include "model/input_field.h"
#include "script/connection.h"
#include "script/files.h"
#include "script/oauth.h"
#include "script/vector.h"

/* A field takes a few files at most (section 3.6); all of them together have a limit too. */
enum { FILES_MAX = 20 };
static const int64_t files_bytes = (int64_t)100 * 1024 * 1024;

typedef struct {
    invocation *in;
    const credentials *with;
    json_t *input, *aliases; /* of the job */
    script_input_file files[FILES_MAX];
    size_t n_files;
    int64_t bytes;
} binding;

/* Fields */

/* What was given for a field, under any of its names. */
static json_t *given_value(const json_t *given, const char *slug, const char *camel, const char *label)
{
    json_t *v = json_object_get(given, slug);

    if (v == NULL)
        v = json_object_get(given, camel);
    return v != NULL ? v : json_object_get(given, label);
}

static err take_file(scope *s, binding *b, const char *key, bool in_list, const json_t *reference)
{
    const file_owner who = {.user_id = b->in->user_id, .workspace = b->in->workspace};
    script_input_file *f = &b->files[b->n_files];

    if (!json_is_string(reference))
        return fail_code(s, ERR_INVALID, "file.reference", key, "%s must name a file", key);
    if (b->n_files == FILES_MAX)
        return fail_code(s, ERR_TOO_LARGE, "file.too_many", key, "more than %d files are not possible", FILES_MAX);
    TRY(files_resolve(s, &who, json_string_value(reference), f));
    f->field = key;
    f->in_list = in_list;
    b->n_files++;
    b->bytes += f->size;
    if (b->bytes > files_bytes)
        return fail_code(s, ERR_TOO_LARGE, "file.too_large", key, "the files have more than 100 MB together");
    return OK;
}

static err take_files(scope *s, binding *b, const char *key, bool many, const json_t *v)
{
    if (!json_is_array(v))
        return take_file(s, b, key, many, v);
    for (size_t i = 0; i < json_array_size(v); i++)
        TRY(take_file(s, b, key, true, json_array_get(v, i)));
    return OK;
}

/* Text that people and models write for a number or a truth value; new reference. */
static json_t *coerced(const char *type, json_t *v)
{
    str text = str_of(json_string_value(v));
    int64_t whole;
    double number;

    if (!json_is_string(v))
        return json_incref(v);
    if (cstr_eq(type, "NUMBER") && str_to_int(text, &whole))
        return json_integer(whole);
    if (cstr_eq(type, "NUMBER") && str_to_double(text, &number))
        return json_real(number);
    if (cstr_eq(type, "BOOLEAN") && (str_is_nocase(text, "true") || str_is_nocase(text, "false")))
        return json_boolean(str_is_nocase(text, "true"));
    return json_incref(v);
}

static err take_text_as_vector(scope *s, binding *b, const char *slug, const char *key, const json_t *v)
{
    json_t *vector = NULL;

    if (cstr_blank(json_string_value(v)))
        return OK; /* not given */
    TRY(vector_of_text(s, b->in->integration, b->with, slug, json_string_value(v), &vector));
    json_object_set(b->input, key, vector);
    return OK;
}

static err take_field(scope *s, binding *b, const json_t *f, json_t *rest)
{
    const char *slug = json_get_str(f, "slug", ""), *label = json_get_str(f, "label", ""),
               *type = json_get_str(f, "type", "TEXT"), *camel = slug_camel(s->arena, slug);
    json_t *v = given_value(b->in->input, slug, camel, label);

    if (!cstr_eq(slug, camel))
        json_set_str(b->aliases, slug, camel);
    if (slug_is_identifier(label) && !cstr_eq(label, camel) && json_object_get(b->aliases, label) == NULL)
        json_set_str(b->aliases, label, camel);
    json_object_del(rest, slug);
    json_object_del(rest, camel);
    json_object_del(rest, label);
    if (v == NULL || json_is_null(v))
        return OK;
    if (cstr_eq(type, "FILE"))
        return take_files(s, b, camel, json_get_bool(f, "allowMultiSelect", false), v);
    if (cstr_eq(type, "VECTOR") && json_is_string(v))
        return take_text_as_vector(s, b, slug, camel, v);
    json_set(b->input, camel, coerced(type, v));
    return OK;
}

/* Values by their camelCase names, other spellings as aliases; what belongs to no field is passed on as it is. */
static err bind(scope *s, binding *b)
{
    json_t *fields = input_fields_parse(s->arena, b->in->input_fields);
    json_t *rest = json_hold(s->arena, b->in->input != NULL ? json_copy(b->in->input) : json_object());

    b->input = json_hold(s->arena, json_object());
    b->aliases = json_hold(s->arena, json_object());
    for (size_t i = 0; i < json_array_size(fields); i++)
        TRY(take_field(s, b, json_array_get(fields, i), rest));
    json_object_update_missing(b->input, rest);
    return OK;
}

/* Running */

/* What is shown of a run to whoever tries it out, and kept of one that failed. */
static void redact_outcome(arena *a, const integration_row *i, const credentials *c, script_outcome *out)
{
    out->message = credentials_redact(a, i, c, out->message);
    out->stack = credentials_redact(a, i, c, out->stack);
    for (size_t k = 0; k < json_array_size(out->logs); k++) {
        const char *line = json_string_value(json_array_get(out->logs, k));

        json_array_set_new(out->logs, k, json_str(credentials_redact(a, i, c, line)));
    }
}

static err run_with(scope *s, invocation *in, const binding *b, const credentials *c)
{
    script_job job = {.name = arena_printf(s->arena, "%s/%s", in->integration->name, in->name),
                      .owner = in->user_id,
                      .code = str_of(in->code),
                      .input = b->input,
                      .aliases = b->aliases,
                      .auth = c->auth,
                      .last_poll_time = in->last_poll_time,
                      .warn_undeclared = in->test,
                      .files = b->files,
                      .n_files = b->n_files};

    credentials_limit_hosts(s, in->integration, c, &job);
    TRY(script_run(s, &job, &in->outcome));
    redact_outcome(s->arena, in->integration, c, &in->outcome);
    return OK;
}

/*
 * A token that was refused is replaced; the script is run again only when that refusal was all that it did, because what it has
 * done cannot be undone.
 */
static err replace_token(scope *s, invocation *in, const binding *b, credentials *c)
{
    int64_t version = c->row->version;
    bool again = in->outcome.requests == 1;
    err e = oauth_refresh(s, in->integration, c);

    if (e == ERR_CANCELLED || e == ERR_TIMEOUT)
        return e;
    if (e != OK || c->row->version == version || !again)
        return OK; /* what the script made of it stands */
    TRY(run_with(s, in, b, c));
    if (!in->outcome.unauthorized)
        return OK;
    return connection_change(s, OWNED_BY_ANYONE, c->row->id,
                             &(connection_patch){.status = "needs_reconnect", .error = "new tokens were refused, too"});
}

err invoke(scope *s, invocation *in)
{
    credentials c;
    binding b = {.in = in, .with = &c};

    TRY(credentials_choose(s, in->integration, in->user_id, in->connection_id, in->connection_owner, in->no_default,
                           &c));
    TRY(bind(s, &b));
    TRY(run_with(s, in, &b, &c));
    if (in->outcome.unauthorized && c.row != NULL && oauth_is_kind(in->integration->auth_type))
        TRY(replace_token(s, in, &b, &c));
    return OK;
}

/* Files that came out */

static bool is_within(const json_t *within, const json_t *at)
{
    if (within == NULL || within == at)
        return true;
    for (size_t i = 0; i < json_array_size(within); i++)
        if (json_array_get(within, i) == at)
            return true;
    return false;
}

err invoke_keep_files(scope *s, const invocation *in, const json_t *within, json_t *attachments)
{
    for (size_t i = 0; i < in->outcome.n_files; i++) {
        const script_output_file *f = &in->outcome.files[i];
        const char *id;

        if (!is_within(within, f->at) || json_object_get(f->at, "attachmentId") != NULL)
            continue;
        TRY(files_keep(s, in->user_id, f, &id));
        json_set_str(f->at, "attachmentId", id);
        if (attachments != NULL)
            json_array_append_new(attachments, json_string(id));
    }
    return OK;
}
