/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <unistd.h>

#include "rt/offload.h"

FIBER_TEST(a_file_that_was_written_is_read_back_with_numbered_lines)
{
    tool_context cx = fixture_context(s);
    json_t *v = fixture_call(s, &cx, "file_write", "{\"file_path\":\"a/b.txt\",\"content\":\"one\\ntwo\\nthrée\\n\"}");

    CHECK_STR(json_get_str(v, "status", NULL), "success");
    CHECK(json_get_bool(v, "success", false), "written");
    CHECK_STR(json_get_str(v, "message", NULL), "File written successfully.");
    CHECK_INT(json_get_int(v, "content_length", -1), 14);
    CHECK_STR(json_get_str(v, "mode", NULL), "overwrite");
    CHECK_STR(json_get_str(v, "file_path", NULL), fixture_path(s, &cx, "a/b.txt"));
    CHECK_STR(json_get_str(json_get_obj(v, "validation"), "status", NULL), "skipped");
    v = fixture_call(s, &cx, "file_read", "{\"file_path\":\"a/b.txt\"}");
    CHECK_STR(json_get_str(v, "content", NULL), "   1 | one\n   2 | two\n   3 | thrée");
    CHECK_STR(json_get_str(v, "raw_content", NULL), "one\ntwo\nthrée\n");
    CHECK_INT(json_get_int(v, "total_lines", -1), 3);
    CHECK_INT(json_get_int(v, "start_line", -1), 0);
    CHECK_INT(json_get_int(v, "end_line", -1), 3);
    CHECK_INT(json_get_int(v, "lines_read", -1), 3);
    CHECK(json_get_bool(v, "line_numbers_included", false), "numbers");
}

FIBER_TEST(ranges_of_lines_are_counted_from_zero_and_end_before_the_last)
{
    tool_context cx = fixture_context(s);
    static const struct {
        const char *range, *raw;
    } cases[] = {
        {"\"start_line\":1,\"end_line\":2", "b\n"},
        {"\"start_line\":0,\"end_line\":1", "a\n"},
        {"\"start_line\":2,\"end_line\":99", "c"},
        {"\"start_line\":2,\"end_line\":null", "c"},
        {"\"start_line\":9,\"end_line\":10", ""},
        {"\"start_line\":1,\"end_line\":1", ""},
        {"\"start_line\":\"1\",\"end_line\":\"3\"", "b\nc"},
        {"\"start_line\":4000", ""},
    };

    fixture_puts(s, &cx, "f", "a\nb\nc");
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *v =
            fixture_call(s, &cx, "file_read", arena_printf(s->arena, "{\"file_path\":\"f\",%s}", cases[i].range));

        CHECK_STR(json_get_str(v, "raw_content", NULL), cases[i].raw);
        CHECK_INT(json_get_int(v, "total_lines", -1), 3);
    }
    fixture_fails(s, &cx, "file_read", "{\"file_path\":\"f\",\"start_line\":-1}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "file_read", "{\"file_path\":\"f\",\"start_line\":5,\"end_line\":2}", "INVALID_ARGUMENT");
}

FIBER_TEST(without_numbers_the_content_is_the_text_itself)
{
    tool_context cx = fixture_context(s);
    json_t *v;

    fixture_puts(s, &cx, "j.json", "{\"content\":\"x\"}\n");
    v = fixture_call(s, &cx, "file_read", "{\"file_path\":\"j.json\",\"include_line_numbers\":false}");
    CHECK_STR(json_get_str(v, "content", NULL), "{\"content\":\"x\"}\n");
    CHECK(!json_get_bool(v, "line_numbers_included", true), "none");
}

FIBER_TEST(an_empty_file_has_no_lines)
{
    tool_context cx = fixture_context(s);
    json_t *v;

    fixture_puts(s, &cx, "e", "");
    v = fixture_call(s, &cx, "file_read", "{\"file_path\":\"e\"}");
    CHECK_INT(json_get_int(v, "total_lines", -1), 0);
    CHECK_STR(json_get_str(v, "content", NULL), "");
}

FIBER_TEST(a_range_that_is_too_long_ends_early_and_says_so)
{
    tool_context cx = fixture_context(s);
    char *text = arena_alloc(s->arena, 600001);
    json_t *v;

    for (size_t i = 0; i < 600000; i++)
        text[i] = i % 100 == 99 ? '\n' : 'x';
    fixture_write(s, &cx, "long", text, 600000);
    v = fixture_call(s, &cx, "file_read", "{\"file_path\":\"long\",\"end_line\":null}");
    CHECK_INT(json_get_int(v, "total_lines", -1), 6000);
    CHECK(json_get_int(v, "end_line", -1) < 6000, "cut");
    CHECK(json_get_str(v, "hint", NULL) != NULL, "says so");
}

FIBER_TEST(files_that_are_no_text_are_refused)
{
    tool_context cx = fixture_context(s);

    fixture_write(s, &cx, "latin1", "caf\xe9\n", 5);
    fixture_write(s, &cx, "nul", "a\0b\n", 4);
    fixture_fails(s, &cx, "file_read", "{\"file_path\":\"latin1\"}", "UNSUPPORTED");
    fixture_fails(s, &cx, "file_read", "{\"file_path\":\"nul\"}", "UNSUPPORTED");
    CHECK(mkfifo(fixture_path(s, &cx, "pipe"), 0600) == 0, "a pipe");
    fixture_fails(s, &cx, "file_read", "{\"file_path\":\"pipe\"}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "file_read", "{\"file_path\":\".\"}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "file_read", "{\"file_path\":\"none\"}", "NOT_FOUND");
    fixture_fails(s, &cx, "file_read", "{\"file_path\":\"\"}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "file_read", "{\"file_path\":\"latin1/x\"}", "INVALID_ARGUMENT");
}

FIBER_TEST(files_over_the_limit_are_neither_read_nor_grown)
{
    tool_context cx = fixture_context(s);
    const char *path = fixture_path(s, &cx, "huge");

    fixture_puts(s, &cx, "huge", "x");
    CHECK(truncate(path, FILE_LIMIT + 1) == 0, "sparse");
    fixture_fails(s, &cx, "file_read", "{\"file_path\":\"huge\"}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "file_write", "{\"file_path\":\"huge\",\"content\":\"y\",\"mode\":\"append\"}",
                  "INVALID_ARGUMENT");
    CHECK(truncate(path, FILE_LIMIT) == 0, "at the limit");
    fixture_fails(s, &cx, "file_write", "{\"file_path\":\"huge\",\"content\":\"y\",\"mode\":\"append\"}",
                  "INVALID_ARGUMENT");
}

FIBER_TEST(writing_keeps_permissions_and_leaves_no_temporary_files, .limit = 20)
{
    tool_context cx = fixture_context(s);
    struct stat st;
    json_t *v;

    fixture_puts(s, &cx, "run.sh", "old");
    CHECK(chmod(fixture_path(s, &cx, "run.sh"), 0750) == 0, "chmod");
    fixture_call(s, &cx, "file_write", "{\"file_path\":\"run.sh\",\"content\":\"new\"}");
    CHECK(stat(fixture_path(s, &cx, "run.sh"), &st) == 0 && (st.st_mode & 0777) == 0750, "mode %o", st.st_mode);
    CHECK_STR(fixture_read(s, &cx, "run.sh"), "new");
    v = fixture_call(s, &cx, "list_dir", "{\"include_hidden\":true}");
    CHECK_STR(json_get_str(v, "tree", NULL), "run.sh\n");
}

FIBER_TEST(appending_adds_to_the_end_and_makes_the_file_when_it_is_missing)
{
    tool_context cx = fixture_context(s);

    fixture_call(s, &cx, "file_write", "{\"file_path\":\"log\",\"content\":\"a\\n\",\"mode\":\"append\"}");
    fixture_call(s, &cx, "file_write", "{\"file_path\":\"log\",\"content\":\"b\\n\",\"mode\":\"append\"}");
    CHECK_STR(fixture_read(s, &cx, "log"), "a\nb\n");
    fixture_fails(s, &cx, "file_write", "{\"file_path\":\"log\",\"content\":\"b\",\"mode\":\"prepend\"}",
                  "INVALID_ARGUMENT");
    CHECK_STR(fixture_read(s, &cx, "log"), "a\nb\n");
}

FIBER_TEST(json_files_are_validated_but_written_all_the_same)
{
    tool_context cx = fixture_context(s);
    json_t *v = fixture_call(s, &cx, "file_write", "{\"file_path\":\"x.json\",\"content\":\"{]\"}");

    v = json_get_obj(v, "validation");
    CHECK(!json_get_bool(v, "passed", true) && !json_get_bool(v, "skipped", true), "not valid");
    CHECK_STR(json_get_str(v, "validator", NULL), "json");
    CHECK_STR(json_get_str(v, "file_extension", NULL), ".json");
    CHECK_INT(json_array_size(json_get_arr(v, "errors")), 1);
    CHECK_STR(fixture_read(s, &cx, "x.json"), "{]");
    v = fixture_call(s, &cx, "file_write", "{\"file_path\":\"x.json\",\"content\":\"{}\"}");
    CHECK(json_get_bool(json_get_obj(v, "validation"), "passed", false), "valid");
}

/* Every file tool, every way out. */
FIBER_TEST(no_path_leads_out_of_the_workspace, .limit = 30)
{
    tool_context cx = fixture_context(s);
    const char *outside = arena_printf(s->arena, "%s/secret", test_dir()), *paths[12];
    size_t n = 0;

    fixture_puts(s, &cx, "../secret", "classified");
    CHECK(mkdir(fixture_path(s, &cx, "dir"), 0755) == 0, "dir");
    CHECK(symlink("../secret", fixture_path(s, &cx, "link")) == 0, "link");
    CHECK(symlink(outside, fixture_path(s, &cx, "abslink")) == 0, "absolute link");
    CHECK(symlink("..", fixture_path(s, &cx, "up")) == 0, "directory link");
    CHECK(symlink("nowhere/else", fixture_path(s, &cx, "dangling")) == 0, "dangling link");
    CHECK(symlink("loop", fixture_path(s, &cx, "loop")) == 0, "loop");
    paths[n++] = "../secret";
    paths[n++] = "dir/../../secret";
    paths[n++] = outside;
    paths[n++] = "/etc/passwd";
    paths[n++] = arena_printf(s->arena, "%s/../secret", cx.workspace);
    paths[n++] = arena_printf(s->arena, "%sx/f", cx.workspace);
    paths[n++] = "link";
    paths[n++] = "abslink";
    paths[n++] = "up/secret";
    paths[n++] = "up/new";
    paths[n++] = "loop";
    for (int walking = 0; walking < 2; walking++) {
        workspace_without_openat2(walking == 1);
        for (size_t i = 0; i < n; i++) {
            fixture_fails(s, &cx, "file_write",
                          arena_printf(s->arena, "{\"file_path\":\"%s\",\"content\":\"x\"}", paths[i]),
                          "PERMISSION_DENIED");
            if (strcmp(paths[i], "up/new") != 0)
                fixture_fails(s, &cx, "file_read", arena_printf(s->arena, "{\"file_path\":\"%s\"}", paths[i]),
                              "PERMISSION_DENIED");
        }
        fixture_fails(s, &cx, "file_write", "{\"file_path\":\"dangling\",\"content\":\"x\"}", "PERMISSION_DENIED");
        fixture_fails(s, &cx, "list_dir", "{\"path\":\"up\"}", "PERMISSION_DENIED");
        fixture_fails(s, &cx, "glob", "{\"pattern\":\"*\",\"path\":\"up\"}", "PERMISSION_DENIED");
        fixture_fails(s, &cx, "glob", "{\"pattern\":\"/etc/*\"}", "PERMISSION_DENIED");
        fixture_fails(s, &cx, "grep", "{\"pattern\":\".\",\"path\":\"../secret\"}", "PERMISSION_DENIED");
        fixture_fails(s, &cx, "file_update",
                      "{\"file_path\":\"link\",\"operations\":[{\"search_pattern\":\"c\",\"replacement\":\"d\"}]}",
                      "PERMISSION_DENIED");
    }
    workspace_without_openat2(false);
    CHECK_STR(fixture_read(s, &cx, "../secret"), "classified");
}

FIBER_TEST(links_within_the_workspace_are_followed)
{
    tool_context cx = fixture_context(s);
    struct stat st;

    fixture_puts(s, &cx, "real/f", "text");
    CHECK(symlink("real/f", fixture_path(s, &cx, "to")) == 0, "link");
    CHECK_STR(json_get_str(fixture_call(s, &cx, "file_read", "{\"file_path\":\"to\"}"), "raw_content", NULL), "text");
    fixture_call(s, &cx, "file_write", "{\"file_path\":\"to\",\"content\":\"new\"}");
    CHECK_STR(fixture_read(s, &cx, "real/f"), "new");
    CHECK(lstat(fixture_path(s, &cx, "to"), &st) == 0 && S_ISLNK(st.st_mode), "still a link");
}

FIBER_TEST(absolute_paths_inside_the_workspace_are_accepted)
{
    tool_context cx = fixture_context(s);
    json_t *v;

    fixture_puts(s, &cx, "f", "text");
    v = fixture_call(s, &cx, "file_read", arena_printf(s->arena, "{\"file_path\":\"%s/./x/../f\"}", cx.workspace));
    CHECK_STR(json_get_str(v, "raw_content", NULL), "text");
}

/* Swaps a directory and a link to the outside as fast as it can while files are written through it. */
static atomic_bool swapping;

static void swap(void *arg)
{
    const char *const *p = arg;

    while (atomic_load(&swapping)) {
        if (rename(p[0], p[1]) == 0 && symlink("..", p[0]) == 0)
            (void)!unlink(p[0]);
        (void)!rename(p[1], p[0]);
    }
}

static err swap_fiber(scope *s, void *arg)
{
    return offload(s, swap, arg);
}

FIBER_TEST(a_directory_that_becomes_a_link_meanwhile_lets_nothing_out, .limit = 60)
{
    tool_context cx = fixture_context(s);
    const char *names[] = {fixture_path(s, &cx, "d"), fixture_path(s, &cx, "hidden")};
    scope *group = scope_child(s, NO_LIMIT);
    size_t written = 0;

    CHECK(mkdir(names[0], 0755) == 0, "dir");
    atomic_store(&swapping, true);
    scope_spawn(group, swap_fiber, (void *)(uintptr_t)names);
    for (int i = 0; i < 300; i++) {
        json_t *v = fixture_call(s, &cx, "file_write", "{\"file_path\":\"d/escaped\",\"content\":\"x\"}");

        written += json_get_bool(v, "success", false);
    }
    atomic_store(&swapping, false);
    CHECK(scope_join(group) == OK, "joined");
    CHECK(access(arena_printf(s->arena, "%s/escaped", test_dir()), F_OK) != 0, "nothing outside");
    CHECK(written > 0, "some calls found the directory");
}

static err append_fiber(scope *s, void *arg)
{
    const tool_context *cx = arg;

    for (int i = 0; i < 20; i++)
        fixture_call(s, cx, "file_write", "{\"file_path\":\"l\",\"content\":\"x\",\"mode\":\"append\"}");
    return OK;
}

FIBER_TEST(appends_at_once_all_arrive, .limit = 30)
{
    tool_context cx = fixture_context(s);
    scope *group = scope_child(s, NO_LIMIT);

    for (int i = 0; i < 5; i++)
        scope_spawn(group, append_fiber, &cx);
    CHECK(scope_join(group) == OK, "all");
    CHECK_INT(strlen(fixture_read(s, &cx, "l")), 100);
}

FIBER_TEST(a_call_without_workspace_says_so)
{
    tool_context cx = fixture_context(s);

    cx.workspace = NULL;
    fixture_fails(s, &cx, "file_read", "{\"file_path\":\"f\"}", "PRECONDITION_FAILED");
    fixture_fails(s, &cx, "execute_shell_command", "{\"command\":\"ls\"}", "PRECONDITION_FAILED");
}

FIBER_TEST(a_workspace_that_is_not_there_is_an_answer_too)
{
    tool_context cx = fixture_context(s);

    cx.workspace = "/nonexistent/workspace";
    fixture_fails(s, &cx, "file_read", "{\"file_path\":\"f\"}", "NOT_FOUND");
}
