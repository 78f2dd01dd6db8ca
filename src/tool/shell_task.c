/* SPDX-License-Identifier: MIT */
#include "tool/shell_task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "rt/chan.h"
#include "rt/offload.h"
#include "tool/sandbox.h"

enum { CHUNK = 32 << 10, LOG_MAX = 16 << 20, MERGE_BYTES = 16 << 10, NEST_MAX = 6, ENDED_KEPT = 16 };

static const int64_t merge_time = MILLISECONDS(50);
static const int64_t grace = SECONDS(2);

typedef struct {
    list_link link; /* in task->waiters */
    chan *bell;
} waiter;

static void ring(shell_task *t)
{
    for (list_link *l = t->waiters.next; l != &t->waiters; l = l->next)
        (void)!chan_try_send(LIST_OF(l, waiter, link)->bell, t); /* full: it has been rung already */
}

static void keep(shell_task *t, const char *bytes, size_t len)
{
    size_t room = TASK_OUTPUT_MAX - t->output.len;

    buf_add(&t->output, bytes, MIN_OF(len, room));
    for (size_t i = len > TASK_TAIL ? len - TASK_TAIL : 0; i < len; i++)
        t->tail[(t->total + i) % TASK_TAIL] = bytes[i];
    t->total += len;
}

typedef struct {
    const char *workspace, *rel;
    int fd;
    const char *bytes;
    size_t len;
    bool ok;
} log_job;

/* The command may have put anything in the log's place meanwhile: only a regular file in the workspace is written to. */
static int open_log(const log_job *j)
{
    arena *a = arena_new(NULL);
    struct stat st;
    workspace w;
    int fd = workspace_open(a, j->workspace, &w);

    if (fd == 0) {
        fd = workspace_open_at(&w, j->rel, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY);
        workspace_close(&w);
    }
    if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
        close(fd);
        fd = -1;
    }
    arena_free(a);
    return fd;
}

static void write_log(void *arg)
{
    log_job *j = arg;

    if (j->fd < 0)
        j->fd = open_log(j);
    j->ok = j->fd >= 0;
    while (j->ok && j->len > 0) {
        ssize_t n = write(j->fd, j->bytes, j->len);

        j->ok = n >= 0 || errno == EINTR;
        j->bytes += n > 0 ? n : 0;
        j->len -= n > 0 ? (size_t)n : 0;
    }
}

/* When the disk is full the command goes on, its log does not. */
static err log_output(scope *s, shell_task *t, const char *bytes, size_t len)
{
    log_job j = {.workspace = t->workspace,
                 .rel = t->log_rel,
                 .fd = t->log,
                 .bytes = bytes,
                 .len = MIN_OF(len, LOG_MAX - t->logged),
                 .ok = true};
    err e;

    if (t->log_broken || j.len == 0)
        return OK;
    t->logged += j.len;
    e = offload(s, write_log, &j);
    t->log = j.fd; /* whatever came of the call */
    t->log_broken = !j.ok;
    return e;
}

static void note_end(shell_task *t)
{
    const char *tail = json_string_value(json_hold(t->s->arena, shell_tail(t)));
    size_t len = strlen(tail), from = len > 1000 ? len - 1000 : 0;

    while (from < len && ((unsigned char)tail[from] & 0xc0) == 0x80)
        from++;
    session_note(
        t->session,
        arena_printf(t->s->arena,
                     "<system_reminder>The background command %s (%.200s) has finished with exit code %d. Its output "
                     "is in %s and ends with:\n%s</system_reminder>",
                     t->id, t->command, t->status, t->output_file, tail + from));
}

static err pump(scope *s, void *arg)
{
    shell_task *t = arg;
    char *chunk = arena_alloc(s->arena, CHUNK);
    size_t len = 0;
    err e;

    while ((e = proc_read(s, t->p, 1, chunk, CHUNK, &len)) == OK && len > 0) {
        keep(t, chunk, len);
        ring(t);
        if ((e = log_output(s, t, chunk, len)) != OK)
            break;
    }
    if (e == OK)
        e = proc_wait(s, t->p, &t->status);
    if (e != OK)
        t->status = 128 + SIGKILL;
    t->ended = true;
    t->finished = clock_mono();
    if (e == OK && t->background && !t->killed && list_empty(&t->waiters)) /* who waits is told by the call */
        note_end(t);
    ring(t);
    return OK;
}

static void on_close(void *arg)
{
    shell_task *t = arg;

    list_remove(&t->link);
    buf_close(&t->output);
    if (t->log >= 0)
        close(t->log);
}

/* Each keeps up to a megabyte of output, and a run may have hundreds. */
static void forget_old(tool_session *ts)
{
    list_link *all = session_tasks(ts), *next;
    size_t ended = 0;

    for (list_link *l = all->prev; l != all; l = next) {
        shell_task *t = LIST_OF(l, shell_task, link);

        next = l->prev;
        if (t->ended && list_empty(&t->waiters) && ++ended > ENDED_KEPT) {
            list_remove(&t->link); /* before the close parks: nobody finds it any more */
            scope_close(t->s);
            return;
        }
    }
}

err shell_start(scope *s, tool_session *ts, const shell_spec *spec, shell_task **out)
{
    scope *own = scope_child(session_scope(ts), NO_LIMIT);
    shell_task *t = arena_one(own->arena, shell_task);
    proc_spec how = {.argv = sandbox_argv(own->arena, spec->real, spec->workspace, spec->workdir, spec->command),
                     .env = spec->env,
                     .merge_stderr = true};
    err e;

    forget_old(ts);
    *t = (shell_task){
        .session = ts,
        .s = own,
        .id = arena_strdup(own->arena, spec->id),
        .command = arena_strdup(own->arena, spec->command),
        .output_file = arena_strdup(own->arena, spec->output_file),
        .workspace = arena_strdup(own->arena, spec->workspace),
        .log_rel = arena_strdup(own->arena, spec->log_rel),
        .log = -1,
        .output = BUF_INIT(TASK_OUTPUT_MAX),
        .started = clock_mono(),
    };
    list_init(&t->waiters);
    list_append(session_tasks(ts), &t->link);
    scope_defer(own, on_close, t);
    if ((e = proc_start(own, &how, &t->p)) != OK) {
        e = fail_from(s, own, e);
        scope_close(own);
        return e;
    }
    proc_close_stdin(t->p);
    t->pid = proc_pid(t->p);
    scope_spawn(own, pump, t);
    *out = t;
    return OK;
}

shell_task *shell_find(tool_session *ts, const char *id)
{
    list_link *all = session_tasks(ts);

    for (list_link *l = all->next; l != all; l = l->next)
        if (cstr_eq(LIST_OF(l, shell_task, link)->id, id))
            return LIST_OF(l, shell_task, link);
    return NULL;
}

size_t shell_running(tool_session *ts)
{
    list_link *all = session_tasks(ts);
    size_t n = 0;

    for (list_link *l = all->next; l != all; l = l->next)
        n += !LIST_OF(l, shell_task, link)->ended;
    return n;
}

typedef struct {
    const tool_context *cx;
    size_t shown;
    int64_t last;
} viewer;

static void show(viewer *v, const shell_task *t)
{
    size_t end = t->ended ? t->output.len : utf8_whole(t->output.data, t->output.len);

    if (v->cx->progress != NULL && end > v->shown)
        v->cx->progress(v->cx->progress_arg, "stdout", t->output.data + v->shown, end - v->shown);
    v->shown = end;
    v->last = clock_mono();
}

/* Until the bell rings, or the time comes.  OK in both cases. */
static err await_bell(scope *s, waiter *w, int64_t until)
{
    int64_t left = until - clock_mono();
    scope *limited = scope_child(s, MAX_OF(left, 1));
    void *item;
    err e = chan_recv(limited, w->bell, &item);

    scope_close(limited);
    return e == OK || e == ERR_TIMEOUT ? scope_check(s) : e;
}

typedef struct {
    pattern *p;
    str text;
    pattern_found found;
} search_job;

static void on_search(void *arg)
{
    search_job *j = arg;
    size_t start, end;

    j->found = pattern_find(j->p, j->text, 0, &start, &end);
}

/* In a copy: the output goes on meanwhile. */
static err search_output(scope *s, const shell_task *t, pattern *p, pattern_found *found)
{
    scope *own = scope_child(s, NO_LIMIT);
    search_job j = {.p = p, .text = {arena_memdup(own->arena, t->output.data, t->output.len), t->output.len}};
    err e = offload(own, on_search, &j);

    scope_close(own);
    *found = e == OK ? j.found : PATTERN_NO;
    return e;
}

/* What is said bit by bit is not searched anew for each bit, and a long search is followed by a long pause. */
static int64_t pause_after(int64_t began)
{
    int64_t now = clock_mono();

    return now + MAX_OF(merge_time, now - began);
}

err shell_wait(scope *s, shell_task *t, int64_t limit, pattern *until, const tool_context *cx, pattern_found *found)
{
    waiter w = {.bell = chan_new(s->arena, 1)};
    viewer v = {.cx = cx, .shown = t->background ? t->output.len : 0};
    int64_t end = clock_mono() + limit, next_search = 0;
    size_t searched = 0;
    err e = OK;

    *found = PATTERN_NO;
    list_append(&t->waiters, &w.link);
    for (;;) {
        int64_t now = clock_mono(), wake = end;
        size_t waiting = t->output.len - v.shown;
        bool last = t->ended || now >= end, unsearched = until != NULL && searched != t->output.len;

        if (waiting > 0 && (t->ended || now - v.last >= merge_time || waiting >= MERGE_BYTES))
            show(&v, t);
        if (unsearched && (last || now >= next_search)) {
            searched = t->output.len;
            if ((e = search_output(s, t, until, found)) != OK || *found != PATTERN_NO)
                break;
            next_search = pause_after(now);
            if (now < end || t->ended)
                continue; /* it may have said more meanwhile, or ended */
        }
        if (last)
            break;
        if (t->output.len > v.shown)
            wake = MIN_OF(wake, v.last + merge_time);
        if (unsearched)
            wake = MIN_OF(wake, next_search);
        if ((e = await_bell(s, &w, wake)) != OK)
            break;
    }
    list_remove(&w.link);
    return e;
}

/* Asks what runs inside the box to end.  The box itself (bubblewrap, and its first process, which ignores signals from
 * outside) is left alone: with them gone the kernel kills the rest at once. */
static void terminate(int pid, int depth)
{
    char path[64], *at = NULL;
    char text[4096];
    FILE *f;
    size_t n;

    if (depth > NEST_MAX)
        return;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    if ((f = fopen(path, "re")) == NULL)
        return;
    n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    for (char *p = text; *p != '\0'; p = at) {
        long child = strtol(p, &at, 10);

        if (at == p || child <= 1)
            break;
        terminate((int)child, depth + 1);
        if (depth > 0)
            (void)kill((pid_t)child, SIGTERM);
    }
}

err shell_kill(scope *s, shell_task *t)
{
    static const tool_context nobody = {0};
    pattern_found found;
    err e;

    if (t->ended)
        return OK;
    t->killed = true;
    terminate(t->pid, 0);
    e = shell_wait(s, t, grace, NULL, &nobody, &found);
    if (!t->ended) {
        proc_signal(t->p, SIGKILL);
        if (e == OK)
            e = shell_wait(s, t, grace, NULL, &nobody, &found);
    }
    return e;
}

static json_t *clean(const char *p, size_t len)
{
    arena *a = arena_new(NULL);
    str text = text_repair(a, (str){p, len});
    json_t *v = json_stringn(text.p, text.len);

    arena_free(a);
    return v;
}

json_t *shell_output(const shell_task *t)
{
    return clean(t->output.data, t->output.len);
}

json_t *shell_tail(const shell_task *t)
{
    char out[TASK_TAIL];
    size_t n = MIN_OF(t->total, TASK_TAIL), skip = 0;

    for (size_t i = 0; i < n; i++)
        out[i] = t->tail[(t->total - n + i) % TASK_TAIL];
    while (t->total > n && skip < MIN_OF(n, 3) && ((unsigned char)out[skip] & 0xc0) == 0x80)
        skip++;
    return clean(out + skip, n - skip);
}
