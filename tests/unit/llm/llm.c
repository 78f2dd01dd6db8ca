/* SPDX-License-Identifier: MIT */
/* Calls of models against providers that refuse, hang, break off and recover. */
#include "llm/llm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "fake_server.h"
#include "rt/sleep.h"
#include "test.h"

/* What the server does with its n-th request; the last entry repeats. */
typedef struct {
    int status; /* 0: the connection is closed without an answer; -1: it hangs; 200: `body` is a stream */
    const char *body;
    const char *header; /* one more, "Name: value" */
} step;

typedef struct {
    const step *steps;
    int n;
    atomic_int requests;
    char keys[32][32]; /* that came, in order */
} script;

static char bodies[32][4096]; /* that came, in order */

static bool play(fake_conn *c, const fake_request *rq, void *arg)
{
    script *sc = arg;
    int n = atomic_fetch_add(&sc->requests, 1);
    const step *st = &sc->steps[MIN_OF(n, sc->n - 1)];
    const char *key = fake_header(rq, "Authorization");

    if (n < 32) {
        snprintf(sc->keys[n], sizeof sc->keys[n], "%s", key != NULL ? key : "");
        snprintf(bodies[n], sizeof bodies[n], "%s", rq->body);
    }
    if (st->status == 0)
        return false;
    if (st->status < 0)
        return fake_wait_closed(c, 20000) && false;
    if (st->status != 200)
        return fake_printf(c, "HTTP/1.1 %d X\r\n%s%sContent-Length: %zu\r\n\r\n%s", st->status,
                           st->header != NULL ? st->header : "", st->header != NULL ? "\r\n" : "", strlen(st->body),
                           st->body);
    fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
    return fake_printf(c, "%s", st->body) && false; /* the end of the connection is the end of the body */
}

#define CHUNK(delta) "data: {\"choices\":[{\"index\":0,\"delta\":" delta "}]}\n\n"
#define HELLO CHUNK("{\"content\":\"Hello\"}")
#define STOP "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define DONE "data: [DONE]\n\n"

static const char *const one_key[] = {"key-one"};
static const char *const three_keys[] = {"key-one", "key-two", "key-three"};
static const llm_message hi = {.role = ROLE_USER, .text = "Hi"};

static llm_request request(scope *s, script *sc)
{
    return (llm_request){
        .at = {.driver = "openai",
               .base_url = arena_printf(s->arena, "http://127.0.0.1:%d/v1", fake_server_start(play, sc)),
               .keys = one_key,
               .n_keys = 1,
               .model = "test-model",
               .private_ok = true},
        .messages = &hi,
        .n_messages = 1,
        .retry_base = MILLISECONDS(1),
    };
}

static err complete(scope *s, const llm_request *rq, const char **text)
{
    *text = "";
    return llm_complete(s, rq, text, NULL);
}

FIBER_TEST(a_whole_answer_is_collected_with_its_usage)
{
    static const step steps[] = {
        {200, HELLO CHUNK("{\"content\":\" world\"}") STOP
         "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2,\"total_tokens\":9}}\n\n" DONE}};
    script sc = {steps, 1};
    llm_request rq = request(s, &sc);
    llm_usage usage;
    const char *text;

    CHECK(llm_complete(s, &rq, &text, &usage) == OK, "%s", s->failure.text);
    CHECK_STR(text, "Hello world");
    CHECK_INT(usage.prompt, 7);
    CHECK_INT(usage.completion, 2);
    CHECK_INT(usage.total, 9);
    CHECK_INT(sc.requests, 1);
}

FIBER_TEST(failures_get_their_code_and_are_tried_again_only_when_that_can_help)
{
    static const struct {
        step st;
        const char *code;
        int attempts; /* of 3 */
    } cases[] = {
        {{401, "{\"error\":{\"message\":\"Incorrect API key provided: key-one\"}}"}, "llm.auth", 1},
        {{403, ""}, "llm.auth", 1},
        {{402, ""}, "llm.quota", 1},
        {{429, "{\"error\":{\"code\":\"insufficient_quota\"}}"}, "llm.quota", 1},
        {{429, "slow down"}, "llm.rate_limit", 3},
        {{404, "{\"error\":{\"message\":\"The model `x` does not exist\"}}"}, "llm.model_not_found", 1},
        {{404, "<html>"}, "llm.model_not_found", 1},
        {{400, "{\"error\":{\"code\":\"context_length_exceeded\"}}"}, "llm.context_length", 1},
        {{400, "{\"error\":{\"message\":\"This model's maximum context length is 8192 tokens\"}}"},
         "llm.context_length",
         1},
        {{413, ""}, "llm.context_length", 1},
        {{400, "{\"error\":{\"code\":\"content_filter\",\"message\":\"no\"}}"}, "llm.content_filter", 1},
        {{400, "{\"error\":{\"message\":\"messages must not be empty\"}}"}, "llm.bad_request", 1},
        {{422, "{\"detail\":[{\"msg\":\"field required\"}]}"}, "llm.bad_request", 1},
        {{500, "oops"}, "llm.unavailable", 3},
        {{502, "<html>"}, "llm.unavailable", 3},
        {{503, ""}, "llm.unavailable", 3},
        {{529, "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}"}, "llm.unavailable", 3},
        {{0, ""}, "llm.connection", 3},
        {{200, ""}, "llm.truncated", 3},
        {{200, "data: {\"error\":{\"message\":\"boom\",\"type\":\"server_error\"}}\n\n"}, "llm.unavailable", 3},
        {{200, "data: {\"error\":{\"message\":\"no such thing\",\"type\":\"invalid_request_error\"}}\n\n"},
         "llm.bad_request",
         1},
        {{200, "data: {\"object\":\"error\",\"message\":\"no such thing\",\"code\":400}\n\n"}, "llm.bad_request", 1},
        {{200, "data: {nonsense\n\n"}, "llm.garbage", 1},
        {{200, DONE}, "llm.garbage", 1},
        {{200, "data: 12\n\n"}, "llm.garbage", 1},
        {{200, "data: {\"choices\":[3]}\n\n"}, "llm.garbage", 1},
        {{200, "data: {\"choices\":7}\n\n"}, "llm.garbage", 1},
        {{200, "<html>Welcome</html>"}, "llm.garbage", 1},
        {{301, ""}, "llm.garbage", 1},
    };

    for (size_t i = 0; i < COUNT(cases) && i < 16 * 2; i++) {
        script *sc = arena_one(s->arena, script);
        llm_request rq;
        const char *text;
        scope *child = scope_child(s, NO_LIMIT);

        sc->steps = &cases[i].st;
        sc->n = 1;
        rq = request(child, sc);
        rq.limits.max_attempts = 3;
        CHECK(complete(child, &rq, &text) == ERR_UPSTREAM, "case %zu", i);
        CHECK(cstr_eq(child->failure.code, cases[i].code), "case %zu: %s (%s)", i, child->failure.code,
              child->failure.text);
        CHECK(sc->requests == cases[i].attempts, "case %zu: %d attempts", i, (int)sc->requests);
        CHECK(strstr(child->failure.text, "key-one") == NULL, "%s", child->failure.text);
        scope_close(child);
    }
}

FIBER_TEST(a_provider_that_recovers_answers_after_all)
{
    static const step steps[] = {{429, "", "Retry-After: 0"}, {0, ""}, {503, ""}, {200, ""}, {200, HELLO STOP DONE}};
    script sc = {steps, COUNT(steps)};
    llm_request rq = request(s, &sc);
    const char *text;

    CHECK(complete(s, &rq, &text) == OK, "%s", s->failure.text);
    CHECK_STR(text, "Hello");
    CHECK_INT(sc.requests, 5);
}

FIBER_TEST(a_pause_that_the_provider_asks_for_is_kept)
{
    static const step steps[] = {{429, "", "Retry-After: 1"}, {200, HELLO STOP DONE}};
    script sc = {steps, COUNT(steps)};
    llm_request rq = request(s, &sc);
    int64_t began = clock_mono();
    const char *text;

    CHECK(complete(s, &rq, &text) == OK, "%s", s->failure.text);
    CHECK(clock_mono() - began >= SECONDS(1), "waited");
}

FIBER_TEST(a_pause_that_nobody_waits_for_is_a_failure_at_once)
{
    static const step steps[] = {{429, "", "Retry-After: 600"}, {200, HELLO STOP DONE}};
    script sc = {steps, COUNT(steps)};
    llm_request rq = request(s, &sc);
    int64_t began = clock_mono();
    const char *text;

    CHECK_INT(complete(s, &rq, &text), ERR_UPSTREAM);
    CHECK_STR(s->failure.code, "llm.rate_limit");
    CHECK_INT(sc.requests, 1);
    CHECK(clock_mono() - began < SECONDS(3), "at once");
    rq.at.keys = three_keys;
    rq.at.n_keys = COUNT(three_keys);
    CHECK(complete(s, &rq, &text) == OK, "another key is not asked to wait: %s", s->failure.text);
}

static bool refuse_slowly(fake_conn *c, const fake_request *rq, void *arg)
{
    (void)rq;
    (void)arg;
    fake_printf(c, "HTTP/1.1 400 X\r\nContent-Length: 1000\r\n\r\n{\"error\":");
    return fake_wait_closed(c, 30000) && false;
}

FIBER_TEST(a_refusal_that_does_not_end_is_one_all_the_same, .limit = 30)
{
    script sc = {.n = 1};
    llm_request rq = request(s, &sc);
    int64_t began = clock_mono();
    const char *text;

    rq.at.base_url = arena_printf(s->arena, "http://127.0.0.1:%d", fake_server_start(refuse_slowly, NULL));
    CHECK_INT(complete(s, &rq, &text), ERR_UPSTREAM);
    CHECK_STR(s->failure.code, "llm.bad_request");
    CHECK(clock_mono() - began < SECONDS(15), "soon");
}

FIBER_TEST(attempts_are_eight_at_most)
{
    static const step steps[] = {{500, ""}};
    script sc = {steps, 1};
    llm_request rq = request(s, &sc);
    const char *text;

    CHECK_INT(complete(s, &rq, &text), ERR_UPSTREAM);
    CHECK_INT(sc.requests, 8);
}

FIBER_TEST(no_attempt_is_waited_for_past_the_deadline)
{
    static const step steps[] = {{429, "", "Retry-After: 20"}};
    script sc = {steps, 1};
    scope *child = scope_child(s, SECONDS(5));
    llm_request rq = request(s, &sc);
    int64_t began = clock_mono();
    const char *text;

    CHECK_INT(complete(child, &rq, &text), ERR_UPSTREAM);
    CHECK_STR(child->failure.code, "llm.rate_limit");
    CHECK(clock_mono() - began < SECONDS(4), "at once");
    CHECK_INT(sc.requests, 1);
    scope_close(child);
}

FIBER_TEST(another_key_is_tried_at_once_when_one_is_refused)
{
    static const step steps[] = {
        {401, ""}, {429, "{\"error\":{\"code\":\"insufficient_quota\"}}"}, {200, HELLO STOP DONE}};
    script sc = {steps, COUNT(steps)};
    llm_request rq = request(s, &sc);
    const char *text;

    rq.at.keys = three_keys;
    rq.at.n_keys = 3;
    rq.retry_base = SECONDS(30);
    CHECK(complete(s, &rq, &text) == OK, "%s", s->failure.text);
    CHECK(strcmp(sc.keys[0], sc.keys[1]) != 0 && strcmp(sc.keys[1], sc.keys[2]) != 0, "three keys");
    CHECK(strcmp(sc.keys[0], sc.keys[2]) != 0, "each another");
}

FIBER_TEST(when_all_keys_are_refused_the_call_fails)
{
    static const step steps[] = {{401, ""}};
    script sc = {steps, 1};
    llm_request rq = request(s, &sc);
    const char *text;

    rq.at.keys = three_keys;
    rq.at.n_keys = 3;
    CHECK_INT(complete(s, &rq, &text), ERR_UPSTREAM);
    CHECK_STR(s->failure.code, "llm.auth");
    CHECK_INT(sc.requests, 3);
}

FIBER_TEST(keys_take_turns_over_calls)
{
    static const step steps[] = {{200, HELLO STOP DONE}};
    script sc = {steps, 1};
    llm_request rq = request(s, &sc);
    const char *text;

    rq.at.keys = three_keys;
    rq.at.n_keys = 3;
    for (int i = 0; i < 6; i++)
        CHECK(complete(s, &rq, &text) == OK, "%s", s->failure.text);
    for (int i = 0; i < 3; i++)
        CHECK_STR(sc.keys[i], sc.keys[i + 3]);
    CHECK(strcmp(sc.keys[0], sc.keys[1]) != 0, "not twice the same");
}

FIBER_TEST(a_parameter_that_the_provider_does_not_know_is_left_out_and_remembered)
{
    static const step steps[] = {
        {400, "{\"error\":{\"message\":\"Unsupported parameter: 'top_p' is not supported with this model.\","
              "\"param\":\"top_p\",\"code\":\"unsupported_parameter\"}}"},
        {400, "{\"error\":{\"message\":\"Unrecognized request argument supplied: chat_template_kwargs\"}}"},
        {400, "{\"error\":{\"message\":\"response_format is not supported by this model\"}}"},
        {400, "{\"error\":{\"message\":\"Unsupported parameter: 'max_tokens' is not supported with this model. Use "
              "'max_completion_tokens' instead.\",\"param\":\"max_tokens\"}}"},
        {200, HELLO STOP DONE},
    };
    script sc = {steps, COUNT(steps)};
    llm_request rq = request(s, &sc);
    const char *text;

    rq.at.params = json_hold(s->arena, json_pack("{s:f,s:i,s:f}", "top_p", 0.5, "max_tokens", 10, "temperature", 0.1));
    rq.response_format = json_hold(s->arena, json_pack("{s:s}", "type", "json_object"));
    CHECK(complete(s, &rq, &text) == OK, "%s", s->failure.text);
    CHECK_INT(sc.requests, 5);
    CHECK(strstr(bodies[0], "\"top_p\"") != NULL && strstr(bodies[1], "\"top_p\"") == NULL, "%s", bodies[1]);
    CHECK(strstr(bodies[1], "chat_template_kwargs") != NULL, "%s", bodies[1]);
    CHECK(strstr(bodies[2], "chat_template_kwargs") == NULL, "%s", bodies[2]);
    CHECK(strstr(bodies[3], "response_format") == NULL, "%s", bodies[3]);
    CHECK(strstr(bodies[4], "\"max_completion_tokens\":10") != NULL, "%s", bodies[4]);
    CHECK(strstr(bodies[4], "\"temperature\":0.1") != NULL, "what was not complained of stays: %s", bodies[4]);
    CHECK(complete(s, &rq, &text) == OK && sc.requests == 6, "the next call knows");
    CHECK_STR(bodies[5], bodies[4]);
}

FIBER_TEST(a_bad_schema_is_an_error_and_teaches_nothing)
{
    static const step steps[] = {
        {400,
         "{\"error\":{\"message\":\"Invalid schema for response_format 'x': In context=(), 'oneOf' is not permitted.\","
         "\"type\":\"invalid_request_error\",\"param\":\"response_format\",\"code\":null}}"},
        {400, "{\"error\":{\"message\":\"response_format: 'not' is unsupported\",\"code\":\"invalid_json_schema\"}}"},
        {200, HELLO STOP DONE},
    };
    script sc = {steps, COUNT(steps)};
    llm_request rq = request(s, &sc);
    const char *text;

    rq.at.model = "schemas";
    rq.response_format = json_hold(s->arena, json_pack("{s:s}", "type", "json_schema"));
    for (int i = 0; i < 2; i++) {
        CHECK_INT(complete(s, &rq, &text), ERR_UPSTREAM);
        CHECK_STR(s->failure.code, "llm.bad_request");
    }
    CHECK(strstr(s->failure.text, "'not' is unsupported") != NULL, "%s", s->failure.text);
    CHECK(complete(s, &rq, &text) == OK && sc.requests == 3, "the next one");
    CHECK(strstr(bodies[2], "response_format") != NULL, "asks as before: %s", bodies[2]);
}

FIBER_TEST(what_one_request_wants_of_a_parameter_is_left_out_of_that_request_only)
{
    static const struct {
        const char *message;
        bool passing;
    } cases[] = {
        {"Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.", true},
        {"response_format is not supported together with tools", true},
        {"response_format 'json_schema' not supported", true},
        {"Unknown parameter: 'response_format'.", false},
        {"response_format is not supported by this model", false},
        {"'response_format' is not supported.", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const step steps[] = {
            {400, arena_printf(s->arena, "{\"error\":{\"message\":\"%s\"}}", cases[i].message)},
            {200, HELLO STOP DONE},
        };
        script sc = {steps, COUNT(steps)};
        llm_request rq = request(s, &sc);
        const char *text;

        rq.at.model = arena_printf(s->arena, "passing-%zu", i);
        rq.response_format = json_hold(s->arena, json_pack("{s:s}", "type", "json_schema"));
        CHECK(complete(s, &rq, &text) == OK, "%s", s->failure.text);
        CHECK(strstr(bodies[1], "response_format") == NULL, "%s", bodies[1]);
        CHECK(complete(s, &rq, &text) == OK, "%s", s->failure.text);
        CHECK((strstr(bodies[2], "response_format") != NULL) == cases[i].passing, "case %zu: %s", i, bodies[2]);
    }
}

FIBER_TEST(reasoning_that_a_provider_does_not_want_back_is_left_out)
{
    static const step steps[] = {
        {400, "{\"error\":{\"message\":\"'messages.1' : property 'reasoning_content' is unsupported\"}}"},
        {400, "{\"detail\":[{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"messages\",1,\"assistant\","
              "\"reasoning_content\"],\"msg\":\"Extra inputs are not permitted\"}]}"},
    };
    static const llm_message talk[] = {hi, {.role = ROLE_ASSISTANT, .text = "Hello", .reasoning = "Hm"}, hi};

    for (size_t i = 0; i < COUNT(steps); i++) {
        const step both[] = {steps[i], {200, HELLO STOP DONE}};
        script sc = {both, COUNT(both)};
        llm_request rq = request(s, &sc);
        const char *text;

        rq.at.model = arena_printf(s->arena, "reasoner-%zu", i);
        rq.messages = talk;
        rq.n_messages = COUNT(talk);
        CHECK(complete(s, &rq, &text) == OK, "%s", s->failure.text);
        CHECK(strstr(bodies[0], "\"reasoning_content\":\"Hm\"") != NULL, "%s", bodies[0]);
        CHECK(strstr(bodies[1], "reasoning_content") == NULL && strstr(bodies[1], "Hello") != NULL, "%s", bodies[1]);
    }
}

FIBER_TEST(a_provider_that_refuses_ever_more_parameters_is_given_up)
{
    static const step steps[] = {{400, "{\"error\":{\"message\":\"unsupported: a b c d e f g h i\"}}"}};
    script sc = {steps, 1};
    llm_request rq = request(s, &sc);
    const char *text;

    rq.at.params = json_hold(s->arena, json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i}", "a", 1, "b", 1, "c", 1, "d", 1,
                                                 "e", 1, "f", 1, "g", 1, "h", 1));
    CHECK_INT(complete(s, &rq, &text), ERR_UPSTREAM);
    CHECK_STR(s->failure.code, "llm.bad_request");
    CHECK(sc.requests <= 8, "%d attempts", (int)sc.requests);
}

/* Reads all of a stream; the text, and how it ended. */
static err drain(scope *s, const llm_request *rq, buf *text)
{
    llm_stream *st;
    llm_delta d;
    err e;

    TRY(llm_open(s, rq, &st));
    while ((e = llm_next(s, st, &d)) == OK)
        if (d.kind == LLM_TEXT)
            buf_add(text, d.text.p, d.text.len);
    CHECK_INT(llm_next(s, st, &d), e); /* an end is for ever */
    llm_close(st);
    return e;
}

FIBER_TEST(a_stream_that_breaks_off_after_any_event_but_the_last_is_an_error_after_what_was_said)
{
    static const char *const events[] = {
        CHUNK("{\"role\":\"assistant\",\"content\":\"\"}"),
        CHUNK("{\"content\":\"a\"}"),
        CHUNK("{\"content\":\"b\"}"),
        CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}"),
        STOP,
        DONE};
    for (size_t n = 0; n <= COUNT(events); n++) {
        buf *body = buf_new(s->arena, KIB(4));
        step st = {200};
        script *sc = arena_one(s->arena, script);
        scope *child = scope_child(s, NO_LIMIT);
        buf *text = buf_new(child->arena, 100);
        llm_request rq;
        err e;

        for (size_t i = 0; i < n; i++)
            buf_puts(body, events[i]);
        st.body = buf_str(body);
        sc->steps = &st;
        sc->n = 1;
        rq = request(child, sc);
        rq.limits.max_attempts = 1;
        e = drain(child, &rq, text);
        CHECK(e == (n >= 5 ? ERR_CLOSED : ERR_UPSTREAM), "%zu events: %s", n, err_name(e));
        CHECK(n >= 5 || cstr_eq(child->failure.code, "llm.truncated"), "%zu events: %s", n, child->failure.code);
        CHECK_STR(buf_str(text), n < 2 ? "" : n < 3 ? "a" : "ab");
        scope_close(child);
    }
}

FIBER_TEST(a_stream_that_breaks_off_is_not_tried_again_once_something_was_said)
{
    static const step steps[] = {{200, HELLO}, {200, HELLO STOP DONE}};
    script sc = {steps, 2};
    llm_request rq = request(s, &sc);
    buf *text = buf_new(s->arena, 100);

    CHECK_INT(drain(s, &rq, text), ERR_UPSTREAM);
    CHECK_STR(buf_str(text), "Hello");
    CHECK_STR(s->failure.code, "llm.truncated");
    CHECK_INT(sc.requests, 1);
}

FIBER_TEST(an_error_in_the_middle_of_a_stream_is_an_error)
{
    static const step steps[] = {{200, HELLO "data: {\"error\":{\"message\":\"rate limit\",\"code\":429}}\n\n"}};
    script sc = {steps, 1};
    llm_request rq = request(s, &sc);
    buf *text = buf_new(s->arena, 100);

    CHECK_INT(drain(s, &rq, text), ERR_UPSTREAM);
    CHECK_STR(buf_str(text), "Hello");
    CHECK_STR(s->failure.code, "llm.rate_limit");
}

FIBER_TEST(a_provider_that_hangs_is_asked_once_more_and_no_oftener)
{
    static const step steps[] = {{-1, ""}};
    script sc = {steps, 1};
    llm_request rq = request(s, &sc);
    const char *text;

    rq.limits.first_byte = MILLISECONDS(600);
    CHECK_INT(complete(s, &rq, &text), ERR_UPSTREAM);
    CHECK_STR(s->failure.code, "llm.timeout");
    CHECK_STR(s->failure.text,
              "The model did not answer within 1 second (asked 2 times). Check that its server is up and "
              "not overloaded; llm.first_byte_timeout allows more time");
    CHECK_INT(sc.requests, 2);
}

FIBER_TEST(a_provider_that_hangs_once_answers_after_all)
{
    static const step steps[] = {{-1, ""}, {503, ""}, {200, HELLO STOP DONE}};
    script sc = {steps, COUNT(steps)};
    llm_request rq = request(s, &sc);
    const char *text;

    rq.limits.first_byte = MILLISECONDS(800);
    CHECK(complete(s, &rq, &text) == OK, "%s", s->failure.text);
    CHECK_INT(sc.requests, 3);
}

FIBER_TEST(no_number_of_attempts_takes_longer_than_the_time_for_all)
{
    static const step hang[] = {{-1, ""}}, refuse[] = {{503, ""}};
    script hanging = {hang, 1}, busy = {refuse, 1};
    llm_request rq = request(s, &hanging);
    int64_t began = clock_mono();
    const char *text;

    rq.limits.answer = MILLISECONDS(1500);
    rq.limits.first_byte = MILLISECONDS(1400);
    CHECK_INT(complete(s, &rq, &text), ERR_UPSTREAM);
    CHECK_STR(s->failure.code, "llm.timeout");
    CHECK(clock_mono() - began < MILLISECONDS(2700), "the second attempt is cut");
    CHECK(strstr(s->failure.text, "llm.answer_timeout") != NULL, "%s", s->failure.text);
    rq = request(s, &busy);
    rq.limits.answer = MILLISECONDS(700);
    rq.retry_base = MILLISECONDS(400);
    began = clock_mono();
    CHECK_INT(complete(s, &rq, &text), ERR_UPSTREAM);
    CHECK_STR(s->failure.code, "llm.unavailable");
    CHECK(clock_mono() - began < SECONDS(2) && busy.requests < 4, "%d attempts", (int)busy.requests);
}

#define PINGS ": PROCESSING\n\n"

/* Says again and again that an answer will come. */
static bool put_off(fake_conn *c, const fake_request *rq, void *arg)
{
    (void)rq;
    (void)arg;
    fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    while (fake_printf(c, PINGS))
        fake_sleep_ms(20);
    return false;
}

FIBER_TEST(a_provider_that_puts_off_gets_the_time_for_all_attempts)
{
    script none = {.n = 1};
    llm_request rq = request(s, &none);
    int64_t began = clock_mono();
    const char *text;

    rq.at.base_url = arena_printf(s->arena, "http://127.0.0.1:%d", fake_server_start(put_off, NULL));
    rq.limits.first_byte = rq.limits.idle = MILLISECONDS(600);
    rq.limits.answer = MILLISECONDS(1800);
    CHECK_INT(complete(s, &rq, &text), ERR_UPSTREAM);
    CHECK_STR(s->failure.code, "llm.timeout");
    CHECK(clock_mono() - began >= MILLISECONDS(1600), "it was waited for");
}

/* The head of an answer, and nothing more. */
static bool begin_and_hang(fake_conn *c, const fake_request *rq, void *arg)
{
    (void)rq;
    atomic_fetch_add((atomic_int *)arg, 1);
    fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    return fake_wait_closed(c, 20000) && false;
}

FIBER_TEST(a_head_without_an_answer_is_no_answer)
{
    atomic_int requests = 0;
    script none = {.n = 1};
    llm_request rq = request(s, &none);
    const char *text;

    rq.at.base_url = arena_printf(s->arena, "http://127.0.0.1:%d", fake_server_start(begin_and_hang, &requests));
    rq.limits.idle = MILLISECONDS(200);
    CHECK_INT(complete(s, &rq, &text), ERR_UPSTREAM);
    CHECK_STR(s->failure.code, "llm.timeout");
    CHECK(strstr(s->failure.text, "(asked 2 times)") != NULL, "%s", s->failure.text);
    CHECK_INT(requests, 2);
}

/* A listener whose queue is full: connections to it are neither taken nor refused. */
static int full_listener(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 0) == 0, "listens");
    CHECK(getsockname(fd, (struct sockaddr *)&at, &len) == 0, "has a port");
    for (int i = 0; i < 4; i++) {
        int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

        CHECK(connect(client, (struct sockaddr *)&at, sizeof at) == 0 || errno == EINPROGRESS, "knocks");
    }
    return ntohs(at.sin_port);
}

FIBER_TEST(a_server_that_takes_no_connection_is_a_matter_of_the_network)
{
    script none = {.n = 1};
    llm_request rq = request(s, &none);
    const char *text;

    rq.at.base_url = arena_printf(s->arena, "http://127.0.0.1:%d", full_listener());
    rq.limits.connect = MILLISECONDS(200);
    rq.limits.max_attempts = 2;
    CHECK_INT(complete(s, &rq, &text), ERR_UPSTREAM);
    CHECK_STR(s->failure.code, "llm.connection");
}

FIBER_TEST(limits_that_a_request_leaves_open_are_those_configured)
{
    static const step steps[] = {{500, ""}};
    script sc = {steps, 1};
    llm_request rq = request(s, &sc);
    const char *text;

    llm_configure(&(llm_limits){.max_attempts = 3});
    CHECK_INT(complete(s, &rq, &text), ERR_UPSTREAM);
    CHECK_INT(sc.requests, 3);
    rq.limits.max_attempts = 2;
    CHECK_INT(complete(s, &rq, &text), ERR_UPSTREAM);
    CHECK_INT(sc.requests, 5);
}

static bool say_one_word_and_hang(fake_conn *c, const fake_request *rq, void *arg)
{
    (void)rq;
    (void)arg;
    fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n%s", HELLO);
    return fake_wait_closed(c, 20000) && false;
}

static llm_request hanging(scope *s)
{
    script none = {.n = 1};
    llm_request rq = request(s, &none);

    rq.at.base_url = arena_printf(s->arena, "http://127.0.0.1:%d", fake_server_start(say_one_word_and_hang, NULL));
    return rq;
}

FIBER_TEST(a_provider_that_stops_in_the_middle_runs_into_the_limit)
{
    llm_request rq = hanging(s);
    buf *text = buf_new(s->arena, 100);

    rq.limits.idle = MILLISECONDS(50);
    CHECK_INT(drain(s, &rq, text), ERR_UPSTREAM);
    CHECK_STR(buf_str(text), "Hello");
    CHECK_STR(s->failure.code, "llm.timeout");
    CHECK_STR(s->failure.text,
              "The model fell silent in the middle of its answer: nothing came for 1 second. Try again; "
              "llm.idle_timeout allows longer silences");
}

static bool stop_and_hang(fake_conn *c, const fake_request *rq, void *arg)
{
    (void)rq;
    (void)arg;
    fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n%s%s", HELLO, STOP);
    return fake_wait_closed(c, 60000) && false;
}

FIBER_TEST(an_answer_that_has_stopped_has_ended_soon_though_the_provider_does_not_say_so, .limit = 40)
{
    llm_request rq = hanging(s);
    buf *text = buf_new(s->arena, 100);
    int64_t began = clock_mono();

    rq.at.base_url = arena_printf(s->arena, "http://127.0.0.1:%d", fake_server_start(stop_and_hang, NULL));
    CHECK_INT(drain(s, &rq, text), ERR_CLOSED);
    CHECK_STR(buf_str(text), "Hello");
    CHECK(clock_mono() - began < SECONDS(20), "not the two minutes of a silence");
}

static err read_on(scope *s, void *arg)
{
    llm_stream *st = arg;
    llm_delta d;
    err e;

    while ((e = llm_next(s, st, &d)) == OK)
        ;
    return e;
}

FIBER_TEST(cancelling_the_reader_ends_the_call_at_the_provider_too)
{
    llm_request rq = hanging(s);
    scope *child = scope_child(s, NO_LIMIT);
    llm_stream *st;

    CHECK(llm_open(child, &rq, &st) == OK, "%s", child->failure.text);
    scope_spawn(child, read_on, st);
    CHECK(sleep_for(s, MILLISECONDS(30)) == OK, "slept");
    scope_cancel(child, "enough");
    CHECK_INT(scope_join(child), ERR_CANCELLED);
    scope_close(child);
    for (int tries = 0; fake_connections() > 0 && tries < 1000; tries++)
        CHECK(sleep_for(s, MILLISECONDS(10)) == OK, "slept");
    CHECK_INT(fake_connections(), 0);
}

FIBER_TEST(cancelling_ends_the_pause_between_attempts)
{
    static const step steps[] = {{500, ""}};
    script sc = {steps, 1};
    scope *child = scope_child(s, SECONDS(4));
    llm_request rq = request(s, &sc);
    const char *text;

    rq.retry_base = SECONDS(3);
    scope_set_timeout(child, SECONDS(3) + MILLISECONDS(100));
    CHECK(complete(child, &rq, &text) != OK, "it did not work");
    scope_close(child);
    child = scope_child(s, NO_LIMIT);
    scope_cancel(child, "over");
    CHECK_INT(complete(child, &rq, &text), ERR_CANCELLED);
    scope_close(child);
}

FIBER_TEST(the_model_and_the_driver_must_be_named)
{
    script sc = {.n = 1};
    llm_request rq = request(s, &sc);
    const char *text;

    rq.at.driver = "nonesuch";
    CHECK_INT(complete(s, &rq, &text), ERR_UNSUPPORTED);
    CHECK_STR(s->failure.code, "llm.no_driver");
    rq.at.driver = "openai";
    rq.at.base_url = "";
    CHECK_INT(complete(s, &rq, &text), ERR_INVALID);
    rq.at.base_url = "file:///etc/passwd";
    CHECK_INT(complete(s, &rq, &text), ERR_INVALID);
    CHECK_STR(s->failure.code, "llm.bad_request");
}

FIBER_TEST(a_provider_on_a_private_address_is_called_only_when_an_administrator_configured_it)
{
    static const step steps[] = {{200, HELLO STOP DONE}};
    script sc = {steps, 1};
    llm_request rq = request(s, &sc);
    const char *text;

    rq.at.private_ok = false;
    CHECK_INT(complete(s, &rq, &text), ERR_DENIED);
    CHECK_STR(s->failure.code, "llm.connection");
    CHECK_INT(sc.requests, 0);
}

TEST(drivers_are_found_by_name)
{
    size_t n;

    CHECK(llm_drivers(&n) != NULL && n == 3, "%zu", n);
    for (size_t i = 0; i < n; i++)
        CHECK(llm_driver_find(llm_driver_name(llm_drivers(&n)[i])) == llm_drivers(&n)[i], "driver %zu", i);
    CHECK(llm_driver_find("nonesuch") == NULL && llm_driver_find(NULL) == NULL, "unknown");
}
