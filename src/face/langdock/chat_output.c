/* SPDX-License-Identifier: MIT */
/* Structured output; see chat_output.h. */
#include "face/langdock/chat_output.h"

#include "agent/resolve.h"
#include "auth/identity.h"
#include "base/shape.h"
#include "face/langdock/envelope.h"

typedef struct {
    const char *type;
    json_t *schema, *enum_values;
} output_body;
static const field output_fields[] = {
    FIELD(output_body, type, .required = true, .not_null = true, .one_of = "object|array|enum"),
    FIELD(output_body, schema, .json = JSON_OBJECT_TYPE, .text = "JSON Schema of the object, or of one element"),
    FIELD_AS(output_body, enum_values, "enum", .json = JSON_STRINGS_TYPE, .max = 1000, .text = "The values of an enum"),
};
const schema dock_output_schema = SCHEMA(output_body, output_fields);

/* {"type":"object","properties":{NAME: inner},"required":[NAME],"additionalProperties":false}; steals `inner`. */
static json_t *wrap(const char *name, json_t *inner)
{
    json_t *o = json_object(), *properties = json_object(), *required = json_array();

    json_set(properties, name, inner);
    json_array_append_new(required, json_string(name));
    json_set_str(o, "type", "object");
    json_set(o, "properties", properties);
    json_set(o, "required", required);
    json_set_bool(o, "additionalProperties", false);
    return o;
}

static json_t *list_of(json_t *element)
{
    json_t *o = json_object();

    json_set_str(o, "type", "array");
    json_set(o, "items", element);
    return o;
}

static json_t *one_of(json_t *values)
{
    json_t *o = json_object();

    json_set_str(o, "type", "string");
    json_set(o, "enum", values);
    return o;
}

static json_t *format_of(json_t *wanted)
{
    json_t *o = json_object(), *inner = json_object();

    json_set_str(inner, "name", "output");
    json_set(inner, "schema", json_incref(wanted));
    json_set_str(o, "type", "json_schema");
    json_set(o, "json_schema", inner);
    return o;
}

err chat_output_read(request *rq, const json_t *asked, chat_output *out)
{
    const char *type = json_get_str(asked, "type", "");
    json_t *wanted = json_get_obj(asked, "schema"), *values = json_get_arr(asked, "enum");
    arena *a = rq->scope->arena;

    wanted = wanted != NULL ? json_deep_copy(wanted) : json_object();
    if (cstr_eq(type, "array")) {
        out->member = "elements";
        wanted = wrap("elements", list_of(wanted));
    } else if (cstr_eq(type, "enum")) {
        json_decref(wanted);
        if (json_array_size(values) == 0)
            return fail(rq->scope, ERR_INVALID, "output.enum must have at least one value");
        out->member = "result";
        wanted = wrap("result", one_of(json_deep_copy(values)));
    } else if (json_object_get(wanted, "type") == NULL) {
        json_set_str(wanted, "type", "object");
    }
    out->schema = json_hold(a, wanted);
    out->format = json_hold(a, format_of(wanted));
    out->instructions =
        arena_printf(a,
                     "Your final answer must be one JSON object and nothing else: no code fence, no text "
                     "around it. It must fit this JSON Schema:\n%s",
                     json_text(a, wanted));
    return OK;
}

/* NULL when it does not fit, and then *fault says why. */
static json_t *value_in(arena *a, const chat_output *o, const char *answer, const char **fault)
{
    json_t *v = shape_find_json(a, answer), *bare;

    *fault = "there is no JSON in the answer";
    if (v == NULL)
        return NULL;
    if (o->member != NULL && json_object_get(v, o->member) == NULL) { /* some models leave the wrapping out */
        bare = json_hold(a, json_object());
        json_set(bare, o->member, json_incref(v));
        v = bare;
    }
    *fault = shape_fault(a, o->schema, v);
    if (*fault != NULL)
        return NULL;
    return o->member != NULL ? json_object_get(v, o->member) : v;
}

/* The model of the run, asked without tools and history to mend its answer. */
static err mend(request *rq, const chat_output *o, const chat_request *asked, const char *answer, const char *fault,
                const char **mended)
{
    scope *s = rq->scope;
    llm_request model = {.response_format = o->format};
    llm_message messages[2];
    merged_config m;
    llm_usage used = {0};

    TRY(resolve_config(s, asked, &m));
    TRY(resolve_model(s, s->arena, asked, &m, &model.at));
    messages[0] = (llm_message){.role = ROLE_SYSTEM, .text = o->instructions};
    messages[1] = (llm_message){.role = ROLE_USER,
                                .text = arena_printf(s->arena,
                                                     "This answer does not fit: %s. Write it again so that it "
                                                     "does, and keep what it says.\n\n%s",
                                                     fault, answer)};
    model.messages = messages;
    model.n_messages = COUNT(messages);
    TRY(llm_complete(s, &model, mended, &used));
    dock_spend_tokens(rq, used.total);
    return OK;
}

err chat_output_value(request *rq, const chat_output *o, const chat_request *asked, const char *answer, json_t **out)
{
    arena *a = rq->scope->arena;
    const char *fault, *mended;

    *out = value_in(a, o, answer, &fault);
    if (*out != NULL)
        return OK;
    TRY(mend(rq, o, asked, answer, fault, &mended));
    *out = value_in(a, o, mended, &fault);
    if (*out == NULL)
        return fail_code(rq->scope, ERR_UPSTREAM, "dock.output", NULL,
                         "The model's answer does not fit the requested output: %s", fault);
    return OK;
}
