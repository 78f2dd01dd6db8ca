/* SPDX-License-Identifier: MIT */
/*
 * One call of a tool: arguments in, time limit around, result out.
 *
 * The call runs in a scope of its own, so a tool that hangs is cancelled and leaves nothing behind; the result is copied
 * into the caller's arena.  Whatever the tool does, the model gets an answer that says what happened.
 */
#include "tool/internal.h"

#include "base/clock.h"
#include "rt/offload.h"

static const int64_t default_timeout = MINUTES(5);

void tool_error_result(scope *s, const char *tool_name, const char *error_type, const char *message, tool_result *out)
{
    json_t *o = json_object();

    json_set_bool(o, "error", true);
    json_set_str(o, "status", "error");
    json_set_str(o, "error_type", error_type);
    json_set_str(o, "message", message);
    json_set_str(o, "tool_name", tool_name);
    json_set_num(o, "timestamp", (double)clock_wall() / 1e6);
    *out = (tool_result){.value = json_hold(s->arena, o), .failed = true};
    out->text = json_text(s->arena, out->value);
}

static bool says_failed(const json_t *v)
{
    const json_t *error = json_object_get(v, "error");

    if (!json_is_object(v))
        return false;
    if (json_is_false(json_object_get(v, "success")) || cstr_eq(json_get_str(v, "status", NULL), "error"))
        return true;
    if (json_is_string(error))
        return json_string_length(error) > 0;
    return json_is_true(error) || json_object_size(error) > 0 || json_array_size(error) > 0;
}

/* For people who read neither JSON nor English: the first key of a built-in tool's result. */
static json_t *localized(const tool *t, const char *language, const json_t *v, bool failed)
{
    const char *why = failed ? json_get_str(v, "error", json_get_str(v, "message", "")) : "";
    bool zh = language != NULL && cstr_starts(language, "zh"), pt = language != NULL && cstr_starts(language, "pt");
    buf text = BUF_INIT(8192);
    json_t *o;

    if ((!zh && !pt) || t->kind != TOOL_BUILTIN || !json_is_object(v))
        return NULL;
    if (zh)
        buf_printf(&text, failed ? "工具 %s 执行失败：%s" : "工具 %s 执行成功%s", t->name, why);
    else
        buf_printf(&text, failed ? "A ferramenta %s falhou: %s" : "A ferramenta %s foi executada com sucesso%s",
                   t->name, why);
    o = json_object();
    json_set_str(o, "localized_summary", buf_str(&text));
    json_object_update(o, (json_t *)(uintptr_t)v);
    buf_close(&text);
    return o;
}

/* Cutting goes over every character: a large result does that on a pool thread. */
enum { CUT_INLINE_MAX = 128 << 10 };

typedef struct {
    arena *a;
    json_t *value;
    const char *text;
    int64_t limit;
    json_t *cut_value; /* new reference */
} cut_job;

static void cut(void *arg)
{
    cut_job *j = arg;

    if (j->value == NULL) {
        j->text = text_cut(j->a, j->text, j->limit);
        return;
    }
    j->cut_value = value_cut(j->value, j->limit);
    j->text = json_is_string(j->cut_value) ? arena_strdup(j->a, json_string_value(j->cut_value))
                                           : json_text(j->a, j->cut_value);
}

/* Brings the result within the limit and into the caller's arena. */
static err finish(scope *s, const tool *t, const tool_context *cx, const tool_result *from, tool_result *out)
{
    cut_job j = {.a = arena_new(s->arena),
                 .value = from->value,
                 .text = from->text,
                 .limit = tool_settings_now()->result_tokens};
    bool failed = from->failed || says_failed(from->value);
    json_t *named = localized(t, cx->language, from->value, failed);
    err e = OK;

    if (named != NULL)
        j.value = json_hold(s->arena, named);
    if (strlen(from->text) > CUT_INLINE_MAX)
        e = offload(s, cut, &j);
    else
        cut(&j);
    if (j.cut_value != NULL)
        json_hold(s->arena, j.cut_value);
    if (e == OK)
        *out = (tool_result){.text = j.text, .value = j.cut_value, .failed = failed};
    return e;
}

/* The tool could not be run, or not to its end. */
static void explain(scope *s, scope *own, const tool *t, err e, int64_t began, tool_result *out)
{
    double seconds = (double)(clock_mono() - began) / 1e9;
    const char *why = scope_failure(own, e).text;
    json_t *o;

    if (e == ERR_TIMEOUT && own->ended == ERR_TIMEOUT) {
        o = tool_failure("TIMEOUT", "Tool '%s' did not finish within %.0f seconds", t->name, seconds);
        *out = (tool_result){.value = json_hold(s->arena, o), .failed = true};
        out->text = json_text(s->arena, o);
        return;
    }
    tool_error_result(s, t->name, "EXECUTION_ERROR",
                      arena_printf(s->arena, "Tool '%s' failed after %.2f seconds: %s", t->name, seconds, why), out);
    json_set_str(out->value, "exception_detail", why);
    out->text = json_text(s->arena, out->value);
}

static err run(scope *s, scope *own, const tool *t, const tool_context *cx, const json_t *given, tool_result *out)
{
    json_t *args = json_hold(own->arena, args_prepare(t, cx, given));
    json_t *problem = args_check(t, given, args);
    tool_result result = {0};
    int64_t began = clock_mono();
    err e;

    if (problem != NULL)
        return answer_json(s, problem, out);
    if ((e = t->call(own, t, cx, args, &result)) == OK)
        return finish(s, t, cx, &result, out);
    TRY(scope_check(s)); /* the caller's own end is not the tool's failure */
    explain(s, own, t, e, began, out);
    return OK;
}

err tool_call(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    tool_context own_cx = *cx;
    scope *own;
    err e;

    TRY(scope_check(s));
    if (!json_is_object(args)) {
        json_t *o = json_object();

        json_set_str(o, "error",
                     arena_printf(s->arena,
                                  "Tool %s failed: Tool argument format error: arguments must be a JSON object",
                                  t->name));
        return answer_json(s, o, out);
    }
    own = scope_child(s, t->timeout > 0 ? t->timeout : default_timeout);
    if (own_cx.session == NULL)
        own_cx.session = tool_session_new(own);
    e = run(s, own, t, &own_cx, args, out);
    scope_close(own);
    return e;
}
