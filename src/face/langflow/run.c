/* SPDX-License-Identifier: MIT */
/* POST /api/v1/run/{flow}: whole or as a stream of events (contracts/langflow-api.md sections 4.1 and 4.2). */
#include "auth/identity.h"
#include "auth/rules.h"
#include "face/langflow/envelope.h"
#include "face/langflow/handlers.h"
#include "face/pydantic.h"
#include "flow/flow.h"
#include "store/follow.h"

typedef struct {
    const char *input_value, *input_type, *output_type, *output_component, *session_id;
    json_t *tweaks, *input_request;
} run_body;
static const field run_fields[] = {
    FIELD(run_body, input_value, .text = "For the input components"),
    FIELD(run_body, input_type, .one_of = "chat|text|any", .text = "Which of them"),
    FIELD(run_body, output_type, .one_of = "chat|text|any|debug", .text = "Which components are reported"),
    FIELD(run_body, output_component, .text = "Just this one"),
    FIELD(run_body, session_id, .text = "The conversation; the flow's id when absent"),
    FIELD(run_body, tweaks, .json = JSON_OBJECT_TYPE, .text = "Overrides by component id, name or field"),
    FIELD(run_body, input_request, .json = JSON_OBJECT_TYPE, .text = "All of the above, nested"),
};
const schema lf_run_schema = {"SimplifiedAPIRequest", sizeof(run_body), run_fields, COUNT(run_fields), SIZE_MAX};

typedef struct {
    bool stream;
} run_args;
static const field run_arg_fields[] = {FIELD(run_args, stream, .text = "Events as they happen")};
const schema lf_run_args_schema = SCHEMA(run_args, run_arg_fields);

/* Whether this is the flow's last word to its client. */
static bool is_last(const event *ev)
{
    static const char *const last[] = {"{\"event\":\"end\"", "{\"event\":\"error\""};

    for (size_t i = 0; i < COUNT(last); i++)
        if (ev->kind == EV_OUTPUT && str_starts((str){ev->bytes, ev->len}, last[i]))
            return true;
    return false;
}

/* What a client is told whose run ended without a last word: it was interrupted, or there was no room for more. */
static const char *reason_of(arena *a, const event *end)
{
    json_t *v = NULL;
    const char *reason;

    if (json_parse(a, end->bytes, end->len, NULL, &v) != OK)
        return "The run has ended";
    reason = json_get_str(v, "reason", "no reason was given");
    return cstr_eq(json_get_str(v, "status", NULL), "interrupted")
               ? arena_printf(a, "The run was interrupted: %s", reason)
               : reason;
}

static void put_error(buf *out, const char *text)
{
    buf_puts(out, "{\"event\":\"error\",\"data\":{\"error\":");
    json_put_cstr(out, text);
    buf_puts(out, "}}\n\n");
}

typedef struct {
    bool ended; /* the last word has been passed on */
} stream_state;

/* One event a line, with an empty line behind it, and without the prefix of server-sent events. */
static void render(void *state, const run *r, const event *ev, buf *out)
{
    stream_state *st = state;

    (void)r;
    if (ev->kind == EV_END && !st->ended) {
        arena *a = arena_new(NULL);

        put_error(out, reason_of(a, ev));
        arena_free(a);
    }
    if (ev->kind != EV_OUTPUT)
        return;
    st->ended = st->ended || is_last(ev);
    buf_add(out, ev->bytes, ev->len);
    buf_puts(out, "\n\n");
}

static err stream_run(response *rs, run *r)
{
    static const stream_state fresh;
    follow_spec spec = {
        .type = "text/event-stream; charset=utf-8",
        .render = render,
        .state = &fresh,
        .state_size = sizeof fresh,
        .too_slow = "{\"event\":\"error\",\"data\":{\"error\":\"The client reads too slowly\"}}\n\n",
        .abandoned = "the client disconnected",
    };

    reply_header(rs, "Cache-Control", "no-cache");
    return run_follow(rs, r, &spec);
}

/* A failed run's detail is JSON in a text, unless something was not found (section 4.1). */
static err answer_failure(request *rq, response *rs, const char *message)
{
    json_t *o = json_hold(rq->scope->arena, json_object());

    if (strstr(message, "not found") != NULL)
        return lf_error(rq, rs, 404, message);
    json_set_str(o, "message", message);
    json_set(o, "traceback", json_null());
    json_set(o, "description", json_null());
    json_set(o, "code", json_null());
    json_set(o, "suggestion", json_null());
    return lf_error(rq, rs, 500, json_text(rq->scope->arena, o));
}

/* Waits for the terminal event and answers with it. */
static err answer_whole(request *rq, response *rs, run *r)
{
    run_reader *rd = run_reader_open(r, NULL, NULL);
    json_t *last = NULL, *data;
    const char *reason = NULL;
    event ev;
    err e;

    while ((e = run_next(rq->scope, rd, &ev)) == OK && ev.kind != EV_END)
        if (is_last(&ev))
            e = json_parse(rq->scope->arena, ev.bytes, ev.len, NULL, &last);
    if (e == OK)
        reason = reason_of(rq->scope->arena, &ev);
    run_reader_close(rd);
    if (e != OK) {
        run_interrupt(r, "the client disconnected");
        return e;
    }
    data = json_get_obj(last, "data");
    if (json_get_obj(data, "result") != NULL)
        return reply_json(rs, 200, json_get_obj(data, "result"));
    return answer_failure(rq, rs, json_get_str(data, "error", reason));
}

/* The nested form {"input_request":{…}} is bound by the same table. */
static err nested(request *rq, response *rs, const run_body **in, bool *answered)
{
    schema_faults faults = {0};
    void *out;

    *answered = false;
    if ((*in)->input_request == NULL)
        return OK;
    if (schema_bind(rq->scope->arena, &lf_run_schema, (*in)->input_request, &faults, &out) == OK) {
        *in = out;
        return OK;
    }
    *answered = true;
    return reply_json(rs, 422, json_hold(rq->scope->arena, pydantic_detail(rq, &faults, "body")));
}

static err find_flow(request *rq, response *rs, flow_row **out, bool *answered)
{
    const char *name = request_param(rq, "flow_id_or_name"), *id = lf_uuid(rq->scope->arena, name);
    err e = flow_find_by_name(rq->scope, own_rows_of(rq->user), id != NULL ? id : name, out);

    *answered = e == ERR_NOT_FOUND;
    if (e == ERR_NOT_FOUND)
        return lf_error(rq, rs, 404, arena_printf(rq->scope->arena, "Flow identifier %s not found", name));
    return e;
}

/* A conflict of input and tweaks is told inside the stream (section 4.2). */
static err refuse_in_stream(request *rq, response *rs)
{
    buf *text = buf_new(rq->scope->arena, KIB(64));

    put_error(text, rq->scope->failure.text);
    return reply_buf(rs, 200, "text/event-stream; charset=utf-8", text);
}

err lf_run(request *rq, response *rs)
{
    const run_args *args = rq->args;
    const run_body *in = rq->body;
    flow_request fr;
    flow_row *flow;
    bool answered;
    run *r;
    err e = nested(rq, rs, &in, &answered);

    if (e != OK || answered || (e = find_flow(rq, rs, &flow, &answered)) != OK || answered)
        return e;
    fr = (flow_request){
        .user_id = rq->user->user_id,
        .admin = rq->user->admin,
        .flow = flow,
        .input_value = in->input_value,
        .input_type = in->input_type != NULL ? in->input_type : "chat",
        .output_type = in->output_type,
        .output_component = in->output_component,
        .tweaks = in->tweaks,
        .session_id = in->session_id,
        .stream = args->stream,
    };
    e = flow_start(rq->scope, &fr, &r);
    if (e != OK && args->stream && cstr_eq(rq->scope->failure.code, "flow.tweak_conflict"))
        return refuse_in_stream(rq, rs);
    TRY(e);
    e = args->stream ? stream_run(rs, r) : answer_whole(rq, rs, r);
    run_unref(r);
    return e;
}
