/* SPDX-License-Identifier: MIT */
/* Tests of what only SQLite has: group commit, crashes, a full disk, other processes, online copies. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "engine.h"
#include "rt/fiber.h"
#include "rt/loop.h"
#include "rt/offload.h"
#include "rt/sleep.h"

#define MAKE_TABLE "CREATE TABLE IF NOT EXISTS t (id BIGINT PRIMARY KEY, name TEXT)"
#define INSERT "INSERT INTO t (id, name) VALUES ($1, $2)"
#define COUNT_ROWS "SELECT COUNT(*) FROM t"

static void make_table(scope *s)
{
    CHECK_INT(db_exec(s, MAKE_TABLE, DB_NO_ARGS, NULL), OK);
}

static err insert(scope *s, int64_t id, const char *name)
{
    return db_exec(s, INSERT, DB_ARGS(db_int(id), db_text(name)), NULL);
}

static void on_sqlite(size_t loops, void (*body)(scope *s))
{
    engine_test("sqlite", loops, body);
}

TEST(the_file_is_private)
{
    struct stat st;

    umask(0);
    engine_fresh_url("sqlite");
    db_close(engine_open());
    CHECK(stat(engine_url() + strlen("sqlite:"), &st) == 0 && (st.st_mode & 0777) == 0600, "mode %o",
          st.st_mode & 0777u);
}

/* Reading. */

static void read_in_turns(scope *s)
{
    sqlite3 *other = NULL;

    make_table(s);
    CHECK_INT(sqlite3_open(engine_url() + strlen("sqlite:"), &other), SQLITE_OK);
    CHECK_INT(engine_int(s, COUNT_ROWS), 0);
    CHECK_INT(sqlite3_exec(other, "INSERT INTO t VALUES (1, 'theirs')", NULL, NULL, NULL), SQLITE_OK);
    CHECK_INT(engine_int(s, COUNT_ROWS), 0); /* a turn has one state of what others write */
    CHECK_INT(sqlite3_wal_checkpoint_v2(other, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), SQLITE_BUSY);
    fiber_yield();
    CHECK_INT(sqlite3_wal_checkpoint_v2(other, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), SQLITE_OK);
    CHECK_INT(engine_int(s, COUNT_ROWS), 1);
    CHECK_INT(insert(s, 2, "ours"), OK);
    CHECK_INT(engine_int(s, COUNT_ROWS), 2);
    sqlite3_close(other);
}

TEST(queries_of_a_turn_see_one_state_and_what_was_written_here)
{
    on_sqlite(1, read_in_turns);
}

static atomic_int written;

static err write_and_tell(scope *s, void *arg)
{
    (void)arg;
    for (int i = 1; i <= 300; i++) {
        TRY(insert(s, i, "counted"));
        atomic_store(&written, i);
    }
    return OK;
}

/* Without giving the turn up: whatever another loop was told is stored must be seen. */
static void read_beside_a_writer(scope *s)
{
    scope *group;

    if (loop_index(s->loop) == 0)
        make_table(s);
    group = scope_child(s, NO_LIMIT);
    if (loop_index(s->loop) == 0) {
        scope_spawn(group, write_and_tell, NULL);
        CHECK_INT(scope_join(group), OK);
        return;
    }
    while (atomic_load(&written) == 0)
        CHECK_INT(sleep_for(s, MILLISECONDS(1)), OK);
    for (int before = 0; before < 300;) {
        before = atomic_load(&written);
        CHECK(engine_int(s, COUNT_ROWS) >= before, "of %d", before);
    }
}

TEST(a_read_sees_what_another_loop_has_written, .limit = 60)
{
    on_sqlite(2, read_beside_a_writer);
}

/* Group commit. */

enum { WRITERS = 50 };
static const char *const body_text =
    "{\"role\":\"user\",\"content\":\"What is the weather like in Lisbon today, and should I take a coat?\"}";
static int64_t measure_until;
static atomic_int_fast64_t measured;

static err write_until(scope *s, void *arg)
{
    int64_t base = (int64_t)(intptr_t)arg << 32;

    for (int64_t i = 0; clock_mono() < measure_until; i++) {
        scope *one = scope_child(s, NO_LIMIT);
        db_batch *b = db_batch_new(one->arena);

        for (int64_t row = 0; row < 4; row++)
            db_batch_add(b, INSERT, DB_ARGS(db_int(base + 4 * i + row), db_text(body_text)));
        TRY(db_batch_run(one, b));
        scope_close(one);
        atomic_fetch_add(&measured, 1);
    }
    return OK;
}

static void measure(scope *s, int writers)
{
    scope *group = scope_child(s, NO_LIMIT);
    uint64_t commits = db_read_stats().commits;
    int64_t start = clock_mono(), batches;
    double seconds;

    atomic_store(&measured, 0);
    measure_until = start + MILLISECONDS(700);
    for (int i = 0; i < writers; i++)
        scope_spawn(group, write_until, (void *)(intptr_t)(writers * 100 + i));
    CHECK_INT(scope_join(group), OK);
    scope_close(group);
    seconds = (double)(clock_mono() - start) / 1e9;
    batches = measured;
    commits = db_read_stats().commits - commits;
    printf("%d writers: %.0f batches/s (4 rows each), %.0f commits/s, %.1f batches a commit\n", writers,
           (double)batches / seconds, (double)commits / seconds, (double)batches / (double)commits);
    CHECK(commits <= (uint64_t)batches, "never more commits than batches");
    if (writers >= WRITERS)
        CHECK(commits * 4 < (uint64_t)batches, "%llu commits for %lld batches", (unsigned long long)commits,
              (long long)batches);
}

static void measure_flush(void)
{
    char path[300], block[4096] = {0};
    int64_t start;
    int fd;

    snprintf(path, sizeof path, "%s/flush", test_dir());
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    start = clock_mono();
    for (int i = 0; i < 50; i++)
        CHECK(write(fd, block, sizeof block) == sizeof block && fsync(fd) == 0, "fsync");
    printf("one fsync of 4 KB: %.0f us\n", (double)(clock_mono() - start) / 50e3);
    close(fd);
}

static void share_flushes(scope *s)
{
    make_table(s);
    measure_flush();
    measure(s, 1);
    measure(s, WRITERS);
}

TEST(many_writers_share_one_flush, .limit = 30)
{
    on_sqlite(1, share_flushes);
}

static err insert_one(scope *s, void *arg)
{
    return insert(s, (int64_t)(intptr_t)arg, "one");
}

/* After a large group the writer waits for more to come, and what it waits with may go away. */
static void withdraw_while_it_gathers(scope *s)
{
    make_table(s);
    for (int64_t round = 0; round < 300; round++) {
        scope *group = scope_child(s, NO_LIMIT), *doomed = scope_child(s, NO_LIMIT);

        for (int64_t i = 0; i < 8; i++)
            scope_spawn(group, insert_one, (void *)(intptr_t)(round * 10 + i));
        CHECK_INT(scope_join(group), OK);
        scope_spawn(doomed, insert_one, (void *)(intptr_t)(round * 10 + 8));
        fiber_yield();
        for (int64_t until = clock_mono() + round % 100 * 10000; clock_mono() < until;)
            ; /* until the writer waits, which is not long after it was woken */
        scope_close(doomed);
        scope_close(group);
        group = scope_child(s, SECONDS(20));
        CHECK_INT(insert(group, round * 10 + 9, "after"), OK);
        scope_close(group);
    }
}

TEST(the_writer_goes_on_when_what_it_waits_with_is_withdrawn, .limit = 60)
{
    on_sqlite(1, withdraw_while_it_gathers);
}

static void fill_log(scope *s)
{
    char path[300];
    struct stat st;
    char *big = arena_alloc(s->arena, 1000001);

    memset(big, 'x', 1000000);
    big[1000000] = '\0';
    make_table(s);
    for (int64_t i = 0; i < 200; i++)
        CHECK_INT(insert(s, i, big), OK);
    CHECK_INT(sleep_for(s, MILLISECONDS(300)), OK);
    snprintf(path, sizeof path, "%s-wal", engine_url() + strlen("sqlite:"));
    CHECK(stat(path, &st) == 0 && st.st_size < 150000000, "the log of 200 MB written is %lld bytes",
          (long long)st.st_size);
    CHECK_INT(engine_int(s, COUNT_ROWS), 200);
}

TEST(the_log_does_not_grow_without_limit, .limit = 60)
{
    on_sqlite(1, fill_log);
}

/* Crashes. */

static int report_to;

static err crash_writer(scope *s, void *arg)
{
    (void)arg;
    for (;;) {
        scope *one = scope_child(s, NO_LIMIT);
        db_batch *b = db_batch_new(one->arena);
        int64_t id;

        random_bytes(&id, sizeof id);
        id = (id & INT64_MAX) | 1;
        db_batch_add(b, INSERT, DB_ARGS(db_int(id), db_text("first")));
        db_batch_add(b, INSERT, DB_ARGS(db_int(id - 1), db_text("second")));
        TRY(db_batch_run(one, b));
        if (write(report_to, &id, sizeof id) != sizeof id)
            return ERR_IO;
        scope_close(one);
    }
}

static err crash_body(scope *s, void *arg)
{
    (void)arg;
    for (int i = 0; i < 8; i++)
        scope_spawn(s, crash_writer, NULL);
    return sleep_for(s, SECONDS(60));
}

static NORETURN void run_until_killed(void)
{
    engine_open();
    _exit(loops_run(2, crash_body, NULL));
}

static size_t read_acknowledged(int fd, int64_t *ids, size_t cap)
{
    size_t n = 0;

    while (n < cap && read(fd, &ids[n], sizeof ids[n]) == sizeof ids[n])
        n++;
    return n;
}

static int64_t *acknowledged;
static size_t acknowledged_count;

static void check_acknowledged(scope *s)
{
    for (size_t i = 0; i < acknowledged_count; i++) {
        scope *one = scope_child(s, NO_LIMIT);
        db_rows r;

        CHECK_INT(db_query(one, "SELECT COUNT(*) FROM t WHERE id IN ($1, $2)",
                           DB_ARGS(db_int(acknowledged[i]), db_int(acknowledged[i] - 1)), &r),
                  OK);
        CHECK(db_row_int(&r, 0, 0) == 2, "row %zu of %zu was acknowledged and is lost", i, acknowledged_count);
        scope_close(one);
    }
    CHECK_INT(engine_int(s, "SELECT COUNT(*) % 2 FROM t"), 0); /* no half batches */
    CHECK_STR(engine_text(s, "PRAGMA quick_check"), "ok");
}

static err table_body(scope *s, void *arg)
{
    (void)arg;
    make_table(s);
    return OK;
}

static err check_body(scope *s, void *arg)
{
    (void)arg;
    check_acknowledged(s);
    return OK;
}

static void crash_round(int round)
{
    enum { MOST = 200000 };
    int fds[2], status;
    unsigned wait = 0;
    pid_t pid;
    db *d;

    random_bytes(&wait, sizeof wait);
    CHECK(pipe(fds) == 0, "pipe");
    pid = fork();
    if (pid == 0) {
        close(fds[0]);
        report_to = fds[1];
        run_until_killed();
    }
    close(fds[1]);
    fcntl(fds[0], F_SETPIPE_SZ, 1 << 20);
    /* Counted from the first acknowledged batch: a slow machine is still starting at any time from the fork. */
    CHECK(read(fds[0], &acknowledged[acknowledged_count], sizeof *acknowledged) == sizeof *acknowledged,
          "round %d: something was acknowledged", round);
    acknowledged_count++;
    usleep(wait % 150000);
    kill(pid, SIGKILL);
    CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "round %d: killed", round);
    acknowledged_count += read_acknowledged(fds[0], acknowledged + acknowledged_count, MOST - acknowledged_count);
    close(fds[0]);
    d = engine_open();
    CHECK_INT(loops_run(1, check_body, NULL), 0);
    db_close(d);
}

TEST(a_killed_process_loses_nothing_that_it_acknowledged, .limit = 120)
{
    const char *rounds = getenv("SLUICE_CRASH_ROUNDS");
    int n = rounds != NULL ? atoi(rounds) : 20;
    db *d;

    acknowledged = calloc(200000, sizeof *acknowledged);
    log_setup(LOG_WARN, LOG_TEXT);
    engine_fresh_url("sqlite");
    d = engine_open(); /* make the table first: a kill while it is made proves nothing */
    CHECK_INT(loops_run(1, table_body, NULL), 0);
    db_close(d);
    for (int i = 0; i < n; i++)
        crash_round(i);
    printf("%d kills, %zu acknowledged batches, all there\n", n, acknowledged_count);
    free(acknowledged);
}

/* A full disk. */

static sqlite3 *connections[16];
static atomic_int connection_count;

static int on_connection(sqlite3 *h, char **why, const void *api)
{
    int at = atomic_fetch_add(&connection_count, 1);

    (void)why;
    (void)api;
    if (at < (int)COUNT(connections))
        connections[at] = h;
    return SQLITE_OK;
}

static void limit_pages(int pages)
{
    char sql[64];

    snprintf(sql, sizeof sql, "PRAGMA max_page_count=%d", pages);
    for (int i = 0; i < connection_count && i < (int)COUNT(connections); i++)
        sqlite3_exec(connections[i], sql, NULL, NULL, NULL);
}

static int64_t fill(scope *s, int64_t from, err *why)
{
    static char text[20001];

    memset(text, 'x', sizeof text - 1);
    for (int64_t i = from; i < from + 1000; i++) {
        *why = insert(s, i, text);
        if (*why != OK)
            return i;
    }
    return from + 1000;
}

static void fill_and_free(scope *s)
{
    err why = OK;
    int64_t full_at;

    make_table(s);
    limit_pages(300);
    full_at = fill(s, 0, &why);
    CHECK_INT(why, ERR_NO_SPACE);
    CHECK(full_at > 10, "filled at %lld", (long long)full_at);
    why = insert(s, full_at + 1, "a small one may still fit");
    CHECK(why == OK || why == ERR_NO_SPACE, "%s", err_name(why));
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM t WHERE id < 10"), 10); /* reads go on */
    limit_pages(100000);
    CHECK_INT(insert(s, 5000, "there is room again"), OK);
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM t WHERE id = 5000"), 1);
    CHECK(fill(s, 6000, &why) > 6000 && why == OK, "%s", err_name(why));
}

TEST(a_full_database_refuses_writes_until_there_is_room_again, .limit = 60)
{
    log_setup(LOG_ERROR, LOG_TEXT);
    engine_fresh_url("sqlite");
    db_close(engine_open()); /* the migrations need no limit */
    sqlite3_auto_extension((void (*)(void))on_connection);
    on_sqlite(1, fill_and_free);
}

static char small_disk[300];

static void fill_disk_and_free(scope *s)
{
    char ballast[400];
    err why = OK;
    int64_t full_at;

    make_table(s);
    full_at = fill(s, 0, &why);
    CHECK_INT(why, ERR_NO_SPACE);
    CHECK_INT(engine_int(s, COUNT_ROWS), full_at);
    CHECK_INT(fill(s, full_at, &why), full_at);
    CHECK_INT(why, ERR_NO_SPACE);
    snprintf(ballast, sizeof ballast, "%s/ballast", small_disk);
    CHECK(unlink(ballast) == 0, "space returns");
    CHECK(fill(s, full_at, &why) > full_at, "writes go on");
    CHECK_STR(engine_text(s, "PRAGMA quick_check"), "ok");
}

static bool mount_small_disk(void)
{
    char ballast[400], block[4096] = {0};
    int fd;

    snprintf(small_disk, sizeof small_disk, "%s/small", test_dir());
    mkdir(small_disk, 0700);
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", small_disk, "tmpfs", 0, "size=6m") != 0)
        return false;
    snprintf(ballast, sizeof ballast, "%s/ballast", small_disk);
    fd = open(ballast, O_CREAT | O_WRONLY, 0600);
    for (int i = 0; i < 512; i++)
        CHECK(write(fd, block, sizeof block) == sizeof block, "ballast");
    close(fd);
    return true;
}

static err disk_body(scope *s, void *arg)
{
    (void)arg;
    fill_disk_and_free(s);
    return OK;
}

TEST(a_full_disk_refuses_writes_until_there_is_room_again, .limit = 60)
{
    char url[320], why[512] = "";
    db *d = NULL;

    if (!mount_small_disk()) {
        printf("left out: no right to mount a small file system (%s)\n", strerror(errno));
        return;
    }
    log_setup(LOG_ERROR, LOG_TEXT);
    snprintf(url, sizeof url, "sqlite:%s/x.db", small_disk);
    CHECK(db_open(url, &d, why, sizeof why) == OK, "%s", why);
    CHECK_INT(loops_run(1, disk_body, NULL), 0);
    db_close(d);
    umount2(small_disk, MNT_DETACH);
}

/* Other processes. */

/* Where the disk is slow, the other process may hold the lock each time SQLite looks, for all of its patience. */
static bool starved(err e, int64_t began)
{
    return e == ERR_BUSY && clock_mono() - began >= SECONDS(2);
}

static err write_many(scope *s, void *arg)
{
    int64_t base = (int64_t)(intptr_t)arg, began;
    err e;

    do {
        began = clock_mono();
        e = db_exec(s, MAKE_TABLE, DB_NO_ARGS, NULL);
    } while (starved(e, began));
    for (int64_t i = 0; e == OK && i < 300; i++)
        do {
            began = clock_mono();
            e = insert(s, base + i, "from one of two processes");
        } while (starved(e, began));
    return e;
}

TEST(two_processes_may_write_at_once, .limit = 60)
{
    int status = -1;
    pid_t pid;
    db *d;

    log_setup(LOG_WARN, LOG_TEXT);
    engine_fresh_url("sqlite");
    pid = fork();
    d = engine_open();
    if (pid == 0)
        _exit(loops_run(1, write_many, (void *)1000));
    CHECK_INT(loops_run(1, write_many, (void *)2000), 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0, "the other one: %d", status);
    db_close(d);
}

/* Online copies. */

static int progress_calls, progress_done, progress_total;

static void on_progress(void *arg, int done, int total)
{
    (void)arg;
    progress_calls++;
    progress_done = done;
    progress_total = total;
}

static err keep_writing(scope *s, void *arg)
{
    int64_t i = 100000;

    (void)arg;
    for (;;)
        TRY(insert(s, i++, "while it is copied"));
}

typedef struct {
    char file[320];
    char why[256];
    err result;
} copy_job;

static void copy_now(void *arg)
{
    copy_job *j = arg;

    j->result = db_backup(engine_url(), j->file, on_progress, NULL, j->why, sizeof j->why);
}

static char copied_url[340];

static void copy_while_writing(scope *s)
{
    scope *writers = scope_child(s, NO_LIMIT);
    copy_job j = {.result = ERR_COUNT};
    err why = OK;

    make_table(s);
    CHECK_INT(fill(s, 0, &why), 1000);
    scope_spawn(writers, keep_writing, NULL);
    snprintf(j.file, sizeof j.file, "%s/copy.db", test_dir());
    snprintf(copied_url, sizeof copied_url, "sqlite:%s", j.file);
    CHECK_INT(offload(s, copy_now, &j), OK);
    CHECK(j.result == OK, "%s", j.why);
    CHECK(progress_calls > 2 && progress_done == progress_total && progress_total > 1000, "%d calls, %d of %d pages",
          progress_calls, progress_done, progress_total);
    CHECK_INT(offload(s, copy_now, &j), OK);
    CHECK(j.result == ERR_CONFLICT, "an existing file is not overwritten: %s", j.why);
    scope_cancel(writers, "copied");
    scope_close(writers);
}

static err check_copy(scope *s, void *arg)
{
    (void)arg;
    CHECK_STR(engine_text(s, "PRAGMA integrity_check"), "ok");
    CHECK_INT(engine_int(s, "SELECT COUNT(*) FROM t WHERE id < 1000"), 1000);
    CHECK(engine_int(s, "SELECT COUNT(*) FROM schema_migrations") > 0, "all tables");
    return OK;
}

TEST(a_copy_made_while_others_write_is_whole, .limit = 60)
{
    char why[256] = "";
    db *d = NULL;

    on_sqlite(1, copy_while_writing);
    CHECK(db_open(copied_url, &d, why, sizeof why) == OK, "%s", why);
    CHECK_INT(loops_run(1, check_copy, NULL), 0);
    db_close(d);
}

TEST(only_sqlite_is_copied_this_way)
{
    char why[256] = "", file[300];

    snprintf(file, sizeof file, "%s/copy.db", test_dir());
    CHECK_INT(db_backup("postgres://x/y", file, NULL, NULL, why, sizeof why), ERR_UNSUPPORTED);
    CHECK(strstr(why, "pg_dump") != NULL, "%s", why);
    CHECK_INT(db_backup("sqlite:/nowhere/x.db", file, NULL, NULL, why, sizeof why), ERR_IO);
}
