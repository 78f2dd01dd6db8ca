/* SPDX-License-Identifier: MIT */
/*
 * The one thread that writes to SQLite.
 *
 * Group commit: everything that waits is taken at once; each batch runs in a savepoint inside one transaction; one COMMIT,
 * that is one fsync, makes all of them durable; then their fibers are woken.  While one group is on its way to the disk the
 * next one gathers, so the more there is to write, the less each write costs.
 *
 * A batch that fails rolls back its savepoint only.  When the commit itself fails (disk full) all of the group fail.
 *
 * A second thread copies the log into the database (checkpoint) without holding up the writer.  Only when the log has grown
 * past a limit does the writer do that itself, so that the log can start over.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/sqlite_internal.h"

enum {
    QUEUE_MAX = 16384,
    GROUP_MAX = 1024,
    CHECKPOINT_PAGES = 2000, /* 8 MB: the second thread starts */
    LOG_LIMIT_PAGES = 16000, /* 64 MB: the writer itself */
    GATHER_FROM = 4,
};
#define GATHER_MOST ((int64_t)400000) /* nanoseconds */

/* A statement or the end of the transaction that is open. */
typedef struct {
    const char *sql; /* NULL: the end */
    bool commit;
    const db_value *args;
    size_t n;
    arena *arena;
    db_rows *rows;
    int64_t *changed;
    loop *home;
    fiber *waiter;
    bool done; /* on the home loop */
    err result;
} tx_command;

struct sqlite_writer {
    sqlite_connection *connection;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    list_link queue; /* of write_job */
    size_t queued;
    tx_command *command; /* for the open transaction */
    bool stopping;

    sqlite3 *checkpointer;
    pthread_t checkpoint_thread;
    pthread_cond_t checkpoint_wake;
    bool checkpoint_wanted;

    /* The writer's own. */
    int log_pages;     /* after the last commit */
    size_t last_group; /* jobs in it */
    int64_t last_took; /* nanoseconds */
};

static int run(sqlite_writer *w, const char *sql)
{
    return sqlite_run(w->connection, sql, DB_NO_ARGS, NULL, NULL, NULL);
}

static void roll_back(sqlite_writer *w)
{
    if (!sqlite3_get_autocommit(w->connection->handle)) /* some errors have done it already */
        sqlite3_exec(w->connection->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* Waking fibers: one message a loop, whatever the size of the group. */

static void job_done(write_job *job)
{
    if (job->batch != NULL) {
        job->batch->done = true;
        fiber_wake(job->batch->waiter);
        return;
    }
    job->tx->begun = true;
    fiber_wake(job->tx->waiter);
}

static void on_jobs_done(void *arg)
{
    write_job *job = arg;

    while (job != NULL) {
        write_job *next = job->next_done; /* the fiber may be gone with the job as soon as it is told */

        job_done(job);
        job = next;
    }
}

static void tell(list_link *group)
{
    write_job *of_loop[LOOPS_MAX] = {NULL};
    loop *homes[LOOPS_MAX];
    list_link *l;

    while ((l = list_take_first(group)) != NULL) {
        write_job *job = LIST_OF(l, write_job, link);
        size_t at = loop_index(job->home);

        homes[at] = job->home;
        job->next_done = of_loop[at];
        of_loop[at] = job;
    }
    for (size_t i = 0; i < LOOPS_MAX; i++)
        if (of_loop[i] != NULL)
            loop_post(homes[i], on_jobs_done, of_loop[i]);
}

/* Batches. */

static int run_steps(sqlite_writer *w, db_batch *b, bool *unexpected)
{
    for (const db_step *st = b->first; st != NULL; st = st->next) {
        int rc = sqlite_run(w->connection, st->sql, st->args, st->n, NULL, NULL, &b->changed);

        if (rc != SQLITE_OK)
            return rc;
        if (st->expect >= 0 && b->changed != st->expect) {
            *unexpected = true;
            return SQLITE_OK;
        }
    }
    return SQLITE_OK;
}

/* The code that ended the whole transaction, or SQLITE_OK when the batch was its own affair. */
static int run_batch(sqlite_writer *w, db_batch *b, err *result)
{
    bool savepoint = b->count > 1 || b->expects, unexpected = false;
    int rc = savepoint ? run(w, "SAVEPOINT batch") : SQLITE_OK;

    if (rc != SQLITE_OK)
        return rc;
    rc = run_steps(w, b, &unexpected);
    *result = unexpected ? ERR_CONFLICT : sqlite_to_err(rc);
    if (*result == ERR_NO_SPACE || *result == ERR_IO || sqlite3_get_autocommit(w->connection->handle))
        return rc != SQLITE_OK ? rc : SQLITE_ABORT;
    if (!savepoint)
        return SQLITE_OK;
    if (*result != OK)
        rc = run(w, "ROLLBACK TO batch");
    else
        rc = SQLITE_OK;
    return rc == SQLITE_OK ? run(w, "RELEASE batch") : rc;
}

static void fail_all(list_link *group, err e)
{
    for (list_link *l = group->next; l != group; l = l->next)
        LIST_OF(l, write_job, link)->result = e;
}

static void run_group(sqlite_writer *w, list_link *group)
{
    int rc = run(w, "BEGIN IMMEDIATE");

    for (list_link *l = group->next; rc == SQLITE_OK && l != group; l = l->next) {
        write_job *job = LIST_OF(l, write_job, link);

        rc = run_batch(w, job->batch, &job->result);
    }
    if (rc == SQLITE_OK)
        rc = run(w, "COMMIT");
    if (rc != SQLITE_OK) {
        err e = sqlite_to_err(rc);

        roll_back(w);
        fail_all(group, e != OK ? e : ERR_IO);
        log_warn("db.commit_failed", log_str("reason", sqlite3_errstr(rc)));
        return;
    }
    atomic_fetch_add(&db_counters.commits, 1);
}

/* Transactions of one fiber. */

static void on_command_done(void *arg)
{
    tx_command *cmd = arg;

    cmd->done = true;
    fiber_wake(cmd->waiter);
}

static tx_command *next_command(sqlite_writer *w)
{
    tx_command *cmd;

    pthread_mutex_lock(&w->lock);
    while (w->command == NULL)
        pthread_cond_wait(&w->wake, &w->lock);
    cmd = w->command;
    w->command = NULL;
    pthread_mutex_unlock(&w->lock);
    return cmd;
}

static err end_transaction(sqlite_writer *w, bool commit)
{
    int rc;

    if (!commit) {
        roll_back(w);
        return OK;
    }
    if (sqlite3_get_autocommit(w->connection->handle))
        return ERR_IO; /* an error has rolled it back */
    rc = run(w, "COMMIT");
    if (rc != SQLITE_OK)
        roll_back(w);
    else
        atomic_fetch_add(&db_counters.commits, 1);
    return sqlite_to_err(rc);
}

/* Serves one fiber until its transaction has ended: every other writer waits. */
static void run_transaction(sqlite_writer *w, list_link *group)
{
    write_job *job = LIST_OF(group->next, write_job, link);
    bool over;

    job->result = sqlite_to_err(run(w, "BEGIN IMMEDIATE"));
    over = job->result != OK;
    tell(group);
    while (!over) {
        tx_command *cmd = next_command(w);

        over = cmd->sql == NULL;
        if (over)
            cmd->result = end_transaction(w, cmd->commit);
        else
            cmd->result = sqlite_to_err(
                sqlite_run(w->connection, cmd->sql, cmd->args, cmd->n, cmd->arena, cmd->rows, cmd->changed));
        loop_post(cmd->home, on_command_done, cmd);
    }
}

static err run_command(sqlite_writer *w, tx_command *cmd)
{
    cmd->home = loop_self();
    cmd->waiter = fiber_self();
    pthread_mutex_lock(&w->lock);
    w->command = cmd;
    pthread_mutex_unlock(&w->lock);
    pthread_cond_signal(&w->wake);
    while (!cmd->done)
        fiber_park_shielded();
    return cmd->result;
}

err sqlite_writer_tx_run(sqlite_writer *w, db_tx *tx, const char *sql, const db_value *args, size_t n, arena *a,
                         db_rows *rows, int64_t *changed)
{
    tx_command cmd = {.sql = sql, .args = args, .n = n, .arena = a, .rows = rows, .changed = changed};

    (void)tx; /* there is only one at a time */
    return run_command(w, &cmd);
}

err sqlite_writer_tx_end(sqlite_writer *w, db_tx *tx, bool commit)
{
    tx_command cmd = {.commit = commit};

    (void)tx;
    return run_command(w, &cmd);
}

/* Checkpoints. */

static void checkpoint(sqlite3 *handle)
{
    int rc = sqlite3_wal_checkpoint_v2(handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY)
        log_warn("db.checkpoint", log_str("reason", sqlite3_errmsg(handle)));
}

static void *checkpoint_main(void *arg)
{
    sqlite_writer *w = arg;

    pthread_mutex_lock(&w->lock);
    while (!w->stopping) {
        if (!w->checkpoint_wanted) {
            pthread_cond_wait(&w->checkpoint_wake, &w->lock);
            continue;
        }
        w->checkpoint_wanted = false;
        pthread_mutex_unlock(&w->lock);
        checkpoint(w->checkpointer);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Called by SQLite after each commit of the writer. */
static int on_commit(void *arg, sqlite3 *handle, const char *name, int pages)
{
    (void)handle;
    (void)name;
    ((sqlite_writer *)arg)->log_pages = pages;
    return SQLITE_OK;
}

static void keep_log_short(sqlite_writer *w)
{
    if (w->log_pages >= LOG_LIMIT_PAGES)
        checkpoint(w->connection->handle);
    if (w->log_pages < CHECKPOINT_PAGES)
        return;
    pthread_mutex_lock(&w->lock);
    w->checkpoint_wanted = true;
    pthread_mutex_unlock(&w->lock);
    pthread_cond_signal(&w->checkpoint_wake);
}

/* The queue. */

/* Those who were told of the last commit usually write again at once.  Waiting for them for a part of what a commit takes
 * makes one group of two, and halves the number of commits when there are many writers.  Under the lock. */
static void gather(sqlite_writer *w)
{
    size_t wanted = MIN_OF(w->queued + w->last_group, (size_t)GROUP_MAX);
    int64_t patience = MIN_OF(w->last_took / 2, GATHER_MOST);
    struct timespec until;

    if (w->last_group < GATHER_FROM || list_empty(&w->queue))
        return;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += patience;
    if (until.tv_nsec >= SECONDS(1)) {
        until.tv_nsec -= SECONDS(1);
        until.tv_sec++;
    }
    while (w->queued < wanted && !w->stopping)
        if (pthread_cond_timedwait(&w->wake, &w->lock, &until) != 0)
            break;
}

/* Everything up to the beginning of a transaction, or that alone.  Empty when it is time to stop. */
static void take_group(sqlite_writer *w, list_link *group)
{
    list_link *queue = &w->queue, *l;

    list_init(group);
    pthread_mutex_lock(&w->lock);
    do {
        while (list_empty(queue) && !w->stopping)
            pthread_cond_wait(&w->wake, &w->lock);
        gather(w);
    } while (list_empty(queue) && !w->stopping); /* all of it may have been withdrawn meanwhile */
    for (size_t n = 0; n < GROUP_MAX && (l = queue->next) != queue; n++) {
        write_job *job = LIST_OF(l, write_job, link);

        if (job->batch == NULL && n > 0)
            break;
        list_remove(l);
        list_append(group, l);
        job->taken = true;
        w->queued--;
        w->last_group = n + 1;
        if (job->batch == NULL)
            break;
    }
    atomic_store(&db_counters.queue, w->queued);
    pthread_mutex_unlock(&w->lock);
}

static void *writer_main(void *arg)
{
    sqlite_writer *w = arg;
    list_link group;

    for (take_group(w, &group); !list_empty(&group); take_group(w, &group)) {
        if (LIST_OF(group.next, write_job, link)->batch == NULL) {
            run_transaction(w, &group);
        } else {
            int64_t start = clock_mono();

            run_group(w, &group);
            w->last_took = clock_mono() - start;
            tell(&group);
        }
        keep_log_short(w);
    }
    return NULL;
}

err sqlite_writer_submit(sqlite_writer *w, write_job *job)
{
    err e = OK;

    list_init(&job->link);
    pthread_mutex_lock(&w->lock);
    if (w->queued >= QUEUE_MAX || w->stopping) {
        e = ERR_BUSY;
    } else {
        list_append(&w->queue, &job->link);
        atomic_store(&db_counters.queue, ++w->queued);
    }
    pthread_mutex_unlock(&w->lock);
    if (e == OK) /* without the lock: the writer may take this processor at once, and would only wait for it */
        pthread_cond_signal(&w->wake);
    return e;
}

bool sqlite_writer_withdraw(sqlite_writer *w, write_job *job)
{
    bool mine;

    pthread_mutex_lock(&w->lock);
    mine = !job->taken;
    if (mine) {
        list_remove(&job->link);
        atomic_store(&db_counters.queue, --w->queued);
    }
    pthread_mutex_unlock(&w->lock);
    return mine;
}

/* Starting and stopping. */

static sqlite3 *open_checkpointer(const char *path)
{
    sqlite3 *h = NULL;

    if (sqlite3_open_v2(path, &h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
        sqlite3_exec(h, "PRAGMA synchronous=FULL; PRAGMA cache_size=-512;", NULL, NULL, NULL) == SQLITE_OK)
        return h;
    sqlite3_close(h);
    return NULL;
}

static void free_writer(sqlite_writer *w)
{
    sqlite3_close(w->checkpointer);
    sqlite_disconnect(w->connection);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->wake);
    pthread_cond_destroy(&w->checkpoint_wake);
    free(w);
}

static void *writer_thread(void *arg)
{
    pthread_setname_np(pthread_self(), "db-writer");
    return writer_main(arg);
}

static void *checkpoint_thread(void *arg)
{
    pthread_setname_np(pthread_self(), "db-checkpoint");
    return checkpoint_main(arg);
}

sqlite_writer *sqlite_writer_start(const char *path, char *why, size_t why_size)
{
    sqlite_writer *w = mem_zalloc(1, sizeof *w);
    pthread_condattr_t monotonic;

    list_init(&w->queue);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&w->checkpoint_wake, NULL);
    w->connection = sqlite_connect(path, SQLITE_WRITES, why, why_size);
    w->checkpointer = open_checkpointer(path);
    if (w->connection == NULL || w->checkpointer == NULL) {
        if (w->connection != NULL)
            snprintf(why, why_size, "%s: cannot be opened twice", path);
        free_writer(w);
        return NULL;
    }
    sqlite3_wal_hook(w->connection->handle, on_commit, w);
    if (pthread_create(&w->thread, NULL, writer_thread, w) != 0) {
        snprintf(why, why_size, "cannot start a thread");
        free_writer(w);
        return NULL;
    }
    if (pthread_create(&w->checkpoint_thread, NULL, checkpoint_thread, w) != 0)
        mem_die("checkpoint thread", 0);
    return w;
}

void sqlite_writer_stop(sqlite_writer *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_broadcast(&w->wake);
    pthread_cond_broadcast(&w->checkpoint_wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_join(w->checkpoint_thread, NULL);
    free_writer(w);
}
