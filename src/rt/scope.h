/* SPDX-License-Identifier: MIT */
/*
 * Scopes: the lifetime of a piece of work (a request, a run, a job), and how it ends early.
 *
 * A scope owns an arena, may have a deadline, can be cancelled, and joins the fibers spawned in it before it goes.
 * Client disconnect, interrupt, shutdown and timeout are one thing: the scope ends, and every call parked in it or in
 * its children returns ERR_CANCELLED or ERR_TIMEOUT.  A scope belongs to the loop that made it; other threads reach it
 * only through loop_post().
 *
 * A scope also carries the one sentence that says why something failed: fail() records it where the cause is known.
 */
#ifndef RT_SCOPE_H
#define RT_SCOPE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"

typedef struct loop loop;
typedef struct scope scope;

/* Why the work failed: for the user, in English.  Faces with other languages translate by `code` and `subject`. */
typedef struct {
    err e;
    const char *code;    /* stable dotted name ("agent.not_found"), or NULL */
    const char *subject; /* the name or id in question, or NULL */
    const char *text;    /* one sentence without a full stop; never holds a secret */
} failure;

struct scope {
    arena *arena; /* dies with the scope */
    loop *loop;
    scope *parent;
    const char *label;  /* what kind of work, for the log; static text */
    const char *id;     /* request or run id, or NULL: inherited for logs */
    int64_t deadline;   /* clock_mono() value, NO_LIMIT when none; never later than the parent's */
    err ended;          /* OK, ERR_CANCELLED or ERR_TIMEOUT */
    const char *reason; /* of the cancellation, or NULL */
    failure failure;    /* the last fail(), e is OK when there was none */
    /* The rest belongs to scope.c and fiber.c. */
    list_link sibling;  /* in parent->children */
    list_link children; /* scopes */
    list_link parked;   /* fibers parked in this scope */
    list_link joiners;  /* fibers in scope_join() */
    size_t fibers;      /* spawned and not yet ended */
    size_t leaving;     /* children that are being freed */
    err first_error;    /* of the fibers that ended */
    bool closing;
    bool deferred; /* something was: closing may park */
};

/* A scope of its own, without parent: the caller must scope_close() it.  On the calling thread's loop. */
scope *scope_new(const char *label);

/* A child that ends no later than `timeout` nanoseconds from now (NO_LIMIT: with the parent).  Closed by scope_close(),
 * or by the parent's. */
scope *scope_child(scope *parent, int64_t timeout);

/* Parks (shielded) until the fibers spawned in `s` and its children have ended, after cancelling them; then releases
 * what was deferred, newest first, and the arena.  Deferred calls may park.  Not from a fiber spawned in `s` or below, nor
 * while another closes it; from a loop callback only when no fiber is left in it.  Accepts NULL. */
void scope_close(scope *s);

/* Whether scope_close() would not park, and so may be called outside fibers. */
bool scope_closes_at_once(const scope *s);

/* Ends the work: every call parked in `s` or below returns ERR_CANCELLED, and so does every later one.  Only the first
 * reason counts.  `reason` is copied; may be NULL. */
void scope_cancel(scope *s, const char *reason);

/* OK while the scope may go on, else ERR_CANCELLED or ERR_TIMEOUT. */
MUST_USE err scope_check(scope *s);

/* Nanoseconds left, 0 when over, NO_LIMIT without deadline. */
int64_t scope_remaining(const scope *s);

/* Moves the deadline to at most `timeout` nanoseconds from now; never past the parent's. */
void scope_set_timeout(scope *s, int64_t timeout);

/* A fiber that runs fn(s, arg) on this loop, in this scope.  `arg` must live until it ends.  Starts at the loop's next turn. */
void scope_spawn(scope *s, err (*fn)(scope *s, void *arg), void *arg);

/* Parks until every fiber spawned in `s` has ended.  The first error that one returned, or OK.  When the scope of the
 * wait itself ends, the fibers have ended too, since they are parked in the same scope. */
MUST_USE err scope_join(scope *s);

/* Calls fn(arg) when the scope closes. */
void scope_defer(scope *s, void (*fn)(void *arg), void *arg);

/* Records why and returns `e`: `return fail(s, ERR_NOT_FOUND, "no agent %s", id);` */
err fail(scope *s, err e, const char *format, ...) PRINTF(3, 4);

/* The same with a stable code and its subject (copied; may be NULL), for faces that translate. */
err fail_code(scope *s, err e, const char *code, const char *subject, const char *format, ...) PRINTF(5, 6);

/* Hands the failure of a child scope to `to`, and returns its error. */
err fail_from(scope *to, const scope *from, err e);

/* What was recorded for `e`; the reason of the cancellation, or a generic sentence, when nothing was. */
failure scope_failure(const scope *s, err e);

#endif
