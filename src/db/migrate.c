/* SPDX-License-Identifier: MIT */
/*
 * Migrations: numbered SQL files, embedded in the binary, applied at start in one transaction.
 *
 * They run under a lock that other processes respect, so that two servers may start at once.  A database with a migration
 * that this program does not know was written by a newer one, and is refused.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/db_internal.h"

enum { KNOWN_MAX = 4096 };

typedef struct {
    bool applied[KNOWN_MAX];
    int64_t newest;
} progress;

static void on_number(void *arg, int64_t number)
{
    progress *p = arg;

    if (number > p->newest)
        p->newest = number;
    if (number > 0 && number < KNOWN_MAX)
        p->applied[number] = true;
}

static bool apply(const migrate_target *t, const migration *m)
{
    char note[256];

    /* Number and name are our own, not from outside. */
    snprintf(note, sizeof note, "INSERT INTO schema_migrations (number, name, applied_at) VALUES (%d, '%s', %lld)",
             m->number, m->name, (long long)clock_wall());
    if (!t->run(t->connection, m->sql) || !t->run(t->connection, note))
        return false;
    log_info("db.migrated", log_int("number", m->number), log_str("name", m->name));
    return true;
}

static err refuse(const migrate_target *t, char *why, size_t why_size, const char *what)
{
    snprintf(why, why_size, "%s: %s", what, t->message(t->connection));
    t->run(t->connection, "ROLLBACK");
    return ERR_IO;
}

static err apply_missing(const migrate_target *t, const progress *p, char *why, size_t why_size)
{
    for (size_t i = 0; i < migrations_count; i++) {
        if (p->applied[migrations[i].number])
            continue;
        if (!apply(t, &migrations[i]))
            return refuse(t, why, why_size, migrations[i].name);
    }
    if (!t->run(t->connection, "COMMIT"))
        return refuse(t, why, why_size, "cannot finish the migrations");
    return OK;
}

err migrate_run(const migrate_target *t, char *why, size_t why_size)
{
    progress p = {.newest = 0};
    int64_t known = migrations_count > 0 ? migrations[migrations_count - 1].number : 0;

    if (!t->lock(t->connection))
        return refuse(t, why, why_size, "cannot lock the database for migrations");
    if (!t->run(t->connection, "CREATE TABLE IF NOT EXISTS schema_migrations ("
                               "number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)"))
        return refuse(t, why, why_size, "cannot make the table of migrations");
    if (!t->numbers(t->connection, on_number, &p))
        return refuse(t, why, why_size, "cannot read the table of migrations");
    if (p.newest > known) {
        snprintf(
            why, why_size,
            "the database is at migration %lld, this program knows only %lld: it was used by a newer version; install "
            "that, or restore a backup",
            (long long)p.newest, (long long)known);
        t->run(t->connection, "ROLLBACK");
        return ERR_UNSUPPORTED;
    }
    if (t->keeps && p.newest > 0 && p.newest < known) {
        snprintf(
            why, why_size,
            "the database is at migration %lld, this program wants %lld: sluice serve of this version brings it up to "
            "date when it starts",
            (long long)p.newest, (long long)known);
        t->run(t->connection, "ROLLBACK");
        return ERR_CONFLICT;
    }
    return apply_missing(t, &p, why, why_size);
}
