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

err chat_history(scope *s, arena *a, const char *session_id, ledger **out)
{
    ledger *l = ledger_new(a);
    message_row *rows;
    size_t n;

    TRY(message_list_all(s, session_id, &rows, &n));
    for (size_t i = 0; i < n; i++) {
        entry e;

        if (entry_read(a, arena_strdup(a, rows[i].message_id), rows[i].role, arena_strdup(a, rows[i].type),
                       rows[i].created_at, rows[i].body, &e) != OK)
            return fail(s, ERR_INTERNAL, "a stored message of session %s is damaged", session_id);
        ledger_add(l, e);
    }
    place_summaries(l);
    *out = l;
    return OK;
}
