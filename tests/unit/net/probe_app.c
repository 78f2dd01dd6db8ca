/* SPDX-License-Identifier: MIT */
/* The application under test; see probe_app.h. */
#include "probe_app.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "rt/sleep.h"

struct probe_seen seen;

typedef struct {
    source base;
    int left;
    int step;
    bool cut;
    bool greedy; /* does not care for `room` */
} counter_source;

static source_state count_pull(source *src, buf *out, size_t room)
{
    counter_source *c = (counter_source *)src;
    size_t begin = out->len;

    if (c->left < 0)
        return SOURCE_WAIT;
    while (c->left > 0) {
        if (out->len - begin >= room && !c->greedy)
            return SOURCE_MORE;
        buf_printf(out, "line %d\n", c->step++);
        c->left--;
    }
    return c->cut ? SOURCE_CUT : SOURCE_END;
}

static void count_close(source *src)
{
    seen.sources_closed++;
    free(src);
}

static counter_source *new_counter(int lines)
{
    counter_source *c = mem_zalloc(1, sizeof *c);

    c->base = (source){.pull = count_pull, .close = count_close};
    c->left = lines;
    return c;
}

static void echo(request *rq, response *rs)
{
    str body;

    seen.body_error = request_body_all(rq, MIB(4), &body);
    if (seen.body_error == OK)
        reply(rs, 200, "application/octet-stream", body.p, body.len);
}

static err sleeper(scope *s, void *arg)
{
    (void)arg;
    if (sleep_for(s, SECONDS(8)) == ERR_CANCELLED)
        seen.cancelled++;
    return OK;
}

/* Returns while a fiber of its scope and one of a child scope still run. */
static void leave_fibers(request *rq, response *rs)
{
    scope_spawn(rq->scope, sleeper, NULL);
    scope_spawn(scope_child(rq->scope, NO_LIMIT), sleeper, NULL);
    reply_text(rs, 200, "gone");
}

/* Looks at its body only when it may, and then in pieces. */
static void read_late(request *rq, response *rs)
{
    static char piece[10000];
    size_t len, all = 0;

    while (!atomic_load(&seen.may_read))
        if (sleep_for(rq->scope, MILLISECONDS(5)) != OK)
            return;
    while ((seen.body_error = request_body_read(rq, piece, sizeof piece, &len)) == OK && len > 0)
        all += len;
    reply_text(rs, 200, arena_printf(rq->scope->arena, "%zu", all));
}

static void tell(request *rq, response *rs)
{
    buf *b = buf_new(rq->scope->arena, KIB(64));

    buf_printf(b, "%s|%s|%s|%s|%s|%s", http_method_name(rq->method), rq->path, rq->query, rq->host, rq->peer,
               rq->scheme);
    reply_buf(rs, 200, "text/plain", b);
}

static void wait_for_end(request *rq, response *rs)
{
    if (sleep_for(rq->scope, SECONDS(8)) == ERR_CANCELLED) {
        seen.cancelled++;
        seen.noticed_at = clock_mono();
        seen.reason = rq->scope->reason != NULL ? strdup(rq->scope->reason) : NULL;
    }
    reply_text(rs, 200, "late");
}

/* Goes on when the client has left, and tells by `written` that it did. */
static void held_work(request *rq, response *rs)
{
    request_hold(rq);
    if (sleep_for(rq->scope, MILLISECONDS(200)) == OK)
        seen.written++;
    request_release(rq);
    wait_for_end(rq, rs);
}

static void stream(request *rq, response *rs)
{
    static const char block[65536] = "block";

    (void)rq;
    if (reply_begin(rs, 200, "text/plain") != OK)
        return;
    for (int i = 0; i < 400; i++) {
        seen.write_error = reply_write(rs, block, sizeof block);
        if (seen.write_error != OK)
            return;
        seen.written += sizeof block;
    }
    seen.write_error = reply_end(rs);
}

static void short_stream(response *rs)
{
    if (reply_begin(rs, 200, "text/plain") != OK || reply_write(rs, "hello ", 6) != OK ||
        reply_write(rs, "world", 5) != OK || reply_end(rs) != OK)
        return;
}

static void follow(request *rq, response *rs)
{
    const char *n = request_query(rq, "n");
    counter_source *c = new_counter(n != NULL ? atoi(n) : 3);

    c->cut = request_query(rq, "cut") != NULL;
    c->greedy = request_query(rq, "greedy") != NULL;
    if (request_query(rq, "beat") != NULL) {
        c->base.idle_text = ": ping\n";
        c->base.idle_after = MILLISECONDS(50);
    }
    seen.write_error = reply_follow(rs, 200, "text/event-stream", &c->base);
}

static void inject(response *rs)
{
    reply_header(rs, "X-Bad", "a\r\nX-Smuggled: 1");
    reply_header(rs, "Content-Length", "5");
    reply_header(rs, "Bad Name", "1");
    reply_header(rs, "X-Good", "fine");
    reply_text(rs, 200, "ok");
}

static void sleep_a_little(void *arg)
{
    scope *own = scope_new("deferred");

    (void)arg;
    (void)!sleep_for(own, MILLISECONDS(5));
    scope_close(own);
}

/* As an open transaction is rolled back, or a process ended. */
static void defer_sleep(request *rq, response *rs)
{
    scope_defer(rq->scope, sleep_a_little, NULL);
    reply_text(rs, 200, "deferred");
}

/* Forgets the end. */
static void half_stream(response *rs)
{
    if (reply_begin(rs, 200, "text/plain") == OK)
        (void)!reply_write(rs, "half", 4);
}

void probe_app(request *rq, response *rs, void *arg)
{
    (void)arg;
    seen.served++;
    if (strcmp(rq->path, "/echo") == 0)
        echo(rq, rs);
    else if (strcmp(rq->path, "/late") == 0)
        read_late(rq, rs);
    else if (strcmp(rq->path, "/leave") == 0)
        leave_fibers(rq, rs);
    else if (strcmp(rq->path, "/wait") == 0)
        wait_for_end(rq, rs);
    else if (strcmp(rq->path, "/held") == 0)
        held_work(rq, rs);
    else if (strcmp(rq->path, "/stream") == 0)
        stream(rq, rs);
    else if (strcmp(rq->path, "/short") == 0)
        short_stream(rs);
    else if (strcmp(rq->path, "/follow") == 0)
        follow(rq, rs);
    else if (strcmp(rq->path, "/inject") == 0)
        inject(rs);
    else if (strcmp(rq->path, "/defer") == 0)
        defer_sleep(rq, rs);
    else if (strcmp(rq->path, "/silent") == 0)
        return;
    else if (strcmp(rq->path, "/half") == 0)
        half_stream(rs);
    else if (strcmp(rq->path, "/twice") == 0 && reply_text(rs, 200, "one") == OK)
        reply_text(rs, 200, "two");
    else if (strcmp(rq->path, "/soon") == 0 && sleep_for(rq->scope, MILLISECONDS(600)) == OK)
        reply_text(rs, 200, "soon");
    else if (rs != NULL && !reply_begun(rs))
        tell(rq, rs);
}

void with_app(scope *s, void (*client)(void *arg), const server_limits *limits)
{
    probe_with(s, probe_app, limits, client);
}
