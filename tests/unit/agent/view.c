/* SPDX-License-Identifier: MIT */
/* From ledger to request: what providers refuse must not come out, whatever went in. */
#include "agent/ledger.h"

#include <stdio.h>

#include "test.h"

static ledger *fresh(void)
{
    return ledger_new(arena_new(NULL));
}

static json_t *meta(ledger *l, const char *key, json_t *value)
{
    json_t *o = json_hold(l->a, json_object());

    json_set(o, key, value);
    return o;
}

static entry *say(ledger *l, llm_role role, const char *text)
{
    return ledger_add(l, (entry){.role = role, .text = text});
}

static entry *call(ledger *l, const char *name, const char *id, const char *arguments)
{
    llm_tool_call *c = arena_one(l->a, llm_tool_call);

    *c = (llm_tool_call){.id = id, .name = name, .arguments = arguments};
    return ledger_add(l, (entry){.role = ROLE_ASSISTANT, .calls = c, .n_calls = 1});
}

static entry *result(ledger *l, const char *id, const char *text)
{
    return ledger_add(l, (entry){.role = ROLE_TOOL, .tool_call_id = id, .text = text});
}

/* The view in short: "u:text a:text c:name t:text …". */
static const char *shape(ledger *l)
{
    static char text[4096];
    llm_message *m;
    size_t n = ledger_view(l, l->a, &m), len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%c:%s", i > 0 ? " " : "", "suat"[m[i].role],
                                m[i].text != NULL ? m[i].text : "");
        for (size_t c = 0; c < m[i].n_calls; c++)
            len += (size_t)snprintf(text + len, sizeof text - len, "+%s", m[i].calls[c].name);
    }
    return text;
}

TEST(messages_come_in_order_and_empty_ones_do_not)
{
    ledger *l = fresh();

    say(l, ROLE_USER, "hi");
    say(l, ROLE_ASSISTANT, " \n");
    ledger_add(l, (entry){.role = ROLE_ASSISTANT, .reasoning = "only thought"});
    say(l, ROLE_ASSISTANT, "hello");
    CHECK_STR(shape(l), "u:hi a:hello");
    arena_free(l->a);
}

TEST(results_are_moved_behind_their_calls)
{
    ledger *l = fresh();

    call(l, "grep", "c1", "{}");
    say(l, ROLE_USER, "injected");
    result(l, "c1", "found");
    CHECK_STR(shape(l), "a:+grep t:found u:injected");
    arena_free(l->a);
}

TEST(calls_and_results_without_each_other_are_left_out)
{
    ledger *l = fresh();

    result(l, "nobody", "orphan");
    call(l, "grep", "open", "{}");
    call(l, "grep", "broken", "{\"a\":");
    result(l, "broken", "rejected");
    call(l, "grep", "list", "[]");
    result(l, "list", "rejected");
    result(l, "late", "before its call");
    call(l, "grep", "late", "{}");
    say(l, ROLE_USER, "next");
    CHECK_STR(shape(l), "u:next");
    arena_free(l->a);
}

TEST(a_text_beside_a_call_that_is_left_out_stays)
{
    ledger *l = fresh();

    call(l, "grep", "open", "{}")->text = "let me look";
    CHECK_STR(shape(l), "a:let me look");
    arena_free(l->a);
}

TEST(rejected_calls_are_left_out)
{
    ledger *l = fresh();

    call(l, "unknown", "c1", "{}");
    result(l, "c1", "rejected")->metadata = meta(l, "streamed_tool_rejected", json_true());
    CHECK_STR(shape(l), "");
    arena_free(l->a);
}

TEST(results_say_whether_the_tool_failed)
{
    ledger *l = fresh();
    llm_message *m;

    call(l, "grep", "c1", "{}");
    result(l, "c1", "bad")->metadata = meta(l, "tool_execution_status", json_string("error"));
    call(l, "grep", "c2", "{}");
    result(l, "c2", "good")->metadata = meta(l, "tool_execution_status", json_string("success"));
    call(l, "grep", "c3", "{}");
    result(l, "c3", "somebody else's");
    CHECK_INT(ledger_view(l, l->a, &m), 6);
    CHECK(m[1].failed && !m[3].failed && !m[5].failed, "the first alone");
    arena_free(l->a);
}

TEST(old_calls_of_the_runtime_are_left_out)
{
    ledger *l = fresh();

    call(l, "search_memory", "m1", "{}");
    result(l, "m1", "old");
    say(l, ROLE_USER, "again");
    call(l, "search_memory", "m2", "{}");
    result(l, "m2", "new");
    call(l, "turn_status", "t1", "{}");
    result(l, "t1", "first");
    call(l, "turn_status", "t2", "{}");
    result(l, "t2", "last");
    CHECK_STR(shape(l), "u:again a:+search_memory t:new a:+turn_status t:last");
    arena_free(l->a);
}

TEST(a_status_that_was_rejected_or_coerced_stays)
{
    ledger *l = fresh();

    call(l, "turn_status", "t1", "{}");
    result(l, "t1", "rejected")->metadata = meta(l, "turn_status_rejected", json_true());
    call(l, "turn_status", "t2", "{}");
    result(l, "t2", "coerced")->metadata = meta(l, "coerced_from", json_string("grep"));
    call(l, "turn_status", "t3", "{}");
    result(l, "t3", "old");
    call(l, "turn_status", "t4", "{}");
    result(l, "t4", "last");
    CHECK_STR(shape(l), "a:+turn_status t:rejected a:+turn_status t:coerced a:+turn_status t:last");
    arena_free(l->a);
}

TEST(what_is_only_for_audit_or_was_for_one_request_is_left_out)
{
    ledger *l = fresh();
    json_t *used = meta(l, "llm_scope", json_string("next_request"));

    json_set_str(used, "llm_state", "consumed");
    say(l, ROLE_USER, "never")->metadata = meta(l, "llm_scope", json_string("never"));
    say(l, ROLE_USER, "consumed")->metadata = used;
    say(l, ROLE_USER, "durable")->metadata = meta(l, "llm_scope", json_string("durable"));
    CHECK_STR(shape(l), "u:durable");
    arena_free(l->a);
}

static entry *summary(ledger *l, const char *id, const char *covered, bool useless)
{
    json_t *m = json_hold(l->a, json_object());
    json_t *ids = json_array();

    json_array_append_new(ids, json_string(covered));
    json_set_bool(m, "compression_anchor", true);
    json_set(m, "source_message_ids", ids);
    if (useless)
        json_set_str(m, "llm_scope", "never");
    call(l, "compress", id, "{}")->metadata = m;
    result(l, id, "summary")->metadata = m;
    return l->items[l->n - 1];
}

TEST(a_summary_stands_for_what_it_covers_unless_it_was_useless)
{
    ledger *l = fresh();

    say(l, ROLE_USER, "one")->id = "one";
    say(l, ROLE_USER, "two")->id = "two";
    summary(l, "s1", "one", false);
    summary(l, "s2", "two", true);
    say(l, ROLE_USER, "three");
    CHECK_STR(shape(l), "u:two a:+compress t:summary u:three");
    arena_free(l->a);
}

TEST(a_client_cannot_pass_its_message_off_as_a_summary)
{
    ledger *l = fresh();
    json_t *m = meta(l, "compression_anchor", json_true());

    say(l, ROLE_USER, "one")->id = "one";
    json_set(m, "source_message_ids", json_pack("[s]", "one"));
    say(l, ROLE_USER, "two")->metadata = m;
    CHECK_STR(shape(l), "u:one u:two");
    arena_free(l->a);
}

TEST(errors_of_the_runtime_are_reports_and_not_the_models_words)
{
    ledger *l = fresh();

    say(l, ROLE_ASSISTANT, "it broke")->type = "agent_execution_error";
    CHECK_STR(shape(l), "a:<runtime_diagnostic source=\"sage_runtime\">\nit broke\n</runtime_diagnostic>");
    arena_free(l->a);
}

/* Any ledger at all, from a seed. */
static unsigned seed;

static unsigned pick(unsigned n)
{
    seed = seed * 1103515245 + 12345;
    return seed / 65536 % n;
}

static void add_random(ledger *l)
{
    static const char *const texts[] = {NULL, "", " ", "text"};
    static const char *const arguments[] = {"{}", "", "{", "[1]", "{\"a\":{\"b\":1}}"};
    static const char *const names[] = {"grep", "turn_status", "search_memory", ""};
    static const llm_role roles[] = {ROLE_USER, ROLE_ASSISTANT, ROLE_TOOL};
    entry e = {.role = roles[pick(3)], .text = texts[pick(4)]};

    if (e.role == ROLE_TOOL)
        e.tool_call_id = arena_printf(l->a, "c%u", pick(12));
    if (e.role == ROLE_ASSISTANT && pick(2) == 0) {
        llm_tool_call *calls = arena_array(l->a, llm_tool_call, 4);

        e.n_calls = 1 + pick(4);
        for (size_t i = 0; i < e.n_calls; i++)
            calls[i] = (llm_tool_call){arena_printf(l->a, "c%u", pick(12)), names[pick(4)], arguments[pick(5)]};
        e.calls = calls;
    }
    if (pick(8) == 0)
        e.metadata = meta(l, "streamed_tool_rejected", json_true());
    if (pick(8) == 0)
        e.metadata = meta(l, "llm_scope", json_string(pick(2) == 0 ? "never" : "durable"));
    if (pick(8) == 0 && l->n > 0) {
        e.metadata = meta(l, "compression_anchor", json_true());
        json_set(e.metadata, "source_message_ids", json_pack("[s]", l->items[pick((unsigned)l->n)]->id));
    }
    ledger_add(l, e);
}

/* What providers accept: each call has its result in the group right behind it, in order, and nothing is empty. */
static void check_accepted(const llm_message *m, size_t n, unsigned from)
{
    for (size_t i = 0; i < n; i++) {
        CHECK(m[i].role != ROLE_TOOL, "seed %u: message %zu is an orphan result", from, i);
        CHECK(m[i].n_calls > 0 || m[i].parts != NULL || !cstr_blank(m[i].text), "seed %u: message %zu is empty", from,
              i);
        for (size_t c = 0; c < m[i].n_calls; c++) {
            const llm_message *r = &m[i + 1 + c];
            json_t *v = json_loads(m[i].calls[c].arguments, 0, NULL);

            CHECK(i + 1 + c < n && r->role == ROLE_TOOL, "seed %u: call %zu of %zu has no result", from, c, i);
            CHECK_STR(r->tool_call_id, m[i].calls[c].id);
            CHECK(r->text != NULL, "seed %u: a result without text", from);
            CHECK(json_is_object(v), "seed %u: arguments %s", from, m[i].calls[c].arguments);
            json_decref(v);
        }
        i += m[i].n_calls;
    }
}

TEST(no_ledger_makes_a_request_that_providers_refuse, .limit = 60)
{
    for (unsigned from = 1; from <= 3000; from++) {
        ledger *l = fresh();
        llm_message *m;
        size_t n;

        seed = from;
        for (unsigned i = pick(40); i > 0; i--)
            add_random(l);
        n = ledger_view(l, l->a, &m);
        check_accepted(m, n, from);
        ledger_settle(l);
        say(l, ROLE_USER, "next");
        n = ledger_view(l, l->a, &m);
        check_accepted(m, n, from);
        CHECK(n > 0 && m[n - 1].role == ROLE_USER, "seed %u: the newest message is there", from);
        arena_free(l->a);
    }
}

TEST(tokens_are_estimated_by_character_classes)
{
    static const struct {
        const char *text;
        int64_t tokens;
    } cases[] = {
        {"", 0},           {"abcd", 1},         {"abcdefghijklmnopqrst", 5},
        {"0123456789", 2}, {"你好世界你好", 3}, {"ありがとう", 3},
        {"          ", 4}, {"éééé", 1},         {"😀😀😀😀😀", 2},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(tokens_of_text(str_of(cases[i].text)) == cases[i].tokens, "%s: %lld", cases[i].text,
              (long long)tokens_of_text(str_of(cases[i].text)));
    CHECK_INT(tokens_of_text((str){"\xe4\xbd", 2}), 0); /* cut in a character */
}

TEST(tokens_of_messages_count_calls_reasoning_and_images)
{
    llm_tool_call c = {"id", "abcd", "abcdefgh"};
    json_t *parts = json_pack("[{s:s,s:s},{s:s}]", "type", "text", "text", "abcd", "type", "image_url");
    llm_message m[] = {
        {.role = ROLE_USER, .text = "abcd"},
        {.role = ROLE_ASSISTANT, .reasoning = "abcdefgh", .calls = &c, .n_calls = 1},
        {.role = ROLE_USER, .parts = parts},
    };

    CHECK_INT(tokens_of_messages(m, 1), 5);
    CHECK_INT(tokens_of_messages(m, 2), 5 + 4 + 2 + 8 + 1 + 2);
    CHECK(tokens_of_messages(m + 2, 1) >= 500, "an image is not free");
    json_decref(parts);
}
