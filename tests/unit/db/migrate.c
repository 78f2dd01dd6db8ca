/* SPDX-License-Identifier: MIT */
/* Tests of db/migrate.c. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine.h"

ENGINE_TEST(migrations_are_applied_once_and_recorded)
{
    CHECK(engine_int(s, "SELECT COUNT(*) FROM schema_migrations") > 0, "recorded");
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM schema_migrations"),
              engine_int(s, "SELECT MAX(number) FROM schema_migrations"));
    CHECK_STR(engine_text(s, "SELECT name FROM schema_migrations WHERE number = 1"), "start");
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM users"), 0);
}

static void make_it_newer(scope *s)
{
    CHECK_INT(db_exec(s, "INSERT INTO schema_migrations (number, name, applied_at) VALUES (9000, 'from_the_future', 1)",
                      DB_NO_ARGS, NULL),
              OK);
}

static void refuse_newer(const char *engine)
{
    char why[512] = "";
    db *d = NULL;

    engine_test(engine, 1, make_it_newer);
    CHECK_INT(db_open(engine_url(), &d, why, sizeof why), ERR_UNSUPPORTED);
    CHECK(strstr(why, "newer") != NULL && strstr(why, "9000") != NULL, "%s", why);
    CHECK(d == NULL && db_default() == NULL, "nothing is open");
}

TEST(a_newer_sqlite_database_is_refused)
{
    refuse_newer("sqlite");
}

TEST(a_newer_postgres_database_is_refused, .limit = 30)
{
    if (engine_has_postgres())
        refuse_newer("postgres");
}

static void make_it_older(scope *s)
{
    CHECK_INT(db_exec(s, "DELETE FROM schema_migrations WHERE number > 1", DB_NO_ARGS, NULL), OK);
}

/* Commands beside a server change nothing under it. */
TEST(an_older_database_is_brought_up_to_date_by_servers_only)
{
    char why[512] = "";
    db *d = NULL;

    engine_test("sqlite", 1, make_it_older);
    CHECK_INT(db_open_kept(engine_url(), &d, why, sizeof why), ERR_CONFLICT);
    CHECK(strstr(why, "at migration 1") != NULL && strstr(why, "sluice serve") != NULL, "%s", why);
    CHECK(d == NULL && db_default() == NULL, "nothing is open");
    engine_fresh_url("sqlite");
    CHECK_INT(db_open_kept(engine_url(), &d, why, sizeof why), OK);
    db_close(d);
}

static void open_from_processes_at_once(const char *engine)
{
    enum { PROCESSES = 6 };
    pid_t pids[PROCESSES];

    engine_fresh_url(engine);
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            char why[512];
            db *d = NULL;

            _exit(db_open(engine_url(), &d, why, sizeof why) == OK ? 0 : 1);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = -1;

        CHECK(waitpid(pids[i], &status, 0) == pids[i] && status == 0, "process %d: status %d", i, status);
    }
}

TEST(several_processes_may_open_an_empty_sqlite_database_at_once, .limit = 30)
{
    open_from_processes_at_once("sqlite");
}

TEST(several_processes_may_open_an_empty_postgres_database_at_once, .limit = 30)
{
    if (engine_has_postgres())
        open_from_processes_at_once("postgres");
}

TEST(an_address_of_another_kind_is_refused)
{
    static const char *const urls[] = {"", "mysql://x", "sqlite:", "sqlite::memory:", "/path"};
    char why[512];
    db *d = NULL;

    for (size_t i = 0; i < COUNT(urls); i++) {
        why[0] = '\0';
        CHECK_INT(db_open(urls[i], &d, why, sizeof why), ERR_INVALID);
        CHECK(why[0] != '\0', "%s", urls[i]);
    }
}

TEST(a_path_or_server_that_is_not_there_is_an_error_that_names_it)
{
    char why[512] = "";
    db *d = NULL;

    CHECK_INT(db_open("sqlite:/nowhere/at/all/x.db", &d, why, sizeof why), ERR_IO);
    CHECK(strstr(why, "/nowhere/at/all/x.db") != NULL, "%s", why);
    why[0] = '\0';
    if (engine_has_postgres()) {
        CHECK_INT(db_open("postgresql:///x?host=/nowhere", &d, why, sizeof why), ERR_IO);
        CHECK(strstr(why, "/nowhere") != NULL, "%s", why);
    }
}

TEST(a_file_that_is_no_database_is_refused_and_left_alone)
{
    char path[300], url[320], why[512] = "", text[64] = "";
    db *d = NULL;
    FILE *f;

    snprintf(path, sizeof path, "%s/letter.txt", test_dir());
    snprintf(url, sizeof url, "sqlite:%s", path);
    f = fopen(path, "w");
    fputs("Dear reader, this is not a database at all, only a letter.", f);
    fclose(f);
    CHECK_INT(db_open(url, &d, why, sizeof why), ERR_IO);
    f = fopen(path, "r");
    CHECK(fgets(text, sizeof text, f) != NULL && strncmp(text, "Dear reader", 11) == 0, "%s", text);
    fclose(f);
}
