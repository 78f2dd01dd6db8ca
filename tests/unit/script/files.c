/* SPDX-License-Identifier: MIT */
/* Tests of script/files.c: the limits; what needs a server is in tests/api. */
#include "script/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/object.h"
#include "test.h"

#define MB ((int64_t)1024 * 1024)

TEST(each_kind_of_file_has_its_limit)
{
    static const struct {
        const char *mime, *name;
        int64_t megabytes;
    } cases[] = {
        {"application/pdf", "a.pdf", 256}, {"application/octet-stream", "a.docx", 256},
        {"text/plain", "notes", 256},      {"image/png", "a.png", 20},
        {"video/mp4", "a.mp4", 20},        {"audio/mpeg", "a.mp3", 200},
        {"text/csv", "table", 30},         {"application/octet-stream", "TABLE.XLSX", 30},
        {"application/zip", "a.zip", 10},  {"application/octet-stream", ".csv", 10},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK(files_limit(cases[i].mime, cases[i].name) == cases[i].megabytes * MB, "%s", cases[i].name);
}

static int staged(scope *s, const char *objects)
{
    DIR *d = opendir(arena_printf(s->arena, "%s/staged", objects));
    int n = 0;

    CHECK(d != NULL, "%s", objects);
    for (struct dirent *f; (f = readdir(d)) != NULL;)
        n += f->d_name[0] != '.';
    closedir(d);
    return n;
}

FIBER_TEST(a_file_of_the_workspace_is_copied_for_as_long_as_its_scope, .limit = 60)
{
    const char *objects = arena_printf(s->arena, "%s/objects", test_dir()),
               *workspace = arena_printf(s->arena, "%s/workspace", test_dir());
    const file_owner who = {.user_id = "u", .workspace = workspace};
    scope *own = scope_child(s, NO_LIMIT);
    script_input_file file;
    char why[200];
    int fd;

    CHECK(mkdir(workspace, 0700) == 0 && object_setup(objects, why, sizeof why) == OK, "%s", why);
    fd = open(arena_printf(s->arena, "%s/big", workspace), O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0 && ftruncate(fd, 64 * MB) == 0 && close(fd) == 0, "made");
    CHECK_INT(files_resolve(own, &who, "/mnt/data/big", &file), ERR_TOO_LARGE);
    CHECK(rename(arena_printf(s->arena, "%s/big", workspace), arena_printf(s->arena, "%s/big.txt", workspace)) == 0,
          "a kind that may be large");
    CHECK_INT(files_resolve(own, &who, "/mnt/data/big.txt", &file), OK);
    CHECK_INT(file.size, 64 * MB);
    scope_close(own);
    for (int i = 1; i <= 20; i++) {
        own = scope_child(s, MILLISECONDS(i));
        (void)!files_resolve(own, &who, "big.txt", &file);
        scope_close(own);
    }
    CHECK_INT(staged(s, objects), 0);
}
