/* SPDX-License-Identifier: MIT */
/* The stage for tests of the agent loop; see stage.h. */
#include "stage.h"

#include <pthread.h>
#include <stdlib.h>

#include "fake_server.h"
#include "rt/sleep.h"
#include "test.h"

/* Where the threads of the providers find their stage.  One whose caller went away may come to its request only when
 * the stage is closed: the seat is empty then. */
static stage *seats[64];
static size_t n_seats;
static pthread_mutex_t seats_lock = PTHREAD_MUTEX_INITIALIZER;

static stage_answer note_request(stage *st, const fake_request *rq)
{
    bool summary = strstr(rq->body, "Summarise the following part") != NULL;
    int n = summary ? st->summaries++ : st->requests++;

    if (summary) {
        free(st->summary_body);
        st->summary_body = strdup(rq->body);
    } else if (n < STAGE_REQUESTS) {
        st->bodies[n] = strdup(rq->body);
    }
    return summary ? st->summary : st->answers[MIN_OF(n, st->n - 1)];
}

static bool play(fake_conn *c, const fake_request *rq, void *arg)
{
    stage *const *seat = arg;
    bool taken, go_on = false; /* the end of the connection is the end of a stream */
    stage_answer a = {0};
    char *body = NULL;

    pthread_mutex_lock(&seats_lock);
    taken = *seat != NULL;
    if (taken) {
        a = note_request(*seat, rq);
        body = strdup(a.body != NULL ? a.body : ""); /* it goes with the test */
    }
    pthread_mutex_unlock(&seats_lock);
    if (taken && a.status != 0) {
        go_on = fake_reply(c, a.status, "application/json", body);
    } else if (taken) {
        fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
        fake_printf(c, "%s", body);
        if (a.pause_ms > 0)
            fake_wait_closed(c, a.pause_ms);
    }
    free(body);
    return go_on;
}

static stage **take_seat(stage *st)
{
    stage **seat;

    pthread_mutex_lock(&seats_lock);
    CHECK(n_seats < COUNT(seats), "a seat is free");
    seat = &seats[n_seats++];
    *seat = st;
    pthread_mutex_unlock(&seats_lock);
    return seat;
}

static void leave_seats(const stage *st)
{
    pthread_mutex_lock(&seats_lock);
    for (size_t i = 0; i < n_seats; i++)
        if (seats[i] == st)
            seats[i] = NULL;
    pthread_mutex_unlock(&seats_lock);
}

/* --- tools --- */

static err fast(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    (void)t;
    (void)cx;
    out->text = arena_printf(s->arena, "fast said %s", json_get_str(args, "word", "nothing"));
    return OK;
}

static err slow(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    TRY(sleep_for(s, MILLISECONDS(json_get_int(args, "ms", 100))));
    if (cx->progress != NULL)
        cx->progress(cx->progress_arg, "stdout", "half\xff", 5);
    return fast(s, t, cx, args, out);
}

static err fails(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    (void)s;
    (void)t;
    (void)cx;
    (void)args;
    out->text = "{\"success\":false,\"status\":\"error\",\"error\":\"it does not work\"}";
    out->failed = true;
    return OK;
}

static err turn_status(scope *s, const tool *t, const tool_context *cx, json_t *args, tool_result *out)
{
    (void)s;
    (void)t;
    (void)cx;
    (void)args;
    out->text = "{\"success\":true,\"status\":\"success\",\"should_end\":true}";
    return OK;
}

static const tool tools[] = {
    {.name = "fail", .description = "Fails", .call = fails},
    {.name = "fast", .description = "Answers", .call = fast},
    {.name = "slow", .description = "Answers later", .call = slow},
    {.name = "turn_status", .description = "Ends the turn", .call = turn_status},
};

static const tool **make_tools(arena *a)
{
    const tool **list = arena_array(a, const tool *, COUNT(tools));
    tool *copies = arena_array(a, tool, COUNT(tools));

    for (size_t i = 0; i < COUNT(tools); i++) {
        copies[i] = tools[i];
        copies[i].parameters =
            json_hold(a, json_pack("{s:s,s:{s:{s:s},s:{s:s},s:{s:s}}}", "type", "object", "properties", "word", "type",
                                   "string", "ms", "type", "integer", "status", "type", "string"));
        list[i] = &copies[i];
    }
    return list;
}

/* --- the run --- */

const char *stage_provider(arena *a, stage *st)
{
    return arena_printf(a, "http://127.0.0.1:%d/v1", fake_server_start(play, take_seat(st)));
}

stage *stage_new(scope *s, const stage_answer *answers, size_t n)
{
    static const char *const key[] = {"secret-key"};
    scope *own = scope_child(s, NO_LIMIT);
    arena *a = own->arena;
    stage *st = arena_one(a, stage);

    *st = (stage){.answers = answers, .n = (int)n, .s = own, .ledger = ledger_new(a)};
    st->summary.body = TEXT("They talked.") STOP;
    CHECK(run_begin(own, &(run_info){.session_id = "s-1", .user_id = "u-1"}, &st->run) == OK, "begins");
    st->plan = (plan){
        .session_id = "s-1",
        .speaker = "SimpleAgent",
        .model = {.at = {.driver = "openai",
                         .base_url = stage_provider(a, st),
                         .keys = key,
                         .n_keys = 1,
                         .model = "test-model",
                         .private_ok = true},
                  .limits.max_attempts = 1},
        .tools = make_tools(a),
        .n_tools = COUNT(tools) - 1,
        .tool_context = {.user_id = "u-1", .session_id = "s-1", .language = "en"},
        .prompt = {.language = "en", .response_language = "en-US", .role = "ROLE TEXT", .has_tools = true},
        .until = UNTIL_NO_TOOL_CALL,
        .max_loops = 10,
    };
    st->plan.tool_context.session = tool_session_new(own);
    stage_user(st, "Question");
    return st;
}

err stage_run(stage *st)
{
    return agent_run(st->s, st->run, &st->plan, st->ledger, &st->out);
}

void stage_close(stage *st)
{
    leave_seats(st);
    for (int i = 0; i < STAGE_REQUESTS; i++)
        free(st->bodies[i]);
    free(st->summary_body);
    run_finish(st->run, RUN_COMPLETED, NULL);
    run_unref(st->run);
    hub_close();
    scope_close(st->s);
}

entry *stage_user(stage *st, const char *text)
{
    return ledger_add(st->ledger, (entry){.role = ROLE_USER, .type = "user_input", .text = text});
}

json_t *stage_request(stage *st, int request)
{
    json_t *v;

    CHECK(request < st->requests, "there was no request %d", request);
    CHECK(json_parse(st->s->arena, st->bodies[request], strlen(st->bodies[request]), NULL, &v) == OK, "%s",
          st->bodies[request]);
    return v;
}

json_t *stage_messages(stage *st, int request)
{
    return json_get_arr(stage_request(st, request), "messages");
}

bool stage_request_has(stage *st, int request, const char *text)
{
    CHECK(request < st->requests, "there was no request %d", request);
    return strstr(st->bodies[request], text) != NULL;
}

static const char *const kinds[] = {"TEXT",    "REASONING", "TEXT_END",   "TOOL_CALL", "RESULT", "PROGRESS", "NOTICE",
                                    "FAILURE", "USER",      "SUGGESTION", "OUTPUT",    "USAGE",  "END"};

static const char *log_as(stage *st, bool payload)
{
    run_reader *rd = run_reader_open(st->run, NULL, NULL);
    buf *b = buf_new(st->s->arena, MIB(4));
    event ev;

    while (run_reader_next(rd, &ev)) {
        if (b->len > 0)
            buf_putc(b, payload ? '\n' : ' ');
        buf_puts(b, kinds[ev.kind]);
        if (payload)
            buf_printf(b, " %.*s", (int)ev.len, ev.bytes);
    }
    run_reader_close(rd);
    return buf_str(b);
}

const char *stage_log(stage *st)
{
    return log_as(st, true);
}

const char *stage_kinds(stage *st)
{
    return log_as(st, false);
}

json_t *stage_event(stage *st, event_kind kind, const char *part)
{
    run_reader *rd = run_reader_open(st->run, NULL, NULL);
    json_t *found = NULL;
    event ev;

    while (found == NULL && run_reader_next(rd, &ev)) {
        if (ev.kind != kind || memmem(ev.bytes, ev.len, part, strlen(part)) == NULL)
            continue;
        CHECK(json_parse(st->s->arena, ev.bytes, ev.len, NULL, &found) == OK, "%.*s", (int)ev.len, ev.bytes);
    }
    run_reader_close(rd);
    return found;
}
