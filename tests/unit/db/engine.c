/* SPDX-License-Identifier: MIT */
/* Databases for tests: a file in the test's directory, or a database on a PostgreSQL server that this program starts. */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HAVE_POSTGRES
#include <libpq-fe.h>
#endif

#include "base/log.h"
#include "rt/loop.h"

static char server_dir[128]; /* of the server started here; "" for none */
static char server_url[512];
static char current_url[1024];
static pid_t program, server;
static bool wanted;

#ifdef HAVE_POSTGRES

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static void stop_server(void)
{
    if (getpid() != program || server <= 0)
        return;
    kill(server, SIGQUIT);
    waitpid(server, NULL, 0);
    nftw(server_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* PostgreSQL refuses to run as root. */
static void become_somebody(void)
{
    struct passwd *pw = getuid() == 0 ? getpwnam("postgres") : NULL;

    if (pw != NULL && (setgroups(0, NULL) != 0 || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0))
        _exit(1);
}

static pid_t start(const char *program_path, char *const *argv)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    become_somebody();
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (chdir(server_dir) != 0 || freopen("log", "a", stdout) == NULL || dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
        _exit(1);
    execv(program_path, argv);
    _exit(127);
}

static bool run_initdb(const char *bin)
{
    char path[512], data[256];
    char *argv[] = {"initdb", "-D",    data, "-E",     "UTF8",      "--locale=C.UTF-8",
                    "-A",     "trust", "-U", "sluice", "--no-sync", NULL};
    int status = 1;
    pid_t pid;

    snprintf(path, sizeof path, "%s/initdb", bin);
    snprintf(data, sizeof data, "%s/data", server_dir);
    pid = start(path, argv);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool reachable(void)
{
    for (int i = 0; i < 200; i++) {
        PGconn *pq = PQconnectdb(server_url);
        bool ok = PQstatus(pq) == CONNECTION_OK;

        PQfinish(pq);
        if (ok)
            return true;
        usleep(50000);
    }
    return false;
}

static bool start_server(const char *bin)
{
    char path[512], data[256];
    char *argv[] = {"postgres",
                    "-D",
                    data,
                    "-k",
                    server_dir,
                    "-c",
                    "listen_addresses=",
                    "-c",
                    "fsync=off",
                    "-c",
                    "max_connections=60",
                    "-c",
                    "shared_buffers=16MB",
                    "-c",
                    "deadlock_timeout=200ms",
                    NULL};

    snprintf(server_dir, sizeof server_dir, "/tmp/sluice-pg-%d", (int)getpid());
    if (mkdir(server_dir, 0777) != 0 || chmod(server_dir, 0777) != 0)
        return false;
    if (!run_initdb(bin))
        return false;
    snprintf(path, sizeof path, "%s/postgres", bin);
    snprintf(data, sizeof data, "%s/data", server_dir);
    server = start(path, argv);
    atexit(stop_server);
    snprintf(server_url, sizeof server_url, "postgresql:///postgres?host=%s&user=sluice", server_dir);
    return reachable();
}

static bool find_server(void)
{
    const char *given = getenv("SLUICE_TEST_POSTGRES");
    glob_t found;
    bool ok;

    if (given != NULL && given[0] != '\0') {
        snprintf(server_url, sizeof server_url, "%s", given);
        return true;
    }
    if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) != 0 || found.gl_pathc == 0) {
        fprintf(stderr, "# the tests on PostgreSQL are left out: no /usr/lib/postgresql/*/bin (package postgresql)\n");
        return false;
    }
    ok = start_server(found.gl_pathv[found.gl_pathc - 1]);
    if (!ok) {
        fprintf(stderr, "PostgreSQL does not start: see %s/log\n", server_dir);
        exit(1);
    }
    globfree(&found);
    return ok;
}

bool engine_has_postgres(void)
{
    static bool looked, found;

    if (!looked && getpid() == program) /* a server of one test would not be stopped */
        found = wanted && find_server();
    looked = true;
    return found;
}

static void fresh_database(void)
{
    char sql[256];
    PGconn *pq = PQconnectdb(server_url);
    PGresult *r;
    char *end;
    int n;

    snprintf(sql, sizeof sql, "CREATE DATABASE t%d_%d TEMPLATE template0 ENCODING 'UTF8'", (int)program, (int)getpid());
    r = PQexec(pq, sql);
    CHECK(PQresultStatus(r) == PGRES_COMMAND_OK, "%s", PQerrorMessage(pq));
    PQclear(r);
    PQfinish(pq);
    /* The same address with another database: after the third slash. */
    end = strstr(server_url, "://");
    CHECK(end != NULL && (end = strchr(end + 3, '/')) != NULL, "%s has a path", server_url);
    n = snprintf(current_url, sizeof current_url, "%.*s/t%d_%d", (int)(end - server_url), server_url, (int)program,
                 (int)getpid());
    end = strchr(end, '?');
    snprintf(current_url + n, sizeof current_url - (size_t)n, "%s", end != NULL ? end : "");
}

#else

bool engine_has_postgres(void)
{
    return false;
}

static void fresh_database(void)
{
}

#endif

/* Before the tests register: which half is asked for. */
__attribute__((constructor(101))) static void note_program(int argc, char **argv)
{
    program = getpid();
    wanted = true;
    for (int i = 1; i < argc; i++)
        if (strstr(argv[i], "on_sqlite") != NULL || strcmp(argv[i], "--list") == 0)
            wanted = false;
}

void engine_register_postgres(test_case *t)
{
    if (engine_has_postgres())
        test_register(t);
}

const char *engine_fresh_url(const char *engine)
{
    static int n;

    if (cstr_eq(engine, "postgres"))
        fresh_database();
    else
        snprintf(current_url, sizeof current_url, "sqlite:%s/%d.db", test_dir(), n++);
    return current_url;
}

const char *engine_url(void)
{
    return current_url;
}

bool engine_is(const char *engine)
{
    return cstr_starts(current_url, engine);
}

db *engine_open(void)
{
    char why[512] = "";
    db *d = NULL;
    err e = db_open(current_url, &d, why, sizeof why);

    CHECK(e == OK, "%s: %s", err_name(e), why);
    return d;
}

typedef struct {
    void (*body)(scope *s);
} body_of;

static err run_body(scope *root, void *arg)
{
    ((body_of *)arg)->body(root);
    return OK;
}

void engine_test(const char *engine, size_t loops, void (*body)(scope *s))
{
    body_of b = {body};
    db *d;

    log_setup(LOG_WARN, LOG_TEXT);
    engine_fresh_url(engine);
    d = engine_open();
    CHECK_INT(loops_run(loops, run_body, &b), 0);
    db_close(d);
}

int64_t engine_int(scope *s, const char *sql)
{
    db_rows rows;

    CHECK(db_query(s, sql, DB_NO_ARGS, &rows) == OK, "%s", sql);
    return db_row_int(&rows, 0, 0);
}

const char *engine_text(scope *s, const char *sql)
{
    db_rows rows;

    CHECK(db_query(s, sql, DB_NO_ARGS, &rows) == OK, "%s", sql);
    return db_row_text(&rows, 0, 0);
}
