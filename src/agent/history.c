/* SPDX-License-Identifier: MIT */
/* The stored messages of a session as the ledger of a run. */
#include "agent/chat.h"
#include "model/conversation.h"

/* A summary is stored behind the messages that followed it: it belongs right behind those that it covers. */
static void place_summaries(ledger *l)
{
    for (size_t i = 0; i < l->n; i++) {
        entry *moved = l->items[i];
        const char *last = entry_is_summary(moved) ? entry_meta_str(moved, "source_end_message_id") : NULL;
        size_t to = 0;

        if (last == NULL)
            continue;
        for (size_t k = 0; k < i; k++) /* behind the source, and behind the pair's first half */
            if (cstr_eq(l->items[k]->id, last) || cstr_eq(entry_meta_str(l->items[k], "source_end_message_id"), last))
                to = k + 1;
        if (to == 0 || to == i)
            continue;
        memmove(l->items + to + 1, l->items + to, (i - to) * sizeof *l->items);
        l->items[to] = moved;
    }
}

enum { HISTORY_MAX = 512 << 20 };

typedef struct {
    const char *session_id;
    arena *a;
    ledger *l;
    size_t bytes;
} reading;

static err read_message(scope *s, const message_row *m, void *arg)
{
    reading *r = arg;
    entry e;

    r->bytes += strlen(m->body);
    if (r->bytes > HISTORY_MAX)
        return fail_code(s, ERR_TOO_LARGE, "conversation.too_large", r->session_id,
                         "the conversation is too large to go on with");
    if (entry_read(r->a, arena_strdup(r->a, m->message_id), m->role, arena_strdup(r->a, m->type), m->created_at,
                   m->body, &e) != OK)
        return fail(s, ERR_INTERNAL, "a stored message of session %s is damaged", r->session_id);
    ledger_add(r->l, e);
    return OK;
}

err chat_history(scope *s, arena *a, const char *session_id, ledger **out)
{
    reading r = {.session_id = session_id, .a = a, .l = ledger_new(a)};

    TRY(message_each(s, session_id, read_message, &r));
    place_summaries(r.l);
    *out = r.l;
    return OK;
}
