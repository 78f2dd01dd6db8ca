/* SPDX-License-Identifier: MIT */
/*
 * Tools that speak to the runtime rather than to the world: turn_status, tool_expand_tools, questionnaire_async.
 *
 * They check what the model says and answer; what follows from it (ending the run, offering more tools, waiting for the
 * user) is the agent loop's business.
 */
#include "tool/internal.h"

#include <stdio.h>

enum { NAMES_MAX = 100, QUESTIONS_MAX = 50, OPTIONS_MAX = 100, ERRORS_MAX = 50 };

static err call_turn_status(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    json_t *o = json_object();

    (void)t;
    (void)cx;
    json_set_bool(o, "success", true);
    json_set_str(o, "status", "success");
    json_set_bool(o, "should_end", !cstr_eq(arg_str(args, "status", ""), "continue_work"));
    return answer_json(s, o, out);
}

static const param turn_params[] = {
    {"status", "string", "Where the work stands", .required = true,
     .extra = "{\"enum\":[\"task_done\",\"need_user_input\",\"blocked\",\"continue_work\"]}"},
    {"note", "string", "One sentence about it, for the log"},
};

const builtin builtin_turn_status = {
    .name = "turn_status",
    .text =
        "Says whether this turn is over: the task is done, the user must answer, something blocks it, or the work goes "
        "on. Write what the user should read as text first.",
    PARAMS(turn_params),
    .call = call_turn_status,
    .baseline = true,
    .hidden = true,
};

/* Which tools a request offers is not narrowed before it is sent, so every tool that exists is offered already. */
static err call_expand(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    json_t *o = json_object(), *invalid = json_array(), *selected = json_array(), *name;
    const json_t *names = json_get_arr(args, "tool_names");
    scope *quiet = scope_child(s, NO_LIMIT); /* a name that does not exist is no failure here */
    size_t i;

    (void)t;
    json_array_foreach(names, i, name)
    {
        const tool *found;

        if (i < NAMES_MAX && json_is_string(name))
            json_array_append(
                tool_find(quiet, quiet->arena, cx, json_string_value(name), &found) == OK ? selected : invalid, name);
    }
    scope_close(quiet);
    json_set_bool(o, "success", json_array_size(selected) > 0);
    json_set(o, "expanded_tools", json_array());
    json_set(o, "invalid_tools", invalid);
    json_set(o, "already_selected_tools", selected);
    json_set(o, "available_expandable_tools", json_array());
    return answer_json(s, o, out);
}

static const param expand_params[] = {
    {"tool_names", "array", "Names of the tools that are needed", .required = true,
     .extra = "{\"items\":{\"type\":\"string\"}}"},
};

const builtin builtin_tool_expand_tools = {
    .name = "tool_expand_tools",
    .text = "Asks for tools that exist but were not offered in this request.",
    PARAMS(expand_params),
    .call = call_expand,
};

/* The questionnaire: every fault is listed, so that the model mends them all at once. */
typedef struct {
    scope *s;
    json_t *errors;
} checker;

static void wrong(checker *c, const char *code, const char *path, const char *message)
{
    json_t *o;

    if (json_array_size(c->errors) >= ERRORS_MAX)
        return;
    o = json_object();
    json_set_str(o, "code", code);
    json_set_str(o, "path", path);
    json_set_str(o, "message", message);
    json_set(o, "details", json_object());
    json_array_append_new(c->errors, o);
}

static const char *at(checker *c, size_t i, const char *member)
{
    return arena_printf(c->s->arena, "questions[%zu]%s%s", i, member[0] != '\0' ? "." : "", member);
}

static const char *question_type(const char *given)
{
    if (cstr_eq(given, "single_choice"))
        return "single_choice";
    if (cstr_eq(given, "multi_choice") || cstr_eq(given, "multiple_choice"))
        return "multi_choice";
    return cstr_eq(given, "free_text") || cstr_eq(given, "text") ? "free_text" : NULL;
}

/* {"value","label"} from a string or such an object; NULL when it is neither. */
static json_t *read_option(const json_t *v)
{
    const char *value =
        json_is_string(v) ? json_string_value(v) : json_get_str(v, "value", json_get_str(v, "label", NULL));
    json_t *o;

    if (cstr_blank(value))
        return NULL;
    o = json_object();
    json_set_str(o, "value", value);
    json_set_str(o, "label", json_is_string(v) ? value : json_get_str(v, "label", value));
    return o;
}

static bool has_value(const json_t *options, const json_t *value)
{
    json_t *o;
    size_t i;

    json_array_foreach(options, i, o) if (json_equal(json_object_get(o, "value"), value)) return true;
    return false;
}

static json_t *read_options(checker *c, size_t i, const json_t *q)
{
    const json_t *given = json_get_arr(q, "options");
    json_t *options = json_array(), *v, *one;
    size_t k;

    if (json_array_size(given) == 0 || json_array_size(given) > OPTIONS_MAX)
        wrong(c, "options_required", at(c, i, "options"), "A choice needs a list of 1 to 100 options");
    json_array_foreach(given, k, v)
    {
        if (k == OPTIONS_MAX)
            break;
        if ((one = read_option(v)) == NULL)
            wrong(c, "option_invalid", at(c, i, "options"), "An option is a text that is not empty, or {value, label}");
        else if (has_value(options, json_object_get(one, "value")))
            wrong(c, "option_duplicate", at(c, i, "options"), "Two options have the same value");
        if (one != NULL)
            json_array_append_new(options, one);
    }
    return options;
}

static void check_default(checker *c, size_t i, const char *type, const json_t *value, const json_t *options)
{
    json_t *v;
    size_t k;

    if (value == NULL || json_is_null(value))
        return;
    if (cstr_eq(type, "free_text") && !json_is_string(value))
        wrong(c, "default_invalid", at(c, i, "default"), "The default of a free text is a text");
    if (cstr_eq(type, "single_choice") && !has_value(options, value))
        wrong(c, "default_invalid", at(c, i, "default"), "The default is not one of the options");
    if (!cstr_eq(type, "multi_choice"))
        return;
    if (!json_is_array(value) || json_array_size(value) > json_array_size(options)) {
        wrong(c, "default_invalid", at(c, i, "default"),
              "The default of a multiple choice is a list, no longer than the options");
        return;
    }
    json_array_foreach(value, k, v) if (!has_value(options, v))
        wrong(c, "default_invalid", at(c, i, "default"), "A default is not one of the options");
}

static json_t *read_question(checker *c, size_t i, const json_t *q)
{
    const char *type = question_type(json_get_str(q, "type", NULL));
    const char *text = json_get_str(q, "text", json_get_str(q, "title", NULL));
    json_t *o = json_object(), *options = json_array(), *fallback = json_object_get(q, "default");

    if (!json_is_object(q))
        wrong(c, "question_invalid", at(c, i, ""), "A question is an object");
    if (type == NULL)
        wrong(c, "type_invalid", at(c, i, "type"), "type is single_choice, multi_choice or free_text");
    if (cstr_blank(text))
        wrong(c, "text_required", at(c, i, "text"), "A question needs a text");
    if (type != NULL && !cstr_eq(type, "free_text")) {
        json_decref(options);
        options = read_options(c, i, q);
    }
    if (type != NULL)
        check_default(c, i, type, fallback, options);
    json_set_str(o, "id", json_get_str(q, "id", arena_printf(c->s->arena, "q%zu", i + 1)));
    json_set_str(o, "type", type != NULL ? type : "");
    json_set_str(o, "text", text != NULL ? text : "");
    json_set(o, "options", options);
    json_set(o, "default", fallback != NULL ? json_incref(fallback) : json_null());
    json_set_bool(o, "allow_other", json_get_bool(q, "allow_other", false));
    return o;
}

static json_t *questionnaire_failure(checker *c)
{
    json_t *o = tool_failure("INVALID_ARGUMENT", "The questionnaire has %zu faults", json_array_size(c->errors));

    json_set_bool(o, "validation_passed", false);
    json_set(o, "errors", json_incref(c->errors));
    return o;
}

static void check_ids(checker *c, const json_t *questions)
{
    json_t *q, *other;
    size_t i, k;

    json_array_foreach(questions, i, q) json_array_foreach(
        questions, k, other) if (k < i && json_equal(json_object_get(q, "id"), json_object_get(other, "id")))
        wrong(c, "id_duplicate", at(c, i, "id"), "Two questions have the same id");
}

static err call_questionnaire(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    const json_t *given = json_get_arr(args, "questions");
    checker c = {.s = s, .errors = json_hold(s->arena, json_array())};
    json_t *questions = json_hold(s->arena, json_array()), *q, *o;
    size_t i;

    (void)t;
    (void)cx;
    if (json_array_size(given) == 0 || json_array_size(given) > QUESTIONS_MAX)
        wrong(&c, "questions_required", "questions", "questions is a list of 1 to 50 questions");
    json_array_foreach(given, i, q) if (i < QUESTIONS_MAX) json_array_append_new(questions, read_question(&c, i, q));
    check_ids(&c, questions);
    if (json_array_size(c.errors) > 0)
        return answer_json(s, questionnaire_failure(&c), out);
    o = json_object();
    json_set_bool(o, "success", true);
    json_set_str(o, "status", "awaiting_user_input");
    json_set_bool(o, "validation_passed", true);
    json_set_str(o, "title", arg_str(args, "title", ""));
    json_set_int(o, "question_count", (int64_t)json_array_size(questions));
    json_set(o, "questions", json_incref(questions));
    json_set_bool(o, "should_end", true);
    json_set_str(o, "message", "The questions are shown to the user; the answers come as the next message.");
    return answer_json(s, o, out);
}

static const param questionnaire_params[] = {
    {"questions", "array", "The questions to ask", .required = true,
     .extra = "{\"items\":{\"type\":\"object\",\"properties\":{"
              "\"id\":{\"type\":\"string\"},"
              "\"type\":{\"type\":\"string\",\"enum\":[\"single_choice\",\"multi_choice\",\"free_text\"]},"
              "\"text\":{\"type\":\"string\"},"
              "\"options\":{\"type\":\"array\",\"items\":{},\"description\":\"Texts or {value, label}; for choices\"},"
              "\"default\":{\"description\":\"An option, a list of options, or a text\"},"
              "\"allow_other\":{\"type\":\"boolean\",\"default\":false}},"
              "\"required\":[\"type\",\"text\"]}}"},
    {"title", "string", "Heading of the questionnaire", .fallback = "\"\""},
};

const builtin builtin_questionnaire_async = {
    .name = "questionnaire_async",
    .text = "Asks the user questions by a form and ends the turn; the answers come as the next message.",
    PARAMS(questionnaire_params),
    .call = call_questionnaire,
};
