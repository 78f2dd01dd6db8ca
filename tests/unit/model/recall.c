/* SPDX-License-Identifier: MIT */
/* Tests of model/recall.c. */
#include "model/recall.h"

#include "made.h"
#include "model/agent.h"

#define NAMES "SELECT name, created_at FROM agent WHERE owner_id = $1 ORDER BY name"

static void make_agent(scope *s, const char *name)
{
    agent_row a = {.owner_id = "u1", .name = name};

    CHECK_INT(agent_insert(s, &a), OK);
}

/* Past the functions that raise the version, as another process would. */
static void rename_all(scope *s, const char *name)
{
    CHECK_INT(db_exec(s, "UPDATE agent SET name = $1", DB_ARGS(db_text(name)), NULL), OK);
}

static const char *recalled(scope *s, const char *owner, size_t rows)
{
    db_rows r;

    CHECK_INT(model_recall(s, VERSION_AGENTS, false, NAMES, DB_ARGS(db_text(owner)), &r), OK);
    CHECK_INT(r.count, rows);
    return rows > 0 ? db_row_text(&r, 0, 0) : NULL;
}

ENGINE_TEST(rows_are_remembered_until_their_family_changes)
{
    make_agent(s, "A");
    CHECK_STR(recalled(s, "u1", 1), "A");
    rename_all(s, "B");
    CHECK_STR(recalled(s, "u1", 1), "A");
    version_bump(VERSION_USERS);
    CHECK_STR(recalled(s, "u1", 1), "A");
    version_bump(VERSION_AGENTS);
    CHECK_STR(recalled(s, "u1", 1), "B");
    make_agent(s, "A");
    CHECK_STR(recalled(s, "u1", 2), "A");
}

ENGINE_TEST(that_there_are_none_is_remembered_only_on_demand)
{
    db_rows r;

    recalled(s, "u1", 0);
    CHECK_INT(model_recall(s, VERSION_AGENTS, true, NAMES, DB_ARGS(db_text("u2")), &r), OK);
    CHECK_INT(db_exec(s,
                      "INSERT INTO agent (id, owner_id, name, config, is_default, disabled, created_at, updated_at)"
                      " VALUES ('a1', 'u1', 'A', '{}', 0, 0, 1, 1), ('a2', 'u2', 'B', '{}', 0, 0, 1, 1)",
                      DB_NO_ARGS, NULL),
              OK);
    CHECK_STR(recalled(s, "u1", 1), "A");
    CHECK_INT(model_recall(s, VERSION_AGENTS, true, NAMES, DB_ARGS(db_text("u2")), &r), OK);
    CHECK_INT(r.count, 0);
}

ENGINE_TEST(questions_are_told_apart_by_all_their_arguments)
{
    static const char pair[] = "SELECT CAST($1 AS TEXT), CAST($2 AS TEXT)";
    db_rows r;

    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 400; i++) { /* more than there are places */
            const char *a = arena_printf(s->arena, "%d", i), *b = i % 2 == 0 ? NULL : "b";

            CHECK_INT(model_recall(s, VERSION_KV, false, pair, DB_ARGS(db_text(a), db_text(b)), &r), OK);
            CHECK(cstr_eq(db_row_text(&r, 0, 0), a) && cstr_eq(db_row_text(&r, 0, 1), b), "%d", i);
        }
    }
}

ENGINE_TEST(what_was_recalled_is_the_callers)
{
    scope *short_lived = scope_child(s, NO_LIMIT);
    const char *kept;

    make_agent(s, "A");
    recalled(short_lived, "u1", 1);
    kept = recalled(s, "u1", 1);
    scope_close(short_lived);
    version_bump(VERSION_AGENTS);
    rename_all(s, "B");
    CHECK_STR(recalled(s, "u1", 1), "B");
    CHECK_STR(kept, "A");
}

ENGINE_TEST(large_results_are_not_kept)
{
    char *name = arena_zalloc(s->arena, 1, 40001);

    memset(name, 'n', 40000);
    make_agent(s, name);
    CHECK_STR(recalled(s, "u1", 1), name);
    rename_all(s, "B");
    CHECK_STR(recalled(s, "u1", 1), "B");
}
