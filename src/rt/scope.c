/* SPDX-License-Identifier: MIT */
/*
 * Scopes: a tree of lifetimes, and the failure that each carries.
 *
 * Ending a scope walks the tree below it without recursion.  A fiber that was parked in a scope stays on its list until
 * it has really left, so that closing the scope can wait for it.
 */
#include "rt/scope.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/str.h"
#include "rt/rt_internal.h"

enum { FAILURE_TEXT_MAX = 1024 };

/* A fiber that waits for a scope to become empty; on its own stack. */
typedef struct {
    list_link link;
    fiber *waiter;
    bool done;
} joiner;

static int64_t deadline_after(int64_t timeout)
{
    int64_t at;

    if (timeout == NO_LIMIT || ADD_OVERFLOWS(clock_mono(), MAX_OF(timeout, (int64_t)0), &at))
        return NO_LIMIT;
    return at;
}

static scope *make(arena *memory, scope *parent, const char *label)
{
    scope *s = arena_one(memory, scope);

    s->arena = memory;
    s->loop = loop_self();
    s->parent = parent;
    s->label = label;
    s->deadline = NO_LIMIT;
    list_init(&s->sibling);
    list_init(&s->children);
    list_init(&s->parked);
    list_init(&s->joiners);
    return s;
}

scope *scope_new(const char *label)
{
    return make(arena_new(NULL), NULL, label);
}

scope *scope_child(scope *parent, int64_t timeout)
{
    scope *s = make(arena_new(parent->arena), parent, parent->label);

    s->loop = parent->loop;
    s->deadline = MIN_OF(parent->deadline, deadline_after(timeout));
    s->ended = parent->ended;
    s->reason = parent->reason;
    list_append(&parent->children, &s->sibling);
    return s;
}

/* The scope after `s` in the tree below `top`, parents first; NULL at the end. */
static scope *walk_next(scope *s, const scope *top)
{
    if (!list_empty(&s->children))
        return LIST_OF(s->children.next, scope, sibling);
    for (; s != top; s = s->parent)
        if (s->sibling.next != &s->parent->children)
            return LIST_OF(s->sibling.next, scope, sibling);
    return NULL;
}

/* Is `inner` the scope `s`, or below it? */
static bool holds(const scope *s, const scope *inner)
{
    while (inner != NULL && inner != s)
        inner = inner->parent;
    return inner != NULL;
}

/* ---- ending ---- */

static void wake_parked(scope *s)
{
    for (list_link *l = s->parked.next; l != &s->parked; l = l->next)
        fiber_unpark(LIST_OF(l, fiber, in_scope));
}

void scope_cancel(scope *s, const char *reason)
{
    if (s->ended != OK)
        return;
    reason = arena_strdup(s->arena, reason);
    for (scope *w = s; w != NULL; w = walk_next(w, s)) {
        if (w->ended != OK)
            continue;
        w->ended = ERR_CANCELLED;
        w->reason = reason;
        wake_parked(w);
    }
}

err scope_check(scope *s)
{
    if (s->ended == OK && s->deadline != NO_LIMIT && clock_mono() >= s->deadline)
        s->ended = ERR_TIMEOUT;
    return s->ended;
}

int64_t scope_remaining(const scope *s)
{
    int64_t now;

    if (s->ended != OK)
        return 0;
    if (s->deadline == NO_LIMIT)
        return NO_LIMIT;
    now = clock_mono();
    return now < s->deadline ? s->deadline - now : 0;
}

void scope_set_timeout(scope *s, int64_t timeout)
{
    int64_t at = deadline_after(timeout);

    for (scope *w = s; w != NULL; w = walk_next(w, s)) {
        if (w->deadline <= at)
            continue;
        w->deadline = at;
        for (list_link *l = w->parked.next; l != &w->parked; l = l->next) {
            fiber *f = LIST_OF(l, fiber, in_scope);

            f->wake_at = MIN_OF(f->wake_at, at);
            timer_set(w->loop, f);
        }
    }
}

/* ---- fibers ---- */

void scope_spawn(scope *s, err (*fn)(scope *s, void *arg), void *arg)
{
    assert(s->loop != NULL && s->loop == loop_self());
    fiber_new(s->loop, s, fn, arg, true);
}

void scope_left(scope *s)
{
    if (s->fibers > 0)
        return;
    for (list_link *l = s->joiners.next; l != &s->joiners; l = l->next)
        fiber_wake(LIST_OF(l, joiner, link)->waiter);
}

void scope_fiber_ended(scope *s, err e)
{
    s->fibers--;
    if (s->first_error == OK)
        s->first_error = e;
    scope_left(s);
}

/* With `all`, nobody else is parked in it, or still freeing a child of it. */
static bool is_empty(const scope *s, bool all)
{
    return s->fibers == 0 && (!all || (list_empty(&s->parked) && s->leaving == 0));
}

/* Waits for the fibers spawned in `s`; with `all`, also for others. */
static void wait_empty(scope *s, bool all)
{
    joiner j = {.waiter = fiber_self()};

    if (is_empty(s, all))
        return;
    if (j.waiter == NULL)
        mem_die("a scope with fibers was closed outside any fiber", 0);
    list_append(&s->joiners, &j.link);
    while (!is_empty(s, all))
        fiber_park_shielded();
    list_remove(&j.link);
}

err scope_join(scope *s)
{
    wait_empty(s, false);
    return s->first_error;
}

static void begin_to_close(scope *s)
{
    if (s->closing)
        mem_die("a scope is closed twice at the same time", 0);
    s->closing = true;
}

/* The fibers of a scope end before its children are closed, because they may close children themselves. */
void scope_close(scope *s)
{
    const fiber *f = fiber_self();
    scope *w = s;

    if (s == NULL)
        return;
    if (f != NULL && f->counted && holds(s, f->scope))
        mem_die("a fiber closes the scope it runs in", 0);
    begin_to_close(s);
    scope_cancel(s, NULL);
    for (;;) {
        scope *up = w->parent;

        wait_empty(w, true);
        if (!list_empty(&w->children)) {
            w = LIST_OF(w->children.next, scope, sibling);
            begin_to_close(w);
            continue;
        }
        list_remove(&w->sibling);
        if (up != NULL)
            up->leaving++;
        arena_free(w->arena); /* what was deferred may park */
        if (up != NULL) {
            up->leaving--;
            scope_left(up);
        }
        if (w == s)
            return;
        w = up;
    }
}

bool scope_closes_at_once(const scope *s)
{
    return is_empty(s, true) && list_empty(&s->children) && !s->deferred;
}

void scope_defer(scope *s, void (*fn)(void *arg), void *arg)
{
    s->deferred = true;
    arena_defer(s->arena, fn, arg);
}

/* ---- failures ---- */

/* One sentence in the scope's arena, cut between characters when it is too long. */
PRINTF(2, 0) static const char *sentence(scope *s, const char *format, va_list args)
{
    char text[FAILURE_TEXT_MAX];
    int len = vsnprintf(text, sizeof text, format, args);
    size_t n = len < 0 ? 0 : MIN_OF((size_t)len, sizeof text - 1);

    while ((size_t)len >= sizeof text && n > 0 && ((unsigned char)text[n - 1] & 0x80) && !utf8_valid(text, n))
        n--;
    return arena_strndup(s->arena, text, n);
}

err fail(scope *s, err e, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    s->failure = (failure){.e = e, .text = sentence(s, format, args)};
    va_end(args);
    return e;
}

err fail_code(scope *s, err e, const char *code, const char *subject, const char *format, ...)
{
    failure f = {.e = e, .code = arena_strdup(s->arena, code), .subject = arena_strdup(s->arena, subject)};
    va_list args;

    va_start(args, format);
    f.text = sentence(s, format, args);
    va_end(args);
    s->failure = f;
    return e;
}

err fail_from(scope *to, const scope *from, err e)
{
    failure f = scope_failure(from, e);

    if (e == OK)
        return OK;
    return f.code != NULL ? fail_code(to, e, f.code, f.subject, "%s", f.text) : fail(to, e, "%s", f.text);
}

static const char *generic_text(err e)
{
    static const char *const texts[ERR_COUNT] = {
        [OK] = "no failure",
        [ERR_INVALID] = "the input is not valid",
        [ERR_UNAUTHENTICATED] = "authentication is required",
        [ERR_DENIED] = "permission denied",
        [ERR_NOT_FOUND] = "not found",
        [ERR_CONFLICT] = "it conflicts with what is there",
        [ERR_BUSY] = "busy, try again later",
        [ERR_RATE] = "too many requests",
        [ERR_TOO_LARGE] = "too large",
        [ERR_LIMIT] = "a limit was reached",
        [ERR_TIMEOUT] = "the time limit was reached",
        [ERR_CANCELLED] = "cancelled",
        [ERR_CLOSED] = "the connection was closed",
        [ERR_IO] = "reading or writing failed",
        [ERR_NO_SPACE] = "no space left",
        [ERR_UPSTREAM] = "a server that was asked failed",
        [ERR_UNSUPPORTED] = "not supported",
        [ERR_INTERNAL] = "internal error",
    };

    return e < ERR_COUNT ? texts[e] : texts[ERR_INTERNAL];
}

failure scope_failure(const scope *s, err e)
{
    if (s->failure.e == e && e != OK)
        return s->failure;
    if (e == ERR_CANCELLED && s->reason != NULL)
        return (failure){.e = e, .text = s->reason};
    return (failure){.e = e, .text = generic_text(e)};
}
