/* SPDX-License-Identifier: MIT */
/*
 * Copies of a SQLite database while it is in use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "db/sqlite_internal.h"

enum { PAGES_A_STEP = 512, BUSY_RETRIES = 1000 };

static err create_new(const char *file, char *why, size_t why_size)
{
    int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    err e = errno == ENOSPC ? ERR_NO_SPACE : errno == EEXIST ? ERR_CONFLICT : ERR_IO;

    if (fd >= 0) {
        close(fd);
        return OK;
    }
    snprintf(why, why_size, "%s: %s", file, strerror(errno));
    return e;
}

static int copy_pages(sqlite3_backup *bk, void (*progress)(void *arg, int done, int total), void *arg)
{
    int rc, retries = 0;

    do {
        rc = sqlite3_backup_step(bk, PAGES_A_STEP);
        if (progress != NULL) {
            int total = sqlite3_backup_pagecount(bk);

            progress(arg, total - sqlite3_backup_remaining(bk), total);
        }
        if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
            usleep(10000);
    } while (rc == SQLITE_OK || ((rc == SQLITE_BUSY || rc == SQLITE_LOCKED) && ++retries < BUSY_RETRIES));
    return rc;
}

/* A read transaction on the source holds one moment of it, however long the copying takes and whatever is written. */
static int copy(sqlite3 *from, sqlite3 *to, void (*progress)(void *arg, int done, int total), void *arg)
{
    sqlite3_backup *bk;
    int rc = sqlite3_exec(from, "BEGIN; SELECT count(*) FROM sqlite_schema;", NULL, NULL, NULL);

    if (rc != SQLITE_OK)
        return rc;
    bk = sqlite3_backup_init(to, "main", from, "main");
    if (bk == NULL)
        return sqlite3_errcode(to);
    rc = copy_pages(bk, progress, arg);
    sqlite3_backup_finish(bk);
    sqlite3_exec(from, "COMMIT", NULL, NULL, NULL);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

err sqlite_backup(const char *path, const char *file, void (*progress)(void *arg, int done, int total), void *arg,
                  char *why, size_t why_size)
{
    sqlite_connection *from = sqlite_connect(path, SQLITE_READS, why, why_size);
    sqlite3 *to = NULL;
    err e;
    int rc;

    if (from == NULL)
        return ERR_IO;
    e = create_new(file, why, why_size);
    if (e != OK) {
        sqlite_disconnect(from);
        return e;
    }
    rc = sqlite3_open_v2(file, &to, SQLITE_OPEN_READWRITE, NULL);
    if (rc == SQLITE_OK)
        rc = copy(from->handle, to, progress, arg);
    if (rc != SQLITE_OK) {
        snprintf(why, why_size, "%s: %s", file, sqlite3_errstr(rc));
        unlink(file);
    }
    sqlite3_close(to);
    sqlite_disconnect(from);
    return sqlite_to_err(rc);
}
