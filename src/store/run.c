/* SPDX-License-Identifier: MIT */
/*
 * The log of a run and its readers; see run.h.
 *
 * A record is a fixed head and its payload, packed into blocks that double from 512 bytes, because ten thousand quiet runs
 * each have one.  The writer publishes under the lock; a reader keeps a position and copies nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "net/metrics.h"
#include "rt/fiber.h"
#include "store/run_internal.h"

enum {
    FIRST_BLOCK = 512,
    LARGEST_BLOCK = 65536,
    RECORD_ALIGN = 8,
    REASON_MAX = 500,     /* characters of why a run was interrupted */
    LAST_WORDS = 64 << 10 /* room behind the limit for how it went */
};

typedef struct {
    const run_message *message;
    int64_t time;
    uint32_t len;
    uint32_t kind;
    char bytes[];
} record;

struct run_reader {
    run *run;
    notifier *notice; /* NULL: nobody is told */
    fiber *waiter;    /* in run_next() */
    void (*ready)(void *arg);
    void *arg;
    list_link link; /* in run->readers */
    block *at;      /* NULL before the first record */
    uint32_t offset;
    size_t read; /* bytes */
    bool done;
};

static size_t record_size(size_t len)
{
    return (sizeof(record) + len + RECORD_ALIGN - 1) & ~(size_t)(RECORD_ALIGN - 1);
}

/* Room for `size` bytes at the end of the log. */
static char *log_reserve(run *r, size_t size)
{
    block *b = r->last;

    if (b == NULL || b->cap - b->used < size) {
        size_t cap = b == NULL ? FIRST_BLOCK : MIN_OF((size_t)b->cap * 2, (size_t)LARGEST_BLOCK);

        cap = MAX_OF(cap, size);
        b = mem_alloc(sizeof(block) + cap);
        *b = (block){.cap = (uint32_t)cap};
        if (r->last != NULL)
            r->last->next = b;
        else
            r->first = b;
        r->last = b;
    }
    return b->bytes + b->used;
}

static void tell_readers(run *r)
{
    for (list_link *l = r->readers.next; l != &r->readers; l = l->next) {
        run_reader *rd = LIST_OF(l, run_reader, link);

        if (rd->notice != NULL)
            notifier_fire(rd->notice);
    }
}

/* Appends without looking at the limit. */
static void append(run *r, event_kind kind, const run_message *m, const void *bytes, size_t len)
{
    size_t size = record_size(len);
    int64_t now = clock_wall();
    record *rec;

    pthread_mutex_lock(&r->lock);
    rec = (record *)(void *)log_reserve(r, size);
    *rec = (record){.message = m, .time = now, .len = (uint32_t)len, .kind = (uint32_t)kind};
    if (len > 0)
        memcpy(rec->bytes, bytes, len);
    r->last->used += (uint32_t)size;
    r->bytes += size;
    tell_readers(r);
    pthread_mutex_unlock(&r->lock);
    atomic_store_explicit(&r->last_activity, now, memory_order_relaxed);
}

/* How long runs take, and how long until they say something. */
static const char *const outcomes[] = {"outcome=\"completed\"", "outcome=\"failed\"", "outcome=\"interrupted\"", NULL};
static metric run_seconds = {
    .name = "sluice_run_seconds", .kind = METRIC_SECONDS, .help = "Time of runs by outcome", .series = outcomes};
static metric first_token_seconds = {.name = "sluice_run_first_token_seconds",
                                     .kind = METRIC_SECONDS,
                                     .help = "Time from the start of a run to the first piece of its answer"};

static void register_metrics(void)
{
    metrics_register(&run_seconds);
    metrics_register(&first_token_seconds);
}

void run_measure(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, register_metrics);
}

void run_answer_begins(run *r)
{
    if (r->spoke)
        return;
    r->spoke = true;
    metric_observe(&first_token_seconds, 0, clock_mono() - r->began);
}

err run_emit(scope *s, run *r, event_kind kind, const run_message *m, const void *bytes, size_t len)
{
    size_t limit = hub_run_limit() + (kind == EV_FAILURE || kind == EV_USAGE ? LAST_WORDS : 0);

    if (len > limit || r->bytes > limit - len) {
        r->overflowed = true;
        return fail(s, ERR_TOO_LARGE, "the run produced more than %zu MiB of events", limit >> 20);
    }
    append(r, kind, m, bytes, len);
    if (kind == EV_TEXT || kind == EV_REASONING || kind == EV_TOOL_CALL)
        run_answer_begins(r);
    return OK;
}

err run_emit_buf(scope *s, run *r, event_kind kind, const run_message *m, const buf *b)
{
    return run_emit(s, r, kind, m, buf_str(b), buf_ok(b) ? b->len : SIZE_MAX);
}

size_t run_room(const run *r)
{
    size_t limit = hub_run_limit();

    return limit > r->bytes ? limit - r->bytes : 0;
}

err run_emit_json(scope *s, run *r, event_kind kind, const run_message *m, json_t *payload)
{
    buf b = BUF_INIT(MIB(32));
    err e;

    json_write(&b, payload);
    json_decref(payload);
    e = buf_ok(&b) ? run_emit(s, r, kind, m, buf_str(&b), b.len)
                   : fail(s, ERR_TOO_LARGE, "an event of the run is larger than %zu MiB", b.max >> 20);
    buf_close(&b);
    return e;
}

const run_message *run_message_new(run *r, const char *id, const char *session_id, const char *agent_name)
{
    run_message *m;

    pthread_mutex_lock(&r->lock);
    m = arena_one(r->strings, run_message);
    m->id = arena_strdup(r->strings, id);
    m->session_id =
        cstr_eq(session_id, r->facts.session_id) ? r->facts.session_id : arena_strdup(r->strings, session_id);
    m->agent_name = agent_name; /* static text in practice, but nobody promised */
    if (agent_name != NULL)
        m->agent_name = arena_strdup(r->strings, agent_name);
    pthread_mutex_unlock(&r->lock);
    return m;
}

void run_finish(run *r, run_status status, const char *reason)
{
    static const char *const names[] = {"live", "completed", "failed", "interrupted"};
    buf b = BUF_INIT(KIB(16));

    buf_printf(&b, "{\"status\":\"%s\",\"reason\":", names[status]);
    json_put_cstr(&b, reason);
    buf_putc(&b, '}');
    r->scope = NULL;
    atomic_store(&r->state, (int)status);
    metric_observe(&run_seconds, (size_t)status - RUN_COMPLETED, clock_mono() - r->began);
    append(r, EV_END, NULL, buf_str(&b), b.len);
    buf_close(&b);
    hub_ended(r);
}

run *run_ref(run *r)
{
    atomic_fetch_add(&r->refs, 1);
    return r;
}

void run_unref(run *r)
{
    if (r == NULL || atomic_fetch_sub(&r->refs, 1) != 1)
        return;
    for (block *b = r->first; b != NULL;) {
        block *next = b->next;

        free(b);
        b = next;
    }
    pthread_mutex_destroy(&r->lock);
    arena_free(r->strings);
    free(r);
}

const run_info *run_facts(const run *r)
{
    return &r->facts;
}

bool run_waited(const run *r)
{
    return r->waited;
}

run_status run_state(const run *r)
{
    return (run_status)atomic_load(&r->state);
}

int64_t run_created(const run *r)
{
    return r->created;
}

int64_t run_last_activity(const run *r)
{
    return atomic_load_explicit(&r->last_activity, memory_order_relaxed);
}

const char *run_interrupt_reason(const run *r)
{
    return atomic_load(&r->interrupted) ? r->reason : NULL;
}

size_t run_bytes(const run *r)
{
    return r->bytes;
}

static void interrupt_at_home(void *arg)
{
    run *r = arg;

    if (r->scope != NULL)
        scope_cancel(r->scope, r->reason);
    run_unref(r);
}

bool run_interrupt(run *r, const char *reason)
{
    str text = utf8_prefix(str_of(reason != NULL ? reason : "interrupted"), REASON_MAX);

    if (run_state(r) != RUN_LIVE)
        return false;
    pthread_mutex_lock(&r->lock);
    if (r->reason == NULL)
        r->reason = str_dup(r->strings, text);
    pthread_mutex_unlock(&r->lock);
    if (atomic_exchange(&r->interrupted, true))
        return true;
    run_ref(r);
    if (r->home == loop_self())
        interrupt_at_home(r);
    else if (!loop_post(r->home, interrupt_at_home, r))
        run_unref(r);
    return true;
}

/* Readers */

static void on_notice(void *arg)
{
    run_reader *rd = arg;

    if (rd->waiter != NULL)
        fiber_wake(rd->waiter);
    if (rd->ready != NULL)
        rd->ready(rd->arg);
}

run_reader *run_reader_open(run *r, void (*ready)(void *arg), void *arg)
{
    run_reader *rd = mem_zalloc(1, sizeof *rd);

    rd->run = run_ref(r);
    rd->ready = ready;
    rd->arg = arg;
    rd->notice = notifier_new(on_notice, rd);
    pthread_mutex_lock(&r->lock);
    list_append(&r->readers, &rd->link);
    pthread_mutex_unlock(&r->lock);
    return rd;
}

void run_reader_close(run_reader *rd)
{
    if (rd == NULL)
        return;
    pthread_mutex_lock(&rd->run->lock);
    list_remove(&rd->link);
    pthread_mutex_unlock(&rd->run->lock);
    notifier_close(rd->notice); /* out of the list: nobody fires it any more */
    run_unref(rd->run);
    free(rd);
}

/* The next record, or NULL; moves the reader behind it. */
static const record *advance(run_reader *rd)
{
    const record *rec = NULL;

    pthread_mutex_lock(&rd->run->lock);
    if (rd->at == NULL)
        rd->at = rd->run->first;
    if (rd->at != NULL && rd->offset == rd->at->used && rd->at->next != NULL) {
        rd->at = rd->at->next;
        rd->offset = 0;
    }
    if (rd->at != NULL && rd->offset < rd->at->used) {
        size_t size;

        rec = (const record *)(const void *)(rd->at->bytes + rd->offset);
        size = record_size(rec->len);
        rd->offset += (uint32_t)size;
        rd->read += size;
    }
    pthread_mutex_unlock(&rd->run->lock);
    return rec;
}

bool run_reader_next(run_reader *rd, event *out)
{
    const record *rec = rd->done ? NULL : advance(rd);

    if (rec == NULL)
        return false;
    *out = (event){.kind = (event_kind)rec->kind,
                   .message = rec->message,
                   .time = rec->time,
                   .bytes = rec->bytes,
                   .len = rec->len};
    rd->done = rec->kind == EV_END;
    return true;
}

bool run_reader_done(const run_reader *rd)
{
    return rd->done;
}

size_t run_reader_lag(const run_reader *rd)
{
    size_t bytes;

    pthread_mutex_lock(&rd->run->lock);
    bytes = rd->run->bytes;
    pthread_mutex_unlock(&rd->run->lock);
    return bytes - rd->read;
}

err run_next(scope *s, run_reader *rd, event *out)
{
    err e = OK;

    rd->waiter = fiber_self();
    while (!run_reader_next(rd, out)) {
        if (rd->done) {
            e = fail(s, ERR_CLOSED, "the run has ended");
            break;
        }
        if ((e = fiber_park(s)) != OK)
            break;
    }
    rd->waiter = NULL;
    return e;
}

err run_wait(scope *s, run *r)
{
    run_reader *rd = run_reader_open(r, NULL, NULL);
    err e = OK;
    event ev;

    while (e == OK && run_state(r) == RUN_LIVE)
        e = run_next(s, rd, &ev);
    run_reader_close(rd);
    return e == ERR_CLOSED ? OK : e;
}
