/* SPDX-License-Identifier: MIT */
#include "driver.h"

#include <stdio.h>

#include "fake_server.h"

provider_play play;

static bool answer(fake_conn *c, const fake_request *rq, void *arg)
{
    (void)arg;
    snprintf(play.asked, sizeof play.asked, "%s", rq->body);
    snprintf(play.asked_head, sizeof play.asked_head, "%s", rq->head);
    return fake_reply(c, play.status, play.type, play.body);
}

llm_request driver_request(scope *s, const char *driver, const char *model, const char *path)
{
    static const char *const keys[] = {"the-key"};
    static const llm_message hi = {.role = ROLE_USER, .text = "Hi"};
    static int port;

    if (port == 0)
        port = fake_server_start(answer, NULL);
    play.status = 200;
    play.type = "text/event-stream; charset=utf-8";
    return (llm_request){
        .at = {.driver = driver,
               .base_url = arena_printf(s->arena, "http://127.0.0.1:%d%s", port, path),
               .keys = keys,
               .n_keys = 1,
               .model = model,
               .private_ok = true},
        .messages = &hi,
        .n_messages = 1,
        .limits.max_attempts = 1,
    };
}

static void show(buf *out, const llm_delta *d)
{
    switch (d->kind) {
    case LLM_TEXT:
    case LLM_REASONING:
    case LLM_THOUGHT:
        buf_printf(out, "%c(%.*s)", d->kind == LLM_TEXT ? 'T' : d->kind == LLM_THOUGHT ? 'B' : 'R', STR_ARG(d->text));
        return;
    case LLM_TOOL_CALL:
        buf_printf(out, "C%d[%s|%s](%.*s)", (int)d->index, d->id != NULL ? d->id : "", d->name != NULL ? d->name : "",
                   STR_ARG(d->text));
        return;
    case LLM_STOP:
        buf_printf(out, "S(%s)", d->finish);
        return;
    case LLM_USAGE:
        buf_printf(out, "U%d/%d/%d/%d/%d", (int)d->usage.prompt, (int)d->usage.completion, (int)d->usage.total,
                   (int)d->usage.cached, (int)d->usage.reasoning);
    }
}

err driver_read(scope *s, const llm_request *rq, buf *out)
{
    llm_stream *st;
    llm_delta d;
    err e;

    TRY(llm_open(s, rq, &st));
    while ((e = llm_next(s, st, &d)) == OK)
        show(out, &d);
    llm_close(st);
    return e;
}

void driver_check_answer(scope *s, const llm_request *rq, const char *body, const char *want)
{
    scope *child = scope_child(s, NO_LIMIT);
    buf *out = buf_new(child->arena, 10000);

    play.body = body;
    CHECK(driver_read(child, rq, out) == ERR_CLOSED, "%s: %s", child->failure.code, body);
    CHECK_STR(buf_str(out), want);
    scope_close(child);
}

json_t *driver_body(scope *s, const llm_request *rq, body_writer write)
{
    llm_quirks none = {.n_dropped = 0};
    buf *out = buf_new(s->arena, MIB(1));
    json_fault fault;
    json_t *v;

    write(s, rq, &none, out);
    CHECK(json_parse(s->arena, out->data, out->len, &fault, &v) == OK, "%s: %s", fault.reason, out->data);
    return v;
}

void driver_check_json(scope *s, const json_t *v, const char *want)
{
    CHECK_STR(v != NULL ? json_text(s->arena, v) : "-", want);
}
