/* SPDX-License-Identifier: MIT */
/* Flows from request to result, on both engines. */
#include "flow/flow.h"

#include <stdio.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "engine.h"
#include "fake_server.h"
#include "model/conversation.h"
#include "model/provider.h"
#include "model/run_log.h"
#include "rt/sleep.h"

static char asked[8192]; /* the body of the last request to the model */

#define CHUNK(text) "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define STOP "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"

/* Answers "Hello!" in two pieces, refuses what says "refuse" (or, after a while, "refuse late"), and hangs at what says
 * "hang". */
static bool answer(fake_conn *c, const fake_request *rq, void *arg)
{
    (void)arg;
    snprintf(asked, sizeof asked, "%s", rq->body);
    if (strstr(rq->body, "refuse late") != NULL)
        fake_wait_closed(c, 200);
    if (strstr(rq->body, "refuse") != NULL)
        return fake_reply(c, 401, "application/json", "{}");
    fake_printf(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n%s", CHUNK("Hel"));
    if (strstr(rq->body, "hang") != NULL)
        fake_wait_closed(c, 20000);
    fake_printf(c, "%s%s", CHUNK("lo!"), STOP);
    return false;
}

/* Chat Input → Prompt → Language Model → Chat Output, and a Text Input beside them. */
static const char document[] =
    "{\"nodes\":["
    "{\"id\":\"ChatInput-1\",\"data\":{\"type\":\"ChatInput\",\"node\":{\"template\":{\"input_value\":{\"type\":"
    "\"str\","
    "\"value\":\"default\"},\"should_store_message\":{\"value\":true},\"session_id\":{\"value\":\"of-the-document\"},"
    "\"sender\":{\"value\":\"User\"},\"sender_name\":{\"value\":\"User\"}}}}},"
    "{\"id\":\"Prompt-2\",\"data\":{\"type\":\"Prompt\",\"node\":{\"template\":{\"template\":{\"type\":\"prompt\","
    "\"value\":\"Q: {question}\"},\"question\":{\"value\":\"\"}}}}},"
    "{\"id\":\"LanguageModelComponent-3\",\"data\":{\"type\":\"LanguageModelComponent\",\"node\":{\"template\":{"
    "\"model\":{\"value\":[{\"name\":\"m-1\",\"provider\":\"OpenAI\"}]},\"input_value\":{\"value\":\"\"},"
    "\"system_message\":{\"value\":\"Be brief\"},\"stream\":{\"type\":\"bool\",\"value\":false},"
    "\"temperature\":{\"value\":0.5}}}}},"
    "{\"id\":\"ChatOutput-4\",\"data\":{\"type\":\"ChatOutput\",\"node\":{\"template\":{\"input_value\":{\"value\":"
    "\"\"},"
    "\"should_store_message\":{\"value\":true},\"sender\":{\"value\":\"Machine\"},\"sender_name\":{\"value\":\"AI\"}}}}"
    "},"
    "{\"id\":\"TextInput-5\",\"data\":{\"type\":\"TextInput\",\"node\":{\"template\":{\"input_value\":{\"value\":\"\"}}"
    "}}}"
    "],\"edges\":["
    "{\"source\":\"ChatInput-1\",\"target\":\"Prompt-2\",\"data\":{\"sourceHandle\":{\"name\":\"message\"},"
    "\"targetHandle\":{\"fieldName\":\"question\"}}},"
    "{\"source\":\"Prompt-2\",\"target\":\"LanguageModelComponent-3\",\"data\":{\"sourceHandle\":{\"name\":\"prompt\"},"
    "\"targetHandle\":{\"fieldName\":\"input_value\"}}},"
    "{\"source\":\"LanguageModelComponent-3\",\"target\":\"ChatOutput-4\",\"data\":{\"sourceHandle\":{\"name\":"
    "\"text_output\"},\"targetHandle\":{\"fieldName\":\"input_value\"}}}]}";

static flow_row *world(scope *s, const char *data)
{
    served_model sm = {
        .provider = {.name = "OpenAI",
                     .requester = "openai",
                     .base_url = arena_printf(s->arena, "http://127.0.0.1:%d/v1", fake_server_start(answer, NULL))},
        .model = {.name = "m-1", .kind = MODEL_LLM},
    };
    flow_row *row = arena_one(s->arena, flow_row);

    CHECK(served_set_system_default(s, &sm) == OK, "%s", s->failure.text);
    *row = (flow_row){.id = "0b6f5d1e-6f1c-4c59-9a52-0d3c1f0a9b11", .name = "Chat", .data = data};
    return row;
}

static flow_request request(const flow_row *row, const char *input)
{
    return (flow_request){.user_id = "u-1",
                          .flow = row,
                          .input_value = input,
                          .input_type = "chat",
                          .output_type = "chat",
                          .session_id = "s-1"};
}

/* The flow's events, parsed, and its end. */
static json_t *events_of(scope *s, const flow_request *rq, run_status *status)
{
    json_t *list = json_hold(s->arena, json_array()), *v;
    run_reader *rd;
    event ev;
    run *r = NULL;

    CHECK(flow_start(s, rq, &r) == OK, "starts: %s", s->failure.text);
    rd = run_reader_open(r, NULL, NULL);
    while (run_next(s, rd, &ev) == OK)
        if (ev.kind == EV_OUTPUT) {
            CHECK(json_parse(s->arena, ev.bytes, ev.len, NULL, &v) == OK, "%.*s", (int)ev.len, ev.bytes);
            json_array_append(list, v);
        }
    *status = run_state(r);
    run_reader_close(rd);
    run_unref(r);
    return list;
}

static const char *names_of(scope *s, const json_t *events)
{
    const char *all = "";

    for (size_t i = 0; i < json_array_size(events); i++)
        all = arena_printf(s->arena, "%s%s%s", all, i > 0 ? " " : "",
                           json_get_str(json_array_get(events, i), "event", ""));
    return all;
}

static json_t *data_of(const json_t *events, size_t at)
{
    return json_get_obj(json_array_get(events, at), "data");
}

static json_t *last_data(const json_t *events)
{
    return data_of(events, json_array_size(events) - 1);
}

static const char *stored(scope *s, const char *session)
{
    message_row *rows;
    const char *all = "";
    size_t n;

    CHECK(message_list(s, session, 0, 0, &rows, &n) == OK, "messages");
    for (size_t i = 0; i < n; i++) {
        json_t *v;

        CHECK(json_parse(s->arena, rows[i].body, strlen(rows[i].body), NULL, &v) == OK, "%s", rows[i].body);
        all = arena_printf(s->arena, "%s%s:%s ", all, rows[i].role, json_get_str(v, "content", "-"));
    }
    return all;
}

ENGINE_TEST(a_flow_answers_and_stores_the_conversation)
{
    flow_row *row = world(s, document);
    flow_request rq = request(row, "Hi");
    run_status status;
    json_t *events = events_of(s, &rq, &status), *result, *outputs, *one, *message;

    CHECK_INT(status, RUN_COMPLETED);
    CHECK_STR(names_of(s, events), "add_message add_message end");
    CHECK(strstr(asked, "Q: Hi") != NULL && strstr(asked, "Be brief") != NULL, "%s", asked);
    CHECK(strstr(asked, "\"temperature\":0.5") != NULL, "%s", asked);
    result = json_get_obj(last_data(events), "result");
    CHECK_STR(json_get_str(result, "session_id", ""), "s-1");
    outputs = json_get_arr(json_array_get(json_get_arr(result, "outputs"), 0), "outputs");
    CHECK_INT(json_array_size(outputs), 1);
    one = json_array_get(outputs, 0);
    CHECK_STR(json_get_str(one, "component_id", ""), "ChatOutput-4");
    message = json_get_obj(json_get_obj(one, "results"), "message");
    CHECK_STR(json_get_str(message, "text", ""), "Hello!");
    CHECK_STR(json_get_str(json_get_obj(message, "data"), "text", ""), "Hello!");
    CHECK_STR(json_get_str(json_get_obj(one, "artifacts"), "message", ""), "Hello!");
    CHECK_STR(json_get_str(json_array_get(json_get_arr(one, "messages"), 0), "message", ""), "Hello!");
    CHECK_STR(stored(s, "s-1"), "user:Hi assistant:Hello! "); /* in the run's session, whatever the document says */
    CHECK_STR(stored(s, "of-the-document"), "");
    CHECK_STR(engine_text(s, "SELECT status FROM run"), "completed");
    hub_close();
}

ENGINE_TEST(a_streamed_answer_comes_in_pieces)
{
    flow_row *row = world(s, document);
    flow_request rq = request(row, "Hi");
    run_status status;
    json_t *events, *token;

    rq.stream = true;
    events = events_of(s, &rq, &status);
    CHECK_INT(status, RUN_COMPLETED);
    CHECK_STR(names_of(s, events), "add_message add_message token token add_message add_message end");
    CHECK_STR(json_get_str(json_get_obj(data_of(events, 1), "properties"), "state", ""), "partial");
    CHECK_STR(json_get_str(json_get_obj(data_of(events, 4), "properties"), "state", ""), "complete");
    token = json_get_obj(json_array_get(events, 2), "data");
    CHECK_STR(json_get_str(token, "chunk", ""), "Hel");
    CHECK_STR(json_get_str(token, "id", "1"),
              json_get_str(json_get_obj(json_array_get(events, 4), "data"), "id", "2")); /* one message */
    CHECK_STR(stored(s, "s-1"), "user:Hi assistant:Hello! ");
    hub_close();
}

ENGINE_TEST(tweaks_and_kinds_of_input_and_output)
{
    flow_row *row = world(s, document);
    flow_request rq = request(row, NULL);
    run_status status;
    json_t *events;

    events = events_of(s, &rq, &status);
    CHECK(strstr(asked, "Q: default") != NULL, "without input the literal counts: %s", asked);
    rq.tweaks = json_hold(s->arena, json_pack("{s:{s:s}}", "Prompt-2", "template", "T: {question}"));
    rq.input_value = "x";
    rq.input_type = "any";
    rq.output_type = "debug";
    events = events_of(s, &rq, &status);
    CHECK(strstr(asked, "T: x") != NULL, "%s", asked);
    CHECK_INT(json_array_size(json_get_arr(
                  json_array_get(json_get_arr(json_get_obj(last_data(events), "result"), "outputs"), 0), "outputs")),
              4); /* not the node that does not belong to the chat */
    rq.output_component = "Language Model";
    events = events_of(s, &rq, &status);
    CHECK_INT(json_array_size(json_get_arr(
                  json_array_get(json_get_arr(json_get_obj(last_data(events), "result"), "outputs"), 0), "outputs")),
              1);
    hub_close();
}

ENGINE_TEST(what_cannot_begin_is_refused_with_its_code)
{
    flow_row *row = world(s, document);
    json_t *many = json_hold(s->arena, json_object());
    struct {
        const char *data;
        json_t *tweaks;
        err e;
        const char *code;
    } cases[] = {
        {NULL, NULL, ERR_INVALID, "flow.invalid"},
        {"{\"nodes\":", NULL, ERR_INVALID, "flow.invalid"},
        {"{\"nodes\":[]}", NULL, ERR_INVALID, "flow.invalid"},
        {document, json_pack("{s:{s:s}}", "ChatInput-1", "input_value", "x"), ERR_INVALID, "flow.tweak_conflict"},
        {document, json_incref(many), ERR_TOO_LARGE, "flow.invalid"},
    };

    for (int i = 0; i < 2001; i++)
        json_set_int(many, arena_printf(s->arena, "k%d", i), i);
    for (size_t i = 0; i < COUNT(cases); i++) {
        scope *own = scope_child(s, NO_LIMIT);
        flow_request rq = request(row, "Hi");
        run *r = NULL;

        row->data = cases[i].data;
        rq.tweaks = cases[i].tweaks != NULL ? json_hold(own->arena, cases[i].tweaks) : NULL;
        CHECK(flow_start(own, &rq, &r) == cases[i].e && r == NULL, "case %zu", i);
        CHECK_STR(own->failure.code, cases[i].code);
        scope_close(own);
    }
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM run"), 0);
    hub_close();
}

ENGINE_TEST(a_failing_component_names_itself)
{
    flow_row *row = world(s, document);
    flow_request rq = request(row, "refuse this");
    run_status status;
    json_t *events = events_of(s, &rq, &status);

    CHECK_INT(status, RUN_FAILED);
    CHECK_STR(names_of(s, events), "add_message error");
    CHECK(cstr_starts(json_get_str(last_data(events), "error", ""),
                      "Error running graph: Error building Component Language Model: \n\nAPI authentication failed"),
          "%s", json_get_str(last_data(events), "error", ""));
    CHECK_STR(stored(s, "s-1"), "user:refuse this ");
    CHECK_STR(engine_text(s, "SELECT status FROM run"), "failed");
    hub_close();
}

ENGINE_TEST(a_result_without_room_is_a_failure_that_is_told)
{
    flow_row *row = world(s, document);
    char *text = arena_zalloc(s->arena, 1501, 1);
    flow_request rq = request(row, memset(text, 'x', 1500));
    run_status status;
    json_t *events;

    hub_set_limits(5000, MINUTES(1), MIB(1)); /* enough for the messages */
    events = events_of(s, &rq, &status);
    CHECK_INT(status, RUN_FAILED);
    CHECK_STR(names_of(s, events), "add_message add_message error");
    CHECK(cstr_starts(json_get_str(last_data(events), "error", ""), "Error running graph: the run produced more than"),
          "%s", json_get_str(last_data(events), "error", ""));
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM message"), 2);
    hub_close();
}

enum { STAR = 300 };

static void put_star_node(buf *b, const char *kind, int at)
{
    buf_printf(b,
               "%s{\"id\":\"%s-%d\",\"data\":{\"type\":\"%s\",\"node\":{\"template\":{\"input_value\":{\"value\":\"\"},"
               "\"should_store_message\":{\"value\":false}}}}}",
               b->data[b->len - 1] == '[' ? "" : ",", kind, at, kind);
}

static void put_star_edge(buf *b, int from, int to, const char *field)
{
    buf_printf(b,
               "%s{\"source\":\"ChatInput-%d\",\"target\":\"ChatOutput-%d\",\"data\":{\"sourceHandle\":{\"name\":"
               "\"message\"},\"targetHandle\":{\"fieldName\":\"%s\"}}}",
               b->data[b->len - 1] == '[' ? "" : ",", from, to, field);
}

/* Inputs and outputs, all connected, that store nothing. */
static const char *star(arena *a)
{
    buf *b = buf_new(a, MIB(1));

    buf_puts(b, "{\"nodes\":[");
    for (int i = 0; i < STAR; i++) {
        put_star_node(b, "ChatInput", i);
        put_star_node(b, "ChatOutput", i);
    }
    buf_puts(b, "],\"edges\":[");
    for (int i = 0; i < STAR; i++) {
        put_star_edge(b, 0, i, "input_value");
        put_star_edge(b, i, 0, "data_template");
    }
    buf_puts(b, "]}");
    return buf_str(b);
}

static int64_t largest_memory(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (int64_t)u.ru_maxrss << 10;
}

ENGINE_TEST(one_large_text_in_many_nodes_is_not_many_large_texts)
{
    enum { TEXT = 512 << 10 };
    flow_row *row = world(s, star(s->arena));
    char *text = arena_zalloc(s->arena, TEXT + 1, 1);
    flow_request rq = request(row, memset(text, 'x', TEXT));
    int64_t before = largest_memory();
    run_status status;
    json_t *events;

    events = events_of(s, &rq, &status);
    CHECK_INT(status, RUN_FAILED);
    CHECK_STR(names_of(s, events), "error");
    CHECK(strstr(json_get_str(last_data(events), "error", ""), "the run produced more than 64 MiB") != NULL, "%s",
          json_get_str(last_data(events), "error", ""));
    CHECK(largest_memory() - before < (int64_t)MIB(600), "took %lld MiB",
          (long long)(largest_memory() - before) >>
              20); /* and not one for each node, of which AddressSanitizer keeps some */
    rq.input_value = "small";
    events = events_of(s, &rq, &status);
    CHECK_INT(status, RUN_COMPLETED);
    hub_close();
}

/* Two models side by side, each with a question of its own. */
#define SIDE(n, question, kind)                                                                                        \
    "{\"id\":\"TextInput-" n "\",\"data\":{\"type\":\"TextInput\",\"node\":{\"template\":{\"input_value\":{\"value\":" \
    "\"" question "\"}}}}},{\"id\":\"Model-" n "\",\"data\":{\"type\":\"" kind                                         \
    "\",\"node\":{\"display_name\":\"Model " n                                                                         \
    "\",\"template\":{\"model\":{\"value\":[{\"name\":\"m-1\",\"provider\":"                                           \
    "\"OpenAI\"}]},\"input_value\":{\"value\":\"\"}}}}},{\"id\":\"ChatOutput-" n                                       \
    "\",\"data\":{\"type\":\"ChatOutput\",\"node\":{\"template\":{\"input_value\":{\"value\":\"\"}}}}}"
#define WIRES(n)                                                                                                       \
    "{\"source\":\"TextInput-" n "\",\"target\":\"Model-" n "\",\"data\":{\"sourceHandle\":{\"name\":\"text\"},"       \
    "\"targetHandle\":{\"fieldName\":\"input_value\"}}},{\"source\":\"Model-" n "\",\"target\":\"ChatOutput-" n        \
    "\",\"data\":{\"sourceHandle\":{\"name\":\"text_output\"},\"targetHandle\":{\"fieldName\":\"input_value\"}}}"
#define TWO_SIDES(a, b, kind)                                                                                          \
    "{\"nodes\":[" SIDE("1", a, "LanguageModelComponent") "," SIDE("2", b, kind) "],\"edges\":[" WIRES("1") "," WIRES( \
        "2") "]}"

ENGINE_TEST(a_component_that_fails_ends_those_beside_it_at_once)
{
    static const struct {
        const char *data, *why;
    } cases[] = {
        {TWO_SIDES("hang", "refuse late", "LanguageModelComponent"),
         "Error running graph: Error building Component Model 2: \n\nAPI authentication failed"},
        {TWO_SIDES("hang", "x", "Magic"),
         "Error running graph: Error building Component Model 2: \n\nThis server has no"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        flow_row *row = world(s, cases[i].data);
        flow_request rq = request(row, NULL);
        int64_t began = clock_mono();
        run_status status;
        json_t *events = events_of(s, &rq, &status);

        CHECK_INT(status, RUN_FAILED);
        CHECK(clock_mono() - began < SECONDS(10), "the one that hangs was not waited for");
        CHECK(cstr_starts(json_get_str(last_data(events), "error", ""), cases[i].why), "%s",
              json_get_str(last_data(events), "error", ""));
        CHECK_STR(engine_text(s, "SELECT status FROM run WHERE finished_at = (SELECT MAX(finished_at) FROM run)"),
                  "failed");
        hub_close();
    }
}

ENGINE_TEST(an_unknown_component_is_named)
{
    flow_row *row = world(s, "{\"nodes\":[{\"id\":\"Magic-1\",\"data\":{\"type\":\"Magic\",\"node\":{\"display_name\":"
                             "\"My Magic\",\"template\":{}}}}],\"edges\":[]}");
    flow_request rq = request(row, NULL);
    run_status status;
    json_t *events = events_of(s, &rq, &status);

    CHECK_INT(status, RUN_FAILED);
    CHECK(strstr(json_get_str(last_data(events), "error", ""), "My Magic") != NULL &&
              strstr(json_get_str(last_data(events), "error", ""), "type Magic") != NULL,
          "%s", json_get_str(last_data(events), "error", ""));
    hub_close();
}

ENGINE_TEST(an_interrupted_flow_ends_and_is_marked)
{
    flow_row *row = world(s, document);
    flow_request rq = request(row, "hang");
    run *r = NULL;

    CHECK(flow_start(s, &rq, &r) == OK, "starts");
    while (run_bytes(r) == 0)
        CHECK(sleep_for(s, MILLISECONDS(2)) == OK, "waits");
    run_interrupt(r, "enough");
    CHECK(run_wait(s, r) == OK, "ends");
    CHECK_INT(run_state(r), RUN_INTERRUPTED);
    run_unref(r);
    CHECK_STR(engine_text(s, "SELECT status FROM run"), "interrupted");
    CHECK_STR(stored(s, "s-1"), "user:hang ");
    hub_close();
}

ENGINE_TEST(runs_of_one_session_go_on_beside_each_other)
{
    enum { RUNS = 8 };
    flow_row *row = world(s, document);
    flow_request rq = request(row, "Hi");
    run *runs[RUNS] = {0};

    for (size_t i = 0; i < RUNS; i++)
        CHECK(flow_start(s, &rq, &runs[i]) == OK, "%s", s->failure.text);
    for (size_t i = 0; i < RUNS; i++) {
        CHECK(run_wait(s, runs[i]) == OK, "ends");
        CHECK_INT(run_state(runs[i]), RUN_COMPLETED);
        run_unref(runs[i]);
    }
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM message"), 2 * RUNS);
    CHECK_INT(engine_int(s, "SELECT COUNT(DISTINCT seq) FROM message"), 2 * RUNS);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM run WHERE status = 'completed'"), RUNS);
    hub_close();
}

ENGINE_TEST(an_agent_that_answers_in_the_session_is_in_the_way)
{
    flow_row *row = world(s, document);
    flow_request rq = request(row, "Hi");
    scope *agents = scope_child(s, NO_LIMIT);
    run *r = NULL, *agent = NULL;

    CHECK(run_begin(agents, &(run_info){.session_id = "s-1"}, &agent) == OK, "begins");
    CHECK(flow_start(s, &rq, &r) == ERR_BUSY && r == NULL, "refused");
    CHECK_STR(s->failure.code, "run.busy");
    run_finish(agent, RUN_COMPLETED, NULL);
    run_unref(agent);
    scope_close(agents);
    hub_close();
}

ENGINE_TEST(names_of_sessions_are_each_users_own)
{
    flow_row *row = world(s, document);
    flow_request rq = request(row, "Hi");
    const char *theirs;
    run_status status;

    events_of(s, &rq, &status);
    rq.user_id = "u-2";
    for (int i = 0; i < 2; i++) {
        rq.admin = i == 1; /* who may see the other conversation, but did not ask for it */
        CHECK(strstr(json_text(s->arena, events_of(s, &rq, &status)), "\"session_id\":\"s-1\"") != NULL, "by its name");
        CHECK_INT(status, RUN_COMPLETED);
    }
    CHECK_STR(stored(s, "s-1"), "user:Hi assistant:Hello! ");
    theirs = engine_text(s, "SELECT session_id FROM conversation WHERE user_id = 'u-2'");
    CHECK(cstr_starts(theirs, "s-1~") && strlen(theirs) == 4 + 32, "%s", theirs);
    CHECK_STR(stored(s, theirs), "user:Hi assistant:Hello! user:Hi assistant:Hello! ");
    rq.session_id = arena_printf(s->arena, "%0250d", 7);
    rq.user_id = "u-1";
    events_of(s, &rq, &status);
    rq.user_id = "u-2";
    events_of(s, &rq, &status);
    CHECK_INT(status, RUN_COMPLETED);
    hub_close();
}
