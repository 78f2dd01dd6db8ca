/* SPDX-License-Identifier: MIT */
/* Event streams, fed in every way that a network can cut them. */
#include "net/sse.h"

#include <stdio.h>

#include "test.h"

/* Writes the events as "event|id|data;" in one line, so that cases can be compared. */
static void drain_sse(sse_reader *r, buf *out)
{
    sse_event e;

    while (sse_next(r, &e)) {
        CHECK(e.data.p[e.data.len] == '\0', "data ends with NUL");
        buf_printf(out, "%s|%s|", e.event, e.id != NULL ? e.id : "-");
        buf_add(out, e.data.p, e.data.len);
        buf_putc(out, ';');
    }
}

static void check_sse(const char *text, size_t len, const char *want, bool pending)
{
    arena *a = arena_new(NULL);

    for (size_t cut = 0; cut <= len; cut++) { /* every split in two */
        sse_reader *r = sse_new(a, 1024);
        buf *out = buf_new(a, 4096);

        CHECK(sse_feed(r, text, cut) == OK, "first part");
        drain_sse(r, out);
        CHECK(sse_feed(r, text + cut, len - cut) == OK, "second part");
        drain_sse(r, out);
        CHECK(strcmp(buf_str(out), want) == 0, "cut at %zu: \"%s\", not \"%s\"", cut, buf_str(out), want);
        CHECK(sse_pending(r) == pending, "pending, cut at %zu", cut);
    }
    for (size_t step = 1; step <= 3; step++) { /* and in small pieces */
        sse_reader *r = sse_new(a, 1024);
        buf *out = buf_new(a, 4096);

        for (size_t at = 0; at < len; at += step) {
            CHECK(sse_feed(r, text + at, MIN_OF(step, len - at)) == OK, "piece at %zu", at);
            drain_sse(r, out);
        }
        CHECK(strcmp(buf_str(out), want) == 0, "pieces of %zu: \"%s\"", step, buf_str(out));
    }
    arena_free(a);
}

TEST(events_are_read_as_the_standard_says_wherever_the_bytes_are_cut)
{
    static const struct {
        const char *text, *want;
        bool pending;
    } cases[] = {
        {"data: a\n\n", "message|-|a;", false},
        {"data:a\n\n", "message|-|a;", false},
        {"data:  a\n\n", "message|-| a;", false},
        {"data: a\r\n\r\n", "message|-|a;", false},
        {"data: a\r\r", "message|-|a;", false},
        {"data: a\r\n\n", "message|-|a;", false},
        {"data: a\n\r\n", "message|-|a;", false},
        {"data: a\ndata: b\n\n", "message|-|a\nb;", false},
        {"data\n\n", "message|-|;", false},
        {"data\ndata\n\n", "message|-|\n;", false},
        {"data:\n\n", "message|-|;", false},
        {"data: 1\n\ndata: 2\n\ndata: 3\n\n", "message|-|1;message|-|2;message|-|3;", false},
        {"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n", "add|-|73857293;remove|-|2153;", false},
        {": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
         "message|1|first event;message||second event;", true},
        {"event: x\n\ndata: a\n\n", "message|-|a;", false}, /* an event without data is dropped, its type too */
        {"id: 7\n\ndata: a\n\ndata: b\n\n", "message|7|a;message|7|b;", false},
        {"id: 1\ndata: a\n\nid: 2\ndata: b\n\n", "message|1|a;message|2|b;", false},
        {": comment\n:\n:: :\ndata: a\n\n", "message|-|a;", false},
        {"retry: 10\nunknown: x\nnocolon\n Data: y\ndata: a\n\n", "message|-|a;", false},
        {"\xef\xbb\xbf"
         "data: a\n\n",
         "message|-|a;", false},
        {"\xef\xbb\xbf\xef\xbb\xbf"
         "data: a\n\n",
         "", false}, /* one mark is taken off, the next makes the field's name an unknown one */
        {"\n\xef\xbb\xbf"
         "data: a\n\n",
         "", false},
        {"\n\n\n", "", false},
        {"\r\r\n\n\r", "", false},
        {"data: a", "", true},
        {"data: a\n", "", true},
        {"event: a\n", "", true},
        {": a comm", "", false},
        {"data: a\n\n: ping\n\n", "message|-|a;", false},
        {"data: {\"a\":1}\n\ndata: [DONE]\n\n", "message|-|{\"a\":1};message|-|[DONE];", false},
        {"", "", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        check_sse(cases[i].text, strlen(cases[i].text), cases[i].want, cases[i].pending);
}

TEST(an_id_with_a_nul_is_ignored)
{
    static const char text[] = "id: 1\ndata: a\n\nid: 2\0003\ndata: b\n\n";

    check_sse(text, sizeof text - 1, "message|1|a;message|1|b;", false);
}

TEST(data_may_hold_a_nul)
{
    static const char text[] = "data: a\0b\n\n";
    arena *a = arena_new(NULL);
    sse_reader *r = sse_new(a, 100);
    sse_event e;

    CHECK(sse_feed(r, text, sizeof text - 1) == OK, "fed");
    CHECK(sse_next(r, &e) && e.data.len == 3 && memcmp(e.data.p, "a\0b", 3) == 0, "three bytes");
    arena_free(a);
}

TEST(an_event_longer_than_the_maximum_is_an_error_from_then_on)
{
    static const char *const cases[] = {
        "data: 0123456789abcdef\n\n",              /* one line */
        "data: 0123456789abcdef",                  /* whose end has not come */
        "data: 01234\ndata: 56789\ndata: abcde\n", /* several lines */
        ": 0123456789abcdef0123456789abcdef",      /* a comment */
    };
    arena *a = arena_new(NULL);
    sse_event e;

    for (size_t i = 0; i < COUNT(cases); i++) {
        sse_reader *r = sse_new(a, 16), *slow = sse_new(a, 16);
        err last = OK;

        CHECK(sse_feed(r, cases[i], strlen(cases[i])) == ERR_TOO_LARGE, "case %zu", i);
        CHECK(!sse_next(r, &e), "nothing comes of it");
        CHECK(sse_feed(r, "data: a\n\n", 9) == ERR_TOO_LARGE, "it stays broken");
        for (const char *p = cases[i]; *p != '\0' && last == OK; p++)
            last = sse_feed(slow, p, 1);
        CHECK(last == ERR_TOO_LARGE, "case %zu in single bytes", i);
    }
    arena_free(a);
}

TEST(many_events_within_the_maximum_pass)
{
    arena *a = arena_new(NULL);
    sse_reader *r = sse_new(a, 16);
    buf *text = buf_new(a, MIB(1));
    sse_event e;
    int n = 0;

    for (int i = 0; i < 1000; i++)
        buf_printf(text, "event: e\nid: %d\ndata: %d\n\n", i, i);
    for (int round = 0; round < 3; round++) {
        CHECK(sse_feed(r, text->data, text->len) == OK, "fed");
        for (n = 0; sse_next(r, &e); n++) {
            char want[16];

            snprintf(want, sizeof want, "%d", n);
            CHECK(strcmp(e.data.p, want) == 0 && strcmp(e.id, want) == 0, "event %d", n);
        }
        CHECK_INT(n, 1000);
    }
    arena_free(a);
}

static void drain_ndjson(ndjson_reader *r, buf *out)
{
    str line;

    while (ndjson_next(r, &line)) {
        CHECK(line.p[line.len] == '\0', "ends with NUL");
        buf_add(out, line.p, line.len);
        buf_putc(out, ';');
    }
}

TEST(lines_come_out_whole_wherever_the_bytes_are_cut)
{
    static const struct {
        const char *text, *want, *rest;
    } cases[] = {
        {"{\"a\":1}\n{\"b\":2}\n", "{\"a\":1};{\"b\":2};", NULL},
        {"1\r\n2\r\n", "1;2;", NULL},
        {"1\n\n \r\n\t\n2\n", "1;2;", NULL},
        {"1\n2", "1;", "2"},
        {"1\n2\r", "1;", "2"},
        {"1\n \r", "1;", NULL},
        {"a\rb\n", "a\rb;", NULL},
        {"", "", NULL},
    };
    arena *a = arena_new(NULL);

    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = strlen(cases[i].text);

        for (size_t cut = 0; cut <= len; cut++) {
            ndjson_reader *r = ndjson_new(a, 64);
            buf *out = buf_new(a, 4096);
            str rest = {NULL, 0};
            bool left;

            CHECK(ndjson_feed(r, cases[i].text, cut) == OK, "first part");
            drain_ndjson(r, out);
            CHECK(ndjson_feed(r, cases[i].text + cut, len - cut) == OK, "second part");
            drain_ndjson(r, out);
            CHECK_STR(buf_str(out), cases[i].want);
            left = ndjson_rest(r, &rest);
            CHECK(left == (cases[i].rest != NULL), "rest of case %zu", i);
            CHECK(!left || str_is(rest, cases[i].rest), "rest of case %zu: %.*s", i, STR_ARG(rest));
            CHECK(!ndjson_rest(r, &rest), "only once");
        }
    }
    arena_free(a);
}

TEST(lines_that_are_not_taken_between_feeds_are_kept)
{
    arena *a = arena_new(NULL);
    ndjson_reader *r = ndjson_new(a, 8);
    buf *out = buf_new(a, 4096);
    str line;

    for (int i = 0; i < 50; i++)
        CHECK(ndjson_feed(r, "12\n3", 4) == OK, "fed");
    CHECK(ndjson_next(r, &line) && str_is(line, "12"), "the first");
    for (int i = 1; i < 50; i++)
        CHECK(ndjson_next(r, &line) && str_is(line, "312"), "the others");
    CHECK(!ndjson_next(r, &line), "no more");
    CHECK(ndjson_feed(r, "\n", 1) == OK, "its end");
    drain_ndjson(r, out);
    CHECK_STR(buf_str(out), "3;");
    arena_free(a);
}

TEST(a_line_longer_than_the_maximum_is_an_error_from_then_on)
{
    arena *a = arena_new(NULL);
    ndjson_reader *r = ndjson_new(a, 8), *slow = ndjson_new(a, 8);
    str line;

    CHECK(ndjson_feed(r, "12345678\n12345678", 17) == OK, "just fits");
    CHECK(ndjson_feed(r, "9", 1) == ERR_TOO_LARGE, "one more");
    CHECK(ndjson_feed(r, "\n", 1) == ERR_TOO_LARGE, "it stays broken");
    CHECK(!ndjson_next(r, &line) && !ndjson_rest(r, &line), "and gives nothing");
    CHECK(ndjson_feed(slow, "123456789\n", 10) == ERR_TOO_LARGE, "whole, but too long");
    arena_free(a);
}
