/* SPDX-License-Identifier: MIT */
/* Answers as servers send them, and as attackers and broken servers do. */
#include "net/client_response.h"

#include <stdio.h>

#include "test.h"

typedef enum {
    WHOLE, /* complete, and the connection may be used again */
    LAST,  /* complete, but the connection is not to be trusted with another request */
    OPEN,  /* more is to come, and the end of the connection would be too early */
    ENDS,  /* complete with the end of the connection */
    BROKEN
} outcome;

typedef struct {
    const char *bytes;
    outcome want;
    const char *body;
    bool to_head;
} answer;

typedef struct {
    arena *memory;
    response r;
    http_headers headers;
    buf body;
} reader;

static outcome read_answer(reader *x, const char *bytes, size_t len, size_t step, bool to_head)
{
    x->headers = (http_headers){0};
    buf_close(&x->body);
    x->body = BUF_INIT(1 << 20);
    response_begin(&x->r, to_head, x->memory, &x->headers, &x->body);
    for (size_t at = 0; at < len; at += step)
        if (!response_feed(&x->r, bytes + at, MIN_OF(step, len - at)))
            return BROKEN;
    if (x->r.complete)
        return x->r.reusable ? WHOLE : LAST;
    return response_end(&x->r) ? ENDS : OPEN;
}

/* However the network cuts it. */
static void check_answer(const answer *a)
{
    reader x = {.memory = arena_new(NULL)};
    size_t len = strlen(a->bytes);

    for (size_t step = 1; step <= len; step += step < 8 ? 1 : len) {
        outcome got = read_answer(&x, a->bytes, len, step, a->to_head);

        CHECK(got == a->want, "outcome %d, not %d, in steps of %zu: %s", (int)got, (int)a->want, step, a->bytes);
        CHECK(got == BROKEN ? x.r.why != NULL : x.r.why == NULL, "%s", a->bytes);
        if (a->body != NULL)
            CHECK_STR(buf_str(&x.body), a->body);
        response_close(&x.r);
    }
    buf_close(&x.body);
    arena_free(x.memory);
}

static void check_all(const answer *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_answer(&list[i]);
}

#define OK_LINE "HTTP/1.1 200 OK\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

TEST(answers_end_where_their_framing_says)
{
    static const answer list[] = {
        {OK_LINE "Content-Length: 5\r\n\r\nhello", WHOLE, "hello"},
        {OK_LINE "content-length:5\r\n\r\nhello", WHOLE, "hello"},
        {OK_LINE "Content-Length: 0\r\n\r\n", WHOLE, ""},
        {OK_LINE CHUNKED "\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n", WHOLE, "hello world"},
        {OK_LINE "TRANSFER-ENCODING: Chunked\r\n\r\n0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", WHOLE, "0123456789"},
        {OK_LINE "\r\nto the end", ENDS, "to the end"},
        {"HTTP/1.0 200 OK\r\n\r\nto the end", ENDS, "to the end"},
        {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", LAST, "ok"},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", WHOLE, "ok"},
        {OK_LINE "Connection: close\r\nContent-Length: 2\r\n\r\nok", LAST, "ok"},
        {"HTTP/1.1 204 No Content\r\n\r\n", WHOLE, ""},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", WHOLE, ""},
        {OK_LINE "Content-Length: 5\r\n\r\n", WHOLE, "", .to_head = true},
        {OK_LINE CHUNKED "\r\n", WHOLE, "", .to_head = true},
    };

    check_all(list, COUNT(list));
}

TEST(interim_answers_are_passed_over)
{
    static const answer list[] = {
        {"HTTP/1.1 100 Continue\r\n\r\n" OK_LINE "Content-Length: 2\r\n\r\nok", WHOLE, "ok"},
        {"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" OK_LINE
         "Content-Length: 2\r\n\r\nok",
         WHOLE, "ok"},
        {"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello", BROKEN, NULL},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", BROKEN, NULL},
        {"HTTP/1.1 100 Continue\r\n\r\n", OPEN, NULL},
    };

    check_all(list, COUNT(list));
}

TEST(two_opinions_on_the_length_are_no_answer)
{
    static const answer list[] = {
        {OK_LINE "Content-Length: 5\r\n" CHUNKED "\r\n0\r\n\r\n", BROKEN, NULL},
        {OK_LINE CHUNKED "Content-Length: 5\r\n\r\n0\r\n\r\n", BROKEN, NULL},
        {OK_LINE "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", BROKEN, NULL},
        {OK_LINE "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", BROKEN, NULL},
        {OK_LINE "Content-Length: 5, 5\r\n\r\nhello", BROKEN, NULL},
        {OK_LINE "Content-Length: -1\r\n\r\nhello", BROKEN, NULL},
        {OK_LINE "Content-Length: +5\r\n\r\nhello", BROKEN, NULL},
        {OK_LINE "Content-Length: 0x5\r\n\r\nhello", BROKEN, NULL},
        {OK_LINE "Content-Length: 99999999999999999999\r\n\r\nhello", BROKEN, NULL},
        {OK_LINE "Content-Length:\r\n\r\nhello", BROKEN, NULL},
        {OK_LINE CHUNKED CHUNKED "\r\n0\r\n\r\n", BROKEN, NULL},
        {OK_LINE "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", BROKEN, NULL},
        {OK_LINE "Transfer-Encoding: xchunked\r\n\r\nhello", BROKEN, NULL},
        {OK_LINE "Transfer-Encoding: identity\r\n\r\nhello", BROKEN, NULL},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" CHUNKED "\r\n0\r\n\r\n", LAST, ""},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", LAST, ""},
    };

    check_all(list, COUNT(list));
}

TEST(chunks_that_are_none_are_no_answer)
{
    static const answer list[] = {
        {OK_LINE CHUNKED "\r\nfffffffffffffffff\r\n", BROKEN, NULL},
        {OK_LINE CHUNKED "\r\n-5\r\nhello\r\n0\r\n\r\n", BROKEN, NULL},
        {OK_LINE CHUNKED "\r\n0x5\r\nhello\r\n0\r\n\r\n", BROKEN, NULL},
        {OK_LINE CHUNKED "\r\n\r\nhello", BROKEN, NULL},
        {OK_LINE CHUNKED "\r\nhello\r\n0\r\n\r\n", BROKEN, NULL},
        {OK_LINE CHUNKED "\r\n5\r\nhello!\r\n0\r\n\r\n", BROKEN, NULL},
        {OK_LINE CHUNKED "\r\n5\r\nhello\r\n", OPEN, "hello"},
        {OK_LINE CHUNKED "\r\n5\r\nhel", OPEN, "hel"},
        {OK_LINE CHUNKED "\r\n5\r\nhello\r\n0\r\n", OPEN, "hello"},
    };

    check_all(list, COUNT(list));
}

TEST(what_follows_an_answer_costs_the_connection)
{
    static const answer list[] = {
        {OK_LINE "Content-Length: 2\r\n\r\nok" OK_LINE "Content-Length: 4\r\n\r\nevil", LAST, "ok"},
        {OK_LINE CHUNKED "\r\n2\r\nok\r\n0\r\n\r\nx", LAST, "ok"},
        {"HTTP/1.1 204 No Content\r\n\r\nbody", LAST, ""},
        {"HTTP/1.1 304 Not Modified\r\n\r\nbody", LAST, ""},
        {OK_LINE "Content-Length: 5\r\n\r\nhello", LAST, "", .to_head = true},
    };

    check_all(list, COUNT(list));
}

TEST(what_is_not_http_is_no_answer)
{
    static const answer list[] = {
        {"SSH-2.0-OpenSSH_9.2\r\n", BROKEN, NULL},
        {"<html>hello</html>", BROKEN, NULL},
        {"GET / HTTP/1.1\r\n\r\n", BROKEN, NULL},
        {"HTTP/2.0 200 OK\r\n\r\n", BROKEN, NULL},
        {"HTTP/0.9 200 OK\r\n\r\n", BROKEN, NULL},
        {"HTTP/1.1 099 Odd\r\n\r\n", BROKEN, NULL},
        {"HTTP/1.1 20 OK\r\n\r\n", BROKEN, NULL},
        {OK_LINE "No colon\r\n\r\n", BROKEN, NULL},
        {OK_LINE "A b: c\r\n\r\n", BROKEN, NULL},
        {OK_LINE ": c\r\n\r\n", BROKEN, NULL},
        {OK_LINE "A: \x01\r\n\r\n", BROKEN, NULL},
        {OK_LINE "Content-Le", OPEN, NULL},
        {"HTTP/1.1 2", OPEN, NULL},
        {OK_LINE "Content-Length: 5\r\n\r\nhel", OPEN, "hel"},
    };

    check_all(list, COUNT(list));
}

TEST(headers_are_given_whole_and_trimmed)
{
    static const char text[] = OK_LINE "X-One:  a b \t\r\nX-Empty:\r\nx-one: 2\r\nContent-Length: 0\r\n\r\n";

    for (size_t step = 1; step < sizeof text; step++) {
        reader x = {.memory = arena_new(NULL)};

        CHECK(read_answer(&x, text, sizeof text - 1, step, false) == WHOLE, "in steps of %zu", step);
        CHECK_INT(response_status(&x.r), 200);
        CHECK_INT(x.headers.count, 4);
        CHECK_STR(http_headers_get(&x.headers, "x-one"), "a b");
        CHECK_STR(http_headers_get(&x.headers, "X-Empty"), "");
        response_close(&x.r);
        buf_close(&x.body);
        arena_free(x.memory);
    }
}

/* `what` over and over, `times`. */
static outcome flood(const char *begin, const char *what, int times)
{
    reader x = {.memory = arena_new(NULL)};
    bool well;

    x.body = BUF_INIT(1 << 20);
    response_begin(&x.r, false, x.memory, &x.headers, &x.body);
    well = response_feed(&x.r, begin, strlen(begin));
    for (int i = 0; well && i < times; i++)
        well = response_feed(&x.r, what, strlen(what));
    response_close(&x.r);
    buf_close(&x.body);
    arena_free(x.memory);
    return well ? OPEN : BROKEN;
}

TEST(heads_and_framing_without_end_are_refused)
{
    CHECK(flood(OK_LINE, "X: y\r\n", 200) == OPEN, "two hundred headers");
    CHECK(flood(OK_LINE, "X: y\r\n", 202) == BROKEN, "more");
    CHECK(flood(OK_LINE "X: ", "0123456789012345", 4000) == OPEN, "a long value");
    CHECK(flood(OK_LINE "X: ", "0123456789012345", 4200) == BROKEN, "too long");
    CHECK(flood("HTTP/1.1 200 ", "0123456789012345", 4200) == BROKEN, "the phrase");
    CHECK(flood(OK_LINE "X:", "                ", 4200) == BROKEN, "spaces");
    CHECK(flood("", "\r\n", 40000) == BROKEN, "empty lines before it");
    CHECK(flood("", "HTTP/1.1 100 Continue\r\n\r\n", 3000) == BROKEN, "interim answers");
    CHECK(flood(OK_LINE CHUNKED "\r\n1;", "0123456789012345", 10000) == BROKEN, "a chunk extension");
    CHECK(flood(OK_LINE CHUNKED "\r\n0\r\n", "X: 0123456789012345\r\n", 10000) == BROKEN, "trailers");
    CHECK(flood(OK_LINE CHUNKED "\r\n", "1\r\nx\r\n", 100000) == OPEN, "tiny chunks are a slow sender's right");
}
