/* SPDX-License-Identifier: MIT */
/* Objects in a directory: whole or not at all. */
#include "store/object.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../test.h"
#include "rt/sleep.h"
#include "store/object_backup.h"

static void set_up(void)
{
    char why[256];

    CHECK(object_setup(test_dir(), why, sizeof why) == OK, "%s", why);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "wx");

    CHECK(f != NULL, "%s", path);
    CHECK(fputs(text, f) >= 0, "written");
    CHECK(fclose(f) == 0, "closed");
}

FIBER_TEST(bytes_that_were_put_are_read_again)
{
    const char *key, *other;
    object_file file;
    str got;

    set_up();
    CHECK(object_put(s, s->arena, "a\0b", 3, &key) == OK, "put");
    CHECK(object_put(s, s->arena, "", 0, &other) == OK, "an empty one");
    CHECK(strcmp(key, other) != 0, "keys differ");
    CHECK(object_read(s, s->arena, key, 3, &got) == OK && got.len == 3 && memcmp(got.p, "a\0b", 4) == 0, "read");
    CHECK(object_read(s, s->arena, other, 0, &got) == OK && got.len == 0, "empty");
    CHECK(object_fetch(s, key, &file) == OK && file.size == 3, "as a file");
}

FIBER_TEST(more_bytes_than_wanted_are_not_read)
{
    const char *key;
    str got;

    set_up();
    CHECK(object_put(s, s->arena, "abc", 3, &key) == OK, "put");
    CHECK_INT(object_read(s, s->arena, key, 2, &got), ERR_TOO_LARGE);
}

FIBER_TEST(a_staged_file_becomes_an_object_and_is_gone_from_its_place)
{
    const char *path, *key;
    str got;

    set_up();
    CHECK(object_stage(s, s->arena, &path) == OK, "a place");
    write_file(path, "uploaded");
    CHECK(object_put_staged(s, s->arena, path, &key) == OK, "handed over");
    CHECK(access(path, F_OK) != 0, "moved");
    CHECK(object_read(s, s->arena, key, 100, &got) == OK, "read");
    CHECK_STR(got.p, "uploaded");
}

FIBER_TEST(a_staged_file_that_is_not_there_gives_no_object)
{
    const char *path, *key;

    set_up();
    CHECK(object_stage(s, s->arena, &path) == OK, "a place");
    CHECK_INT(object_put_staged(s, s->arena, path, &key), ERR_NOT_FOUND);
}

FIBER_TEST(deleted_objects_are_gone_and_deleting_again_is_no_error)
{
    object_file file;
    const char *key;

    set_up();
    CHECK(object_put(s, s->arena, "x", 1, &key) == OK, "put");
    CHECK(object_delete(s, key) == OK && object_delete(s, key) == OK, "twice");
    CHECK_INT(object_fetch(s, key, &file), ERR_NOT_FOUND);
}

FIBER_TEST(what_is_discarded_is_gone_also_when_the_work_has_ended)
{
    scope *work = scope_child(s, NO_LIMIT);
    object_file file;
    const char *key;

    set_up();
    CHECK(object_put(work, s->arena, "x", 1, &key) == OK, "put");
    scope_cancel(work, "the client has left");
    CHECK_INT(object_delete(work, key), ERR_CANCELLED);
    CHECK(object_fetch(s, key, &file) == OK, "still there");
    object_discard(key);
    CHECK_INT(object_fetch(s, key, &file), ERR_NOT_FOUND);
    object_discard(key);
    object_discard(NULL);
}

FIBER_TEST(only_keys_of_ours_name_objects)
{
    static const char *const names[] = {
        "../../../../../../../../../../../etc/", "", "x", "../staged", "00000000-0000-0000-0000-00000000000/",
        "00000000-0000-0000-0000-00000000000G"};
    object_file file;

    set_up();
    for (size_t i = 0; i < COUNT(names); i++) {
        CHECK(object_fetch(s, names[i], &file) == ERR_NOT_FOUND, "%s", names[i]);
        CHECK(object_delete(s, names[i]) == OK, "%s", names[i]);
    }
}

FIBER_TEST(a_setup_clears_what_cut_off_uploads_have_left_but_no_object)
{
    const char *path, *key;
    object_file file;

    set_up();
    CHECK(object_stage(s, s->arena, &path) == OK, "a place");
    write_file(path, "half");
    CHECK(object_put(s, s->arena, "x", 1, &key) == OK, "put");
    set_up();
    CHECK(access(path, F_OK) != 0, "cleared");
    CHECK(object_fetch(s, key, &file) == OK, "kept");
}

FIBER_TEST(what_cannot_be_written_whole_leaves_nothing)
{
    struct rlimit small = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
    char big[10000] = {0};
    char staged[512];
    const char *key = NULL;

    set_up();
    signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0, "a small limit");
    CHECK_INT(object_put(s, s->arena, big, sizeof big, &key), ERR_IO);
    CHECK(key == NULL, "no key");
    snprintf(staged, sizeof staged, "%s/staged", test_dir());
    CHECK(rmdir(staged) == 0, "nothing is left in it");
}

static int files_found;

static int count_file(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)path;
    (void)st;
    (void)at;
    files_found += kind == FTW_F;
    return 0;
}

static err put_large(scope *s, void *bytes)
{
    const char *key;

    return object_put(s, s->arena, bytes, MIB(2), &key);
}

FIBER_TEST(a_put_that_is_given_up_leaves_nothing, .limit = 30)
{
    void *bytes = calloc(1, MIB(2));
    int kept = 0, given_up = 0;

    set_up();
    for (int i = 0; i < 40; i++) {
        scope *work = scope_child(s, NO_LIMIT);
        err e;

        scope_spawn(work, put_large, bytes);
        CHECK_INT(sleep_for(s, i % 4 == 0 ? 0 : MILLISECONDS(i % 4)), OK);
        scope_cancel(work, "gone");
        e = scope_join(work);
        CHECK(e == OK || e == ERR_CANCELLED, "%s", err_name(e));
        kept += e == OK;
        given_up += e != OK;
        scope_close(work);
    }
    CHECK(nftw(test_dir(), count_file, 8, FTW_PHYS) == 0, "counted");
    CHECK_INT(files_found, kept);
    CHECK(given_up > 0, "some were given up");
    free(bytes);
}

FIBER_TEST(without_a_setup_there_are_no_objects)
{
    const char *key;
    char why[256];

    CHECK_INT(object_put(s, s->arena, "x", 1, &key), ERR_UNSUPPORTED);
    CHECK(object_setup("/proc/none/such", why, sizeof why) == ERR_IO && *why != '\0', "says why");
}

FIBER_TEST(a_backup_is_a_directory_that_can_be_used_in_its_place)
{
    const char *to = arena_printf(s->arena, "%s/copy", test_dir()), *first, *second, *from;
    char why[256] = "";
    size_t count = 0;
    str got;

    from = arena_printf(s->arena, "%s/objects", test_dir());
    CHECK(object_backup(from, to, &count, why, sizeof why) == OK && count == 0, "there is nothing yet");
    CHECK(access(to, F_OK) != 0, "and nothing is made");
    CHECK(object_setup(from, why, sizeof why) == OK, "%s", why);
    CHECK(object_backup(from, to, &count, why, sizeof why) == OK && count == 0, "%s", why);
    CHECK(access(to, F_OK) != 0, "still nothing");
    CHECK(object_put(s, s->arena, "one", 3, &first) == OK, "put");
    CHECK(object_put(s, s->arena, "two!", 4, &second) == OK, "put");
    CHECK(object_backup(from, to, &count, why, sizeof why) == OK, "%s", why);
    CHECK_INT(count, 2);
    CHECK_INT(object_backup(from, to, &count, why, sizeof why), ERR_CONFLICT);
    CHECK(strstr(why, "exists") != NULL, "%s", why);
    CHECK(object_setup(to, why, sizeof why) == OK, "%s", why);
    CHECK(object_read(s, s->arena, first, 10, &got) == OK && got.len == 3, "the first");
    CHECK(object_read(s, s->arena, second, 10, &got) == OK && got.len == 4, "the second");
}

FIBER_TEST(a_backup_after_everything_was_deleted_is_none)
{
    const char *from = arena_printf(s->arena, "%s/objects", test_dir()), *key;
    const char *to = arena_printf(s->arena, "%s/copy", test_dir());
    char why[256] = "";
    size_t count = 1;

    CHECK(object_setup(from, why, sizeof why) == OK, "%s", why);
    CHECK(object_put(s, s->arena, "x", 1, &key) == OK && object_delete(s, key) == OK, "put and deleted");
    CHECK(object_backup(from, to, &count, why, sizeof why) == OK, "%s", why);
    CHECK_INT(count, 0);
    CHECK(access(to, F_OK) != 0, "nothing is made");
}
