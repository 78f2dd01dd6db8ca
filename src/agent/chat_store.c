/* SPDX-License-Identifier: MIT */
/* What is written of a chat turn: messages while it runs, and its end; see chat_internal.h.  Its beginning is in chat.c. */
#include "agent/chat_internal.h"
#include "base/clock.h"
#include "rt/sleep.h"

static const char *role_name(llm_role role)
{
    return role == ROLE_USER ? "user" : role == ROLE_TOOL ? "tool" : "assistant";
}

size_t chat_take_unstored(const ledger *l, arena *a, message_row **out)
{
    message_row *rows = arena_array(a, message_row, l->n);
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++) {
        entry *e = l->items[i];

        if (e->stored)
            continue;
        rows[n++] = (message_row){.message_id = e->id,
                                  .role = role_name(e->role),
                                  .type = e->type,
                                  .body = entry_write(a, e),
                                  .created_at = e->time};
        e->stored = true;
    }
    *out = rows;
    return n;
}

/* They are not stored after all: the next write takes them again. */
static void give_back(const ledger *l, const message_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        entry *e = ledger_find(l, rows[i].message_id);

        if (e != NULL)
            e->stored = false;
    }
}

err chat_save_progress(scope *s, void *arg)
{
    chat *c = arg;
    arena *a = arena_new(s->arena);
    message_row *rows;
    size_t n = chat_take_unstored(c->ledger, a, &rows);
    err e = OK;

    while (c->begun == BEGIN_PENDING && e == OK) { /* engines with several connections do not keep our order for us */
        c->waits_for_begin = fiber_self();
        e = fiber_park(s);
    }
    c->waits_for_begin = NULL;
    if (e == OK && n > 0)
        e = turn_progress(s, c->plan.session_id, rows, n);
    if (e != OK)
        give_back(c->ledger, rows, n);
    arena_free(a);
    return e;
}

static char *models_text(arena *a, const usage_tally *u)
{
    json_t *names = json_hold(a, json_array());

    for (const usage_step *step = u->steps; step != NULL; step = step->next)
        json_array_append_new(names, json_string(step->model != NULL ? step->model : ""));
    return json_text(a, names);
}

err chat_save_end(scope *s, chat *c, run_status status, const char *reason)
{
    static const char *const names[] = {
        [RUN_COMPLETED] = "completed", [RUN_FAILED] = "failed", [RUN_INTERRUPTED] = "interrupted"};
    const usage_tally *u = &c->outcome.usage;
    turn_finish end = {.session_id = c->plan.session_id, .run = &c->row};
    message_row *rows;

    c->row.status = names[status];
    c->row.error = status == RUN_FAILED ? reason : NULL;
    c->row.finished_at = clock_wall();
    c->row.usage = (token_usage){
        .input_tokens = u->total.prompt,
        .output_tokens = u->total.completion,
        .total_tokens = u->total.total,
        .cached_tokens = u->total.cached,
        .reasoning_tokens = u->total.reasoning,
        .steps = (int64_t)u->n_steps,
        .step_models = models_text(s->arena, u),
    };
    if (c->stateless)
        return run_row_insert(s, &c->row);
    end.n_messages = chat_take_unstored(c->ledger, s->arena, &rows);
    end.messages = rows;
    return turn_end(s, &end);
}

void chat_mark_failed_later(scope *root, chat *c)
{
    enum { TRIES = 1000 };
    turn_finish end = {.session_id = c->plan.session_id, .run = &c->row};
    err e = ERR_IO;

    c->row.status = "failed";
    c->row.error = "the conversation could not be stored";
    c->row.usage.step_models = models_text(c->s->arena, &c->outcome.usage);
    for (int i = 0; e != OK && i < TRIES && sleep_for(root, SECONDS(5)) == OK; i++) {
        scope *s = scope_new("run-end");

        scope_set_timeout(s, SECONDS(30));
        e = turn_end(s, &end);
        scope_close(s);
    }
}
