/* SPDX-License-Identifier: MIT */
/*
 * Calling a chat model: attempts, keys, pauses; see llm.h.
 *
 * A call is tried again only as long as nothing of an answer has been handed out: llm_open() therefore reads on to the
 * first delta.  What is tried next follows from the failure: the next key, the same request without a parameter that the
 * provider does not know, or the same request after a pause.
 */
#include "llm/llm.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "llm/llm_internal.h"
#include "rt/sleep.h"

enum {
    ATTEMPTS_WHEN_LATE = 2,
    EVENT_MAX = 8 << 20,      /* bytes of one event */
    ERROR_BODY_MAX = 64 << 10 /* of a failed answer */
};

#define LONGEST_REFUSAL SECONDS(5)
#define LONGEST_PAUSE SECONDS(30)
#define TIMER_SLACK MILLISECONDS(10) /* by which a timer may be early or late */
#define LONGEST_PAUSE_AFTER_TIMEOUT SECONDS(10)

static llm_limits configured = {
    .answer = MINUTES(5),
    .connect = SECONDS(10),
    .first_byte = SECONDS(120),
    .idle = SECONDS(120),
    .max_attempts = 8,
};

/* `l`, with what it leaves open taken from `rest`. */
static llm_limits limits_of(const llm_limits *l, const llm_limits *rest)
{
    return (llm_limits){
        .answer = l->answer > 0 ? l->answer : rest->answer,
        .connect = l->connect > 0 ? l->connect : rest->connect,
        .first_byte = l->first_byte > 0 ? l->first_byte : rest->first_byte,
        .idle = l->idle > 0 ? l->idle : rest->idle,
        .max_attempts = l->max_attempts > 0 ? l->max_attempts : rest->max_attempts,
    };
}

void llm_configure(const llm_limits *l)
{
    llm_limits next =
        limits_of(l, &configured); /* assigned in one go, gcc 12 -O2 puts `configured` into read-only memory */

    configured = next;
}

static const llm_driver *const drivers[] = {&openai_driver, &anthropic_driver, &demo_driver};

const llm_driver *const *llm_drivers(size_t *n)
{
    *n = COUNT(drivers);
    return drivers;
}

const llm_driver *llm_driver_find(const char *name)
{
    for (size_t i = 0; i < COUNT(drivers); i++)
        if (cstr_eq(drivers[i]->name, name))
            return drivers[i];
    return NULL;
}

const char *llm_driver_name(const llm_driver *d)
{
    return d->name;
}

/* --- the stream --- */

/* What error texts and translation need of the request after the caller may have dropped it. */
static const llm_request *keep_request(arena *a, const llm_request *rq)
{
    llm_request *kept = arena_memdup(a, rq, sizeof *rq);
    const char **keys = arena_array(a, const char *, rq->at.n_keys + 1);

    for (size_t i = 0; i < rq->at.n_keys; i++)
        keys[i] = arena_strdup(a, rq->at.keys[i]);
    kept->limits = limits_of(&rq->limits, &configured);
    kept->at.keys = keys;
    kept->at.model = arena_strdup(a, rq->at.model != NULL ? rq->at.model : "");
    kept->at.base_url = arena_strdup(a, rq->at.base_url != NULL ? rq->at.base_url : "");
    if (rq->at.params != NULL)
        kept->at.params = json_hold(a, json_incref(rq->at.params));
    return kept;
}

static void close_text(void *arg)
{
    buf_close(arg);
}

static llm_stream *stream_new(scope *own, const llm_driver *d, const llm_request *rq)
{
    llm_stream *st = arena_one(own->arena, llm_stream);

    st->own = own;
    st->driver = d;
    st->request = rq;
    st->model = rq->at.model;
    st->text = BUF_INIT(EVENT_MAX);
    arena_defer(own->arena, close_text, &st->text);
    return st;
}

/* --- one attempt --- */

typedef struct {
    const llm_driver *driver;
    const llm_request *rq;
    const char *key;
    str body;
    int64_t give_up_at;  /* clock_mono(): for all attempts */
    int late;            /* attempts that took too long to begin, this one included */
    int64_t retry_after; /* asked for by the provider; 0: not */
    llm_fault fault;     /* of a refused attempt */
} attempt;

/* The beginning of the answer is enough to know why; how it ends does not matter, nor does the rest of a slow one. */
static err read_refusal(scope *own, attempt *at, const http_head *head, http_stream *h)
{
    scope *limited = scope_child(own, LONGEST_REFUSAL);
    buf *body = buf_new(own->arena, ERROR_BODY_MAX);
    str piece = {"", 1};

    while (piece.len > 0 && buf_ok(body)) {
        if (http_read(limited, h, &piece) != OK)
            break;
        buf_add(body, piece.p, piece.len);
    }
    http_close(h);
    scope_close(limited);
    TRY(scope_check(own));
    at->retry_after = http_retry_after(&head->headers);
    at->fault = fault_read(own->arena, at->rq, head->status, (str){buf_str(body), body->len});
    log_warn("llm refused", log_str("model", at->rq->at.model), log_int("status", head->status),
             log_str("code", at->fault.code), log_str("detail", at->fault.detail));
    return fault_fail(own, &at->fault, at->rq->at.model);
}

static bool is_document(arena *a, const http_head *head)
{
    const char *type = http_headers_get(&head->headers, "Content-Type");

    return type != NULL && cstr_eq(http_media_type(a, type), "application/json");
}

/* The time for all attempts bounds what a single one may take. */
static int64_t within(const attempt *at, int64_t limit)
{
    return MAX_OF(MIN_OF(limit, at->give_up_at - clock_mono()), MILLISECONDS(1));
}

/* An attempt took too long to begin its answer. */
static err too_late(scope *own, attempt *at, int64_t began, const char *setting)
{
    int64_t now = clock_mono();

    at->late++;
    return fault_late(own, at->rq->at.model, now - began, at->late,
                      at->give_up_at - now < TIMER_SLACK ? "llm.answer_timeout" : setting);
}

static err send_request(scope *own, attempt *at, http_head *head, http_stream **out)
{
    const llm_request *rq = at->rq;
    http_header headers[LLM_HEADERS_MAX];
    http_call call = {
        .method = POST,
        .url = at->driver->url(own->arena, &rq->at),
        .headers = headers,
        .n_headers = at->driver->headers(own->arena, at->key, headers),
        .body = at->body.p,
        .body_len = at->body.len,
        .guard = rq->at.private_ok ? GUARD_ANY : GUARD_PUBLIC,
        .connect_timeout = within(at, rq->limits.connect),
        .first_byte_timeout = within(at, rq->limits.first_byte),
        .idle_timeout = rq->limits.idle,
        .max_redirects = 2,
        .small_buffers = true,
    };
    int64_t began = clock_mono();
    err e = http_open(own, &call, head, out);

    if (e != ERR_TIMEOUT || scope_check(own) != OK)
        return e == OK ? OK : fault_of_http(own, e, rq->at.model, false);
    /* A limit that cannot have passed has not: then it was the one for connecting. */
    if (clock_mono() - began + TIMER_SLACK < call.first_byte_timeout)
        return fault_code(own, "llm.connection", rq->at.model);
    return too_late(own, at, began, "llm.first_byte_timeout");
}

/* Reads on to the first delta.  Somebody who keeps saying that an answer will come gets the time of all attempts. */
static err read_first(scope *own, attempt *at, llm_stream *st)
{
    int64_t began = clock_mono();
    scope *limited = scope_child(own, within(at, NO_LIMIT));
    err e = stream_advance(limited, st);

    if (e == ERR_TIMEOUT && scope_check(own) == OK)
        e = too_late(own, at, began, "llm.idle_timeout");
    else if (e != OK)
        fail_from(own, limited, e);
    scope_close(limited);
    return e;
}

/* Sends the request and reads on to the first delta. */
static err attempt_once(scope *own, attempt *at, llm_stream **out)
{
    llm_stream *st = stream_new(own, at->driver, at->rq);
    http_head head;
    err e;

    if (at->driver->start != NULL) {
        TRY(at->driver->start(own, st, at->rq));
        *out = st;
        return OK;
    }
    TRY(send_request(own, at, &head, &st->http));
    if (head.status != 200)
        return read_refusal(own, at, &head, st->http);
    st->sse = sse_new(own->arena, EVENT_MAX);
    st->whole = is_document(own->arena, &head);
    if ((e = read_first(own, at, st)) != OK) {
        http_close(st->http);
        return e;
    }
    *out = st;
    return OK;
}

/* --- what to try next --- */

typedef struct {
    scope *s; /* the caller's */
    scope *own;
    attempt at;
    llm_quirks quirks;
    bool learned;
    size_t key;        /* in use now */
    size_t keys_tried; /* since the last pause */
    buf *body;
    int failures;
} caller;

static void write_body(caller *c)
{
    if (c->at.driver->body == NULL)
        return;
    buf_reset(c->body);
    c->at.driver->body(c->own, c->at.rq, &c->quirks, c->body);
    c->at.body = (str){buf_str(c->body), c->body->len};
}

static void use_key(caller *c, size_t key)
{
    const llm_endpoint *at = &c->at.rq->at;

    c->key = at->n_keys > 0 ? key % at->n_keys : 0;
    c->at.key = at->n_keys > 0 ? at->keys[c->key] : NULL;
}

/* Half to whole of base * 2^n, so that callers that failed together do not come back together. */
static int64_t pause_before(const caller *c)
{
    int64_t base = c->at.rq->retry_base > 0 ? c->at.rq->retry_base : SECONDS(1);
    bool late = cstr_eq(c->own->failure.code, "llm.timeout");
    int64_t cap = late ? LONGEST_PAUSE_AFTER_TIMEOUT : LONGEST_PAUSE;
    int64_t pause = MIN_OF(cap, base);
    uint64_t r;

    for (int i = 1; i < c->failures && pause < cap; i++)
        pause = MIN_OF(cap, pause * 2);
    random_bytes(&r, sizeof r);
    pause = pause / 2 + (int64_t)(r % (uint64_t)(pause / 2 + 1));
    return MAX_OF(pause, c->at.retry_after);
}

/* OK when another attempt is to be made; else the error of the last one, which is recorded in `own`. */
static err prepare_next(caller *c, err e)
{
    const llm_request *rq = c->at.rq;
    int64_t pause;

    if (scope_check(c->s) != OK || c->own->failure.e != e)
        return e;
    if (quirks_learn(c->own->arena, &c->quirks, &c->at.fault)) {
        c->learned = c->learned || !c->at.fault.passing;
        write_body(c);
        return OK;
    }
    if (++c->failures >= rq->limits.max_attempts || c->at.late >= ATTEMPTS_WHEN_LATE)
        return e;
    if (c->at.fault.other_key && ++c->keys_tried < rq->at.n_keys) {
        use_key(c, c->key + 1);
        return OK;
    }
    if (!fault_retries(c->own) || c->at.retry_after > LONGEST_PAUSE)
        return e; /* nor later, or later than somebody waits */
    c->keys_tried = 0;
    use_key(c, c->key + 1);
    pause = pause_before(c);
    if (MIN_OF(scope_remaining(c->s), c->at.give_up_at - clock_mono()) <= pause)
        return e; /* it would be over before the next attempt */
    return sleep_for(c->s, pause);
}

static err check_endpoint(scope *s, const llm_request *rq, const llm_driver *d)
{
    if (d == NULL)
        return fail_code(s, ERR_UNSUPPORTED, "llm.no_driver", rq->at.driver,
                         "There is no driver \"%s\" for model providers", rq->at.driver != NULL ? rq->at.driver : "");
    if (d->url != NULL && (cstr_blank(rq->at.base_url) || cstr_blank(rq->at.model)))
        return fail_code(s, ERR_INVALID, "llm.bad_request", rq->at.model,
                         "The model provider has no base URL or no model name");
    return scope_check(s);
}

static err call_model(caller *c, llm_stream **out)
{
    for (;;) {
        err e;

        c->own->failure = (failure){0};
        c->at.fault = (llm_fault){0};
        c->at.retry_after = 0;
        e = attempt_once(c->own, &c->at, out);
        if (e == OK)
            return OK;
        TRY(prepare_next(c, e));
    }
}

err llm_open(scope *s, const llm_request *rq, llm_stream **out)
{
    static atomic_uint turn; /* keys rotate over all calls */
    caller c = {.s = s, .at.driver = llm_driver_find(rq->at.driver)};
    err e;

    TRY(check_endpoint(s, rq, c.at.driver));
    c.own = scope_child(s, NO_LIMIT);
    c.at.rq = keep_request(c.own->arena, rq);
    c.at.give_up_at = clock_mono() + c.at.rq->limits.answer;
    quirks_recall(c.own->arena, &c.at.rq->at, &c.quirks);
    use_key(&c, atomic_fetch_add_explicit(&turn, 1, memory_order_relaxed));
    c.body = buf_new(c.own->arena, BODY_MAX);
    write_body(&c);
    e = call_model(&c, out);
    if (e != OK) {
        err ended = scope_check(s);

        e = ended != OK ? ended : fail_from(s, c.own, e);
        scope_close(c.own);
        return e;
    }
    buf_close(c.body); /* a long answer does not hold the question */
    if (c.learned)
        quirks_remember(&c.at.rq->at, &c.quirks);
    return OK;
}

err llm_next(scope *s, llm_stream *st, llm_delta *out)
{
    while (st->taken == st->n_queue) {
        if (st->ended)
            return ERR_CLOSED;
        if (st->error == OK)
            st->error = stream_advance(s, st);
        if (st->error == ERR_TIMEOUT && scope_check(s) == OK)
            st->error = fault_late(s, st->model, st->request->limits.idle, 0, "llm.idle_timeout");
        if (st->error != OK)
            return st->error;
    }
    *out = st->queue[st->taken++];
    return OK;
}

void llm_close(llm_stream *st)
{
    if (st != NULL)
        scope_close(st->own);
}

const char *llm_stream_model(const llm_stream *st)
{
    return st->model;
}

err llm_complete(scope *s, const llm_request *rq, const char **text, llm_usage *usage)
{
    buf *all = buf_new(s->arena, MIB(32));
    llm_stream *st;
    llm_delta d;
    err e;

    TRY(llm_open(s, rq, &st));
    if (usage != NULL)
        *usage = (llm_usage){0};
    while ((e = llm_next(s, st, &d)) == OK) {
        if (d.kind == LLM_TEXT)
            buf_add(all, d.text.p, d.text.len);
        else if (d.kind == LLM_USAGE && usage != NULL)
            *usage = d.usage;
    }
    llm_close(st);
    if (e != ERR_CLOSED)
        return e;
    if (!buf_ok(all))
        return fail(s, ERR_TOO_LARGE, "the model's answer is too long");
    *text = buf_str(all);
    return OK;
}
