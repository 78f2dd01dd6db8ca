/* SPDX-License-Identifier: MIT */
/*
 * Noticing that a run goes in circles: the last turns' signatures form a repeated period
 * (contracts/sage-agent-runtime.md section 2.2).
 *
 * A signature is a hash of what the turn said, which tools it called with which arguments, and what came back.  The first
 * hits are answered with a hidden hint; the third ends the run with a question to the user.
 */
#include <sodium.h>

#include "agent/agent_internal.h"

enum { MOST_HITS = 3, LONGEST_PERIOD = 8 };

static void hash_text(crypto_generichash_state *h, const char *text, size_t len)
{
    crypto_generichash_update(h, (const unsigned char *)text, len);
    crypto_generichash_update(h, (const unsigned char *)"", 1);
}

/* The result of a call of this turn: some providers give the same ids in every turn, so the newest counts. */
static str result_text(const ledger *l, const char *call_id)
{
    for (size_t i = l->n; i > 0; i--)
        if (cstr_eq(l->items[i - 1]->tool_call_id, call_id))
            return str_of(l->items[i - 1]->text);
    return str_of(NULL);
}

/* Arguments without what differs from call to call although the intent is the same. */
static void hash_arguments(crypto_generichash_state *h, arena *a, const turn_call *c)
{
    static const char *const volatile_keys[] = {"timestamp", "nonce", "request_id", "trace_id"};
    json_t *args;
    char *text;

    if (json_parse(a, buf_str(&c->arguments), c->arguments.len, NULL, &args) != OK) {
        hash_text(h, buf_str(&c->arguments), c->arguments.len);
        return;
    }
    for (size_t i = 0; i < COUNT(volatile_keys); i++)
        json_object_del(args, volatile_keys[i]);
    text = json_dumps(args, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    if (text != NULL)
        hash_text(h, text, strlen(text));
    free(text);
}

static uint64_t signature(agent_state *st, const turn *t)
{
    arena *a = arena_new(st->s->arena);
    crypto_generichash_state h;
    unsigned char digest[16];
    uint64_t value;

    crypto_generichash_init(&h, NULL, 0, sizeof digest);
    hash_text(&h, buf_str(&t->text), t->text.len);
    for (const turn_call *c = t->calls; c != NULL; c = c->next) {
        str result = result_text(st->l, c->id);

        hash_text(&h, c->name, str_of(c->name).len);
        hash_arguments(&h, a, c);
        hash_text(&h, result.p, result.len);
    }
    crypto_generichash_final(&h, digest, sizeof digest);
    memcpy(&value, digest, sizeof value);
    arena_free(a);
    return value;
}

/* The shortest period that fills the newest turns twice (three times for single turns), or 0. */
static size_t period_of(const agent_state *st)
{
    for (size_t period = 1; period <= LONGEST_PERIOD; period++) {
        size_t cycles = period == 1 ? 3 : 2, need = period * cycles, same = 0;
        const uint64_t *end = st->signatures + st->n_signatures;

        if (need > st->n_signatures)
            break;
        while (same < need - period && end[-1 - (ptrdiff_t)same] == end[-1 - (ptrdiff_t)(same + period)])
            same++;
        if (same == need - period)
            return period;
    }
    return 0;
}

bool repeat_seen(agent_state *st, const turn *t)
{
    json_t *details, *pattern;
    size_t period;

    if (st->n_signatures == COUNT(st->signatures)) {
        memmove(st->signatures, st->signatures + 1, sizeof st->signatures - sizeof st->signatures[0]);
        st->n_signatures--;
    }
    st->signatures[st->n_signatures++] = signature(st, t);
    if ((period = period_of(st)) == 0) {
        st->repeats = 0;
        return false;
    }
    if (++st->repeats < MOST_HITS) {
        st->note = "<system_reminder>You are repeating the same steps with the same results. Change your approach, or "
                   "tell the "
                   "user what keeps you from going on.</system_reminder>";
        return false;
    }
    details = json_object();
    pattern = json_object();
    json_set_str(pattern, "mode", "turns");
    json_set_int(pattern, "period", (int64_t)period);
    json_set_int(pattern, "cycles", st->repeats);
    json_set(details, "repeat_pattern", pattern);
    notice_recovery(st, "repeat_pattern", details);
    return true;
}
