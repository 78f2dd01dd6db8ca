/* SPDX-License-Identifier: MIT */
/*
 * Warm processes for scripts, on each loop its own.
 *
 * A process serves one run.  When one is taken the next is started in the background, so that a run finds one ready as long as
 * they do not come faster than processes start.  A loop has its share of what may run at once, and of the line.
 *
 * The next run is that of whoever has the fewest, in the order they came; and nobody has more than three quarters of what may
 * run or wait, so that endless scripts of one user do not keep the others out until their time is over.
 *
 * Invariant: after pump() there are as many processes ready or starting as runs that could begin, plus the pool's share.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "rt/fiber.h"
#include "rt/loop.h"
#include "script/internal.h"

enum { STARTS_AT_ONCE = 8, YIELD_AFTER = 256 << 10 };
#define START_LIMIT SECONDS(20)

/* A run that has not got its process yet. */
typedef struct {
    list_link link;
    const char *owner; /* NULL: nobody's, which is not counted */
    fiber *waiter;
    worker *given;
    bool failed; /* none can be started */
    bool in_line;
} place;

/* The process that is forked (runner/template.c), in a scope of its own. */
typedef struct {
    pool *of;
    scope *scope;
    proc *p;
} template_process;

struct pool {
    bool made, open;
    list_link warm; /* workers */
    list_link line; /* places */
    list_link busy; /* workers that serve a run */
    size_t n_warm, n_line, starting, running;
    unsigned closes;            /* how often it was closed, which ends processes that are just starting */
    template_process *template; /* NULL: there is none, or it is being closed */
    sem forking;                /* one request to it at a time */
};

static pool pools[LOOPS_MAX];

static void pump(pool *p);

static pool *pool_here(void)
{
    pool *p = &pools[loop_index(loop_self())];

    if (!p->made) {
        *p = (pool){.made = true};
        list_init(&p->warm);
        list_init(&p->line);
        list_init(&p->busy);
        sem_setup(&p->forking, 1);
    }
    return p;
}

static size_t share(size_t of_all)
{
    return MAX_OF(of_all / loop_count(), (size_t)1);
}

/* ---- what each may have ---- */

static size_t most_of_one(size_t of_all)
{
    size_t all = share(of_all);

    return all - all / 4;
}

static size_t runs_of(pool *p, const char *owner)
{
    size_t n = 0;

    for (list_link *at = p->busy.next; owner != NULL && at != &p->busy; at = at->next)
        n += cstr_eq(LIST_OF(at, worker, link)->owner, owner);
    return n;
}

static size_t waits_of(pool *p, const char *owner)
{
    size_t n = 0;

    for (list_link *at = p->line.next; owner != NULL && at != &p->line; at = at->next)
        n += cstr_eq(LIST_OF(at, place, link)->owner, owner);
    return n;
}

/* Whose turn it is; NULL: nobody's of those who wait. */
static place *next_in_line(pool *p)
{
    const size_t most = most_of_one(script_config.max_running);
    size_t fewest = most;
    place *best = NULL;

    for (list_link *at = p->line.next; at != &p->line && fewest > 0; at = at->next) {
        place *pl = LIST_OF(at, place, link);
        size_t n = runs_of(p, pl->owner);

        if (n < fewest) {
            fewest = n;
            best = pl;
        }
    }
    return best;
}

/* ---- frames ---- */

err worker_read(scope *s, worker *w, frame_source *src, script_frame *f, bool *whole, bool *nonsense)
{
    err e;

    *whole = *nonsense = false;
    for (;;) {
        size_t len = 0;

        if ((*whole = frames_next(&w->frames, &src->rest, f, &e)))
            return OK;
        if ((*nonsense = e != OK))
            return OK;
        TRY(proc_read(s, w->p, 1, src->chunk, FRAME_CHUNK, &len));
        if (len == 0)
            return OK;
        src->since_yield += len;
        if (src->since_yield > YIELD_AFTER) { /* one that never stops talking holds nobody else up */
            src->since_yield = 0;
            fiber_yield();
        }
        src->rest = (str){src->chunk, len};
    }
}

/* ---- starting and ending ---- */

static void leave_pool(worker *w)
{
    if (!w->warm)
        return;
    w->warm = false;
    list_remove(&w->link);
    w->home->n_warm--;
    script_gauge_warm(-1);
}

/* The last thing that happens in its scope, whoever closes that. */
static void on_close(void *arg)
{
    worker *w = arg;

    leave_pool(w);
    frames_close(&w->frames);
    free(w);
}

static worker *worker_new(scope *root, pool *home)
{
    worker *w = mem_zalloc(1, sizeof *w);

    frames_open(&w->frames);
    w->home = home;
    w->root = root;
    w->scope = scope_child(root, NO_LIMIT);
    scope_defer(w->scope, on_close, w);
    return w;
}

static err free_fiber(scope *s, void *arg)
{
    worker *w = arg;

    (void)s;
    scope_close(w->scope);
    return OK;
}

static void free_later(worker *w)
{
    scope_spawn(loop_root(loop_self()), free_fiber, w);
}

/* ---- the template process ---- */

/* Its scope was closed by the one above. */
static void on_template_gone(void *arg)
{
    template_process *t = arg;

    if (t->of->template == t)
        t->of->template = NULL;
}

/* Closing parks, and whoever runs meanwhile must neither use it nor close it again. */
static void close_template(pool *p)
{
    template_process *t = p->template;

    p->template = NULL;
    if (t != NULL)
        scope_close(t->scope);
}

static err open_template(scope *root, pool *p)
{
    template_process *t;
    scope *own;
    err e;

    const char *argv[] = {script_runner(NULL), "template", NULL};
    proc_spec spec = {.argv = argv,
                      .env = script_runner_env,
                      .cwd = "/",
                      .socket = true,
                      .in_background = true,
                      .max_buffered = KIB(4)};

    if (p->template != NULL && !proc_ended(p->template->p))
        return OK;
    close_template(p);
    own = scope_child(root, NO_LIMIT);
    t = arena_one(own->arena, template_process);
    *t = (template_process){.of = p, .scope = own};
    e = proc_start(own, &spec, &t->p);
    if (e != OK) {
        scope_close(own);
        return e;
    }
    scope_defer(own, on_template_gone, t);
    p->template = t;
    return OK;
}

/* What a template that has ended by itself wrote last says why nothing can be started. */
static void log_last_words(scope *s, const template_process *t)
{
    char text[512] = "";
    size_t len = 0;

    if (proc_read(s, t->p, 2, text, sizeof text - 1, &len) == OK && len > 0)
        log_error("script.template", log_str("said", text));
}

static err fork_one(scope *s, worker *w)
{
    pool *p = w->home;
    template_process *t;
    int ends[2], pidfd = -1;
    err e;

    TRY(open_template(w->root, p));
    t = p->template;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fail(s, ERR_IO, "no socket for a script's process");
    if ((e = proc_send_fd(s, t->p, ends[0])) == OK)
        e = proc_receive_fd(s, t->p, &pidfd);
    close(ends[0]);
    if (e == OK)
        return proc_adopt(w->scope, pidfd, ends[1], &w->p);
    close(ends[1]);
    if (p->template == t && e == ERR_CLOSED)
        log_last_words(s, t);
    /* A late answer would be taken for another's.  Not for less than that: its runners end with it. */
    if (p->template == t && (e == ERR_CLOSED || e == ERR_TIMEOUT))
        close_template(p);
    return e;
}

/* A request that is cut short would leave its answer to the next. */
static err make_process(scope *s, worker *w)
{
    err e;

    TRY(sem_take(s, &w->home->forking));
    e = fork_one(s, w);
    sem_give(&w->home->forking);
    return e;
}

static err start(scope *s, worker *w)
{
    frame_source src = {.chunk = mem_alloc(FRAME_CHUNK)};
    bool whole = false, nonsense;
    script_frame f;
    err e = make_process(s, w);

    if (e == OK)
        e = worker_read(s, w, &src, &f, &whole, &nonsense);
    if (e == OK && (!whole || f.type != WIRE_READY || src.rest.len > 0))
        e = ERR_CLOSED;
    free(src.chunk);
    return e;
}

static void fail_line(pool *p)
{
    while (!list_empty(&p->line)) {
        place *pl = LIST_OF(p->line.next, place, link);

        list_remove(&pl->link);
        p->n_line--;
        pl->in_line = false;
        pl->failed = true;
        fiber_wake(pl->waiter);
    }
}

static err start_fiber(scope *root, void *arg)
{
    pool *p = arg;
    worker *w = worker_new(root, p);
    scope *limited = scope_child(root, START_LIMIT);
    const unsigned closes = p->closes;
    err e = start(limited, w);

    scope_close(limited);
    p->starting--;
    if (e == OK) {
        list_append(&p->warm, &w->link);
        w->warm = true;
        p->n_warm++;
        script_gauge_warm(1);
        pump(p);
        return OK;
    }
    scope_close(w->scope);
    if (p->closes != closes) { /* which is no reason why others could not be started */
        pump(p);
        return OK;
    }
    if (e != ERR_CANCELLED) /* else the server stops */
        log_error("script.start", log_str("problem", err_name(e)));
    if (p->starting == 0)
        fail_line(p);
    return OK;
}

static worker *take_warm(pool *p)
{
    while (!list_empty(&p->warm)) {
        worker *w = LIST_OF(p->warm.next, worker, link);

        leave_pool(w);
        if (!proc_ended(w->p))
            return w;
        free_later(w); /* killed by somebody else */
    }
    return NULL;
}

static void retire_one(pool *p)
{
    worker *w = take_warm(p);

    if (w != NULL)
        free_later(w);
}

static void give(pool *p, place *to, worker *w)
{
    list_remove(&to->link);
    p->n_line--;
    to->in_line = false;
    to->given = w;
    w->owner = to->owner;
    list_append(&p->busy, &w->link);
    p->running++;
    fiber_wake(to->waiter);
}

/* Gives out what is ready and starts what is missing. */
static void pump(pool *p)
{
    size_t most = share(script_config.max_running), wanted;
    place *next = NULL;

    while (p->running < most && (next = next_in_line(p)) != NULL) {
        worker *w = take_warm(p);

        if (w == NULL)
            break;
        give(p, next, w);
    }
    wanted = next != NULL ? MIN_OF(p->n_line, most - MIN_OF(most, p->running)) : 0;
    wanted += p->open ? share(script_config.pool) : 0;
    while (p->n_warm + p->starting < wanted && p->starting < STARTS_AT_ONCE) {
        p->starting++;
        scope_spawn(loop_root(loop_self()), start_fiber, p);
    }
    while (!p->open && p->n_warm > wanted) /* whoever asked for it has gone */
        retire_one(p);
}

void pool_give_back(worker *w, bool now)
{
    pool *p = pool_here();

    p->running--;
    list_remove(&w->link);
    if (now)
        scope_close(w->scope);
    else
        free_later(w);
    pump(p);
}

/* ---- for runs ---- */

static err wait_in_line(scope *s, pool *p, place *pl)
{
    err e = OK;

    script_gauge_waiting(1);
    while (pl->in_line && e == OK)
        e = fiber_park(s);
    script_gauge_waiting(-1);
    if (pl->in_line) {
        list_remove(&pl->link);
        p->n_line--;
    }
    return e;
}

err pool_take(scope *s, const char *owner, worker **out)
{
    pool *p = pool_here();
    place pl = {.owner = owner, .waiter = fiber_self(), .in_line = true};
    const char *why;

    TRY(scope_check(s));
    if (script_runner(&why) == NULL)
        return fail_code(s, ERR_UNSUPPORTED, "script.unavailable", NULL, "%s", why);
    if (p->n_line >= share(script_config.max_waiting) || waits_of(p, owner) >= most_of_one(script_config.max_waiting))
        return fail_code(s, ERR_BUSY, "script.busy", NULL, "too many scripts are running and waiting; try again later");
    list_append(&p->line, &pl.link);
    p->n_line++;
    pump(p);
    err e = wait_in_line(s, p, &pl);
    if (pl.given != NULL) { /* even when the scope has ended since: the run will notice */
        *out = pl.given;
        return OK;
    }
    if (pl.failed)
        return fail_code(s, ERR_UNSUPPORTED, "script.unavailable", NULL,
                         "the process for scripts does not start; sluice doctor says why");
    return e;
}

void script_pool_open(void)
{
    pool *p = pool_here();

    p->open = true;
    if (script_runner(NULL) != NULL)
        pump(p);
}

void script_pool_close(void)
{
    pool *p = pool_here();
    worker *w;

    p->open = false;
    p->closes++;
    while ((w = take_warm(p)) != NULL)
        scope_close(w->scope);
    close_template(p);
}
