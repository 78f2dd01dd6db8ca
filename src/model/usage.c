/* SPDX-License-Identifier: MIT */
/* Sums of the tokens that runs have used; see run_log.h. */
#include "model/rows.h"
#include "model/run_log.h"

#define MATCHES                                                                                                        \
    " FROM run WHERE finished_at > 0 AND finished_at >= $7 AND finished_at <= $8 AND steps > 0"                        \
    " AND ($1 = 1 OR user_id = $2) AND ($3 = '' OR user_id = $3) AND ($4 = '' OR agent_id = $4)"                       \
    " AND ($5 = '' OR session_id = $5) AND ($6 = '' OR source = $6)"
#define SUMS                                                                                                           \
    "COUNT(DISTINCT session_id), SUM(input_tokens), SUM(output_tokens), SUM(total_tokens), SUM(steps), "               \
    "MIN(started_at), MAX(finished_at)"
#define ORDER " ORDER BY SUM(total_tokens) DESC, MAX(finished_at) DESC LIMIT 10000"
#define ONLY_ONE(column) "CASE WHEN COUNT(DISTINCT " column ") = 1 THEN MAX(" column ") ELSE '' END"

static const char *const list_sql[] = {
    [USAGE_BY_AGENT] = "SELECT agent_id, '', '', " SUMS MATCHES " GROUP BY agent_id" ORDER,
    [USAGE_BY_USER] = "SELECT '', user_id, '', " SUMS MATCHES " GROUP BY user_id" ORDER,
    [USAGE_BY_SESSION] = "SELECT " ONLY_ONE("agent_id") ", " ONLY_ONE("user_id") ", session_id, " SUMS MATCHES
                                                                                 " GROUP BY session_id" ORDER,
};

static void read_sum(const db_rows *rows, size_t at, usage_sum *u)
{
    row_reader r = {rows, at, 0};

    u->agent_id = text_or(take_text(&r), "");
    u->user_id = text_or(take_text(&r), "");
    u->session_id = text_or(take_text(&r), "");
    u->sessions = take_int(&r);
    u->input_tokens = take_int(&r);
    u->output_tokens = take_int(&r);
    u->total_tokens = take_int(&r);
    u->steps = take_int(&r);
    u->started_at = take_int(&r);
    u->finished_at = take_int(&r);
}

err usage_list(scope *s, const usage_filter *f, usage_sum *summary, usage_sum **out, size_t *n)
{
    db_value args[] = {WHO(f->who),
                       db_text(text_or(f->user_id, "")),
                       db_text(text_or(f->agent_id, "")),
                       db_text(text_or(f->session_id, "")),
                       db_text(text_or(f->source, "")),
                       db_int(f->from),
                       db_int(f->to > 0 ? f->to : INT64_MAX)};
    db_rows r;

    if (summary != NULL) {
        TRY(db_query(s, "SELECT '', '', '', " SUMS MATCHES, args, COUNT(args), &r));
        read_sum(&r, 0, summary);
    }
    TRY(db_query(s, list_sql[f->by], args, COUNT(args), &r));
    *out = arena_array(s->arena, usage_sum, r.count);
    *n = r.count;
    for (size_t i = 0; i < r.count; i++)
        read_sum(&r, i, &(*out)[i]);
    return OK;
}
