/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <sys/time.h>
#include <unistd.h>

#include "tool/pattern.h"

FIBER_TEST(a_directory_is_shown_as_a_tree)
{
    tool_context cx = fixture_context(s);
    json_t *v;

    fixture_puts(s, &cx, "src/main.c", "");
    fixture_puts(s, &cx, "src/lib/deep/x.c", "");
    fixture_puts(s, &cx, "README", "");
    fixture_puts(s, &cx, ".hidden", "");
    fixture_puts(s, &cx, "node_modules/p/i.js", "");
    v = fixture_call(s, &cx, "list_dir", "{}");
    CHECK_STR(json_get_str(v, "tree", NULL), "node_modules/\nsrc/\n  lib/\n  main.c\nREADME\n");
    CHECK_STR(json_get_str(v, "root", NULL), cx.workspace);
    CHECK_INT(json_get_int(v, "depth", 0), 2);
    v = fixture_call(s, &cx, "list_dir", "{\"path\":\"src\",\"depth\":9,\"include_hidden\":true}");
    CHECK_STR(json_get_str(v, "tree", NULL), "lib/\n  deep/\n    x.c\nmain.c\n");
    v = fixture_call(s, &cx, "list_dir", "{\"include_hidden\":true,\"depth\":1,\"max_items_per_dir\":2}");
    CHECK_STR(json_get_str(v, "tree", NULL), "node_modules/\nsrc/\n… (2 more)\n");
    fixture_fails(s, &cx, "list_dir", "{\"path\":\"README\"}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "list_dir", "{\"path\":\"none\"}", "NOT_FOUND");
}

FIBER_TEST(the_workspace_is_shown_in_short_unless_it_is_empty)
{
    tool_context cx = fixture_context(s), none = {0};
    const char *tree = "before";

    CHECK(tool_workspace_tree(s, s->arena, &none, 2, 5, &tree) == OK && tree == NULL, "there is none");
    CHECK(tool_workspace_tree(s, s->arena, &cx, 2, 5, &tree) == OK && tree == NULL, "%s", tree);
    fixture_puts(s, &cx, ".hidden", "");
    CHECK(tool_workspace_tree(s, s->arena, &cx, 2, 5, &tree) == OK && tree == NULL, "hidden files do not count");
    for (int i = 0; i < 40; i++)
        fixture_puts(s, &cx, arena_printf(s->arena, ".h%d", i), "");
    CHECK(tool_workspace_tree(s, s->arena, &cx, 2, 5, &tree) == OK && tree == NULL, "however many");
    fixture_puts(s, &cx, "src/lib/x.c", "");
    for (int i = 0; i < 7; i++)
        fixture_puts(s, &cx, arena_printf(s->arena, "f%d", i), "");
    fixture_puts(s, &cx, "e\nf", "");
    CHECK(tool_workspace_tree(s, s->arena, &cx, 2, 5, &tree) == OK, "shown");
    CHECK_STR(tree, "src/\n  lib/\ne?f\nf0\nf1\nf2\n… (4 more)\n");
    none.workspace = "/nowhere/at/all";
    CHECK(tool_workspace_tree(s, s->arena, &none, 2, 5, &tree) == OK && tree == NULL, "nothing to show");
}

FIBER_TEST(path_patterns_match_as_people_expect)
{
    static const struct {
        const char *pattern, *path;
        bool match;
    } cases[] = {
        {"*.c", "a.c", true},
        {"*.c", "x/y/a.c", true},
        {"*.c", "a.h", false},
        {"./*.c", "x/a.c", false},
        {"src/*.c", "src/a.c", true},
        {"src/*.c", "src/x/a.c", false},
        {"src/**/*.c", "src/a.c", true},
        {"src/**/*.c", "src/x/y/a.c", true},
        {"**/test_*.py", "a/test_x.py", true},
        {"**/test_*.py", "a/xtest_x.py", false},
        {"**", "a/b/c", true},
        {"src/**", "src/a/b", true},
        {"*.{c,h}", "a.h", true},
        {"*.{c,h}", "a.o", false},
        {"{src,lib}/*.{c,h}", "lib/x.c", true},
        {"{a,b{c,d}}", "bd", true},
        {"{a,b{c,d}}", "b", false},
        {"[ab]x", "bx", true},
        {"[!ab]x", "bx", false},
        {"[a-c]x", "cx", true},
        {"[a-c]x", "dx", false},
        {"[]]", "]", true},
        {"[x", "[x", true},
        {"a?c", "abc", true},
        {"a?c", "ac", false},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"{x}", "{x}", true},
        {"a*b*c*d", "aXbXcXd", true},
        {"a*b*c*d", "aXbXcX", false},
        {"**/a/**/b", "x/a/y/a/z/b", true},
        {"**/a/**/b", "x/a/y/a/z", false},
        {"a//b", "a/b", true},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *reason;
        path_pattern *p = path_pattern_new(s->arena, cases[i].pattern, &reason);

        CHECK(p != NULL, "%s: %s", cases[i].pattern, reason);
        CHECK(path_pattern_matches(p, cases[i].path) == cases[i].match, "%s ~ %s", cases[i].pattern, cases[i].path);
    }
}

FIBER_TEST(hostile_path_patterns_are_bounded)
{
    char *stars = arena_alloc(s->arena, 801), *braces, *path = arena_alloc(s->arena, 4001);
    const char *reason;
    path_pattern *p;

    for (int i = 0; i < 400; i++)
        memcpy(stars + 2 * i, "*a", 2);
    stars[800] = '\0';
    memset(path, 'a', 4000);
    path[3999] = 'b';
    path[4000] = '\0';
    p = path_pattern_new(s->arena, stars, &reason);
    CHECK(p != NULL && !path_pattern_matches(p, path), "answers");
    braces = arena_strdup(s->arena, "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}");
    CHECK(path_pattern_new(s->arena, braces, &reason) == NULL, "4096 alternatives are too many");
    CHECK(path_pattern_new(s->arena, "", &reason) == NULL, "empty");
}

FIBER_TEST(glob_gives_absolute_paths_newest_first)
{
    tool_context cx = fixture_context(s);
    struct timeval old[2] = {{1000000, 0}, {1000000, 0}};
    json_t *v, *files;

    fixture_puts(s, &cx, "old.c", "");
    fixture_puts(s, &cx, "a/new.c", "");
    fixture_puts(s, &cx, "node_modules/x.c", "");
    fixture_puts(s, &cx, ".git/y.c", "");
    fixture_puts(s, &cx, "a/build/z.c", "");
    CHECK(symlink("old.c", fixture_path(s, &cx, "link.c")) == 0, "link");
    CHECK(utimes(fixture_path(s, &cx, "old.c"), old) == 0, "made old");
    v = fixture_call(s, &cx, "glob", "{\"pattern\":\"**/*.c\"}");
    files = json_get_arr(v, "files");
    CHECK_INT(json_get_int(v, "count", -1), 2);
    CHECK_STR(json_string_value(json_array_get(files, 0)), fixture_path(s, &cx, "a/new.c"));
    CHECK_STR(json_string_value(json_array_get(files, 1)), fixture_path(s, &cx, "old.c"));
    CHECK_STR(json_get_str(v, "pattern", NULL), "**/*.c");
    CHECK(!json_get_bool(v, "truncated", true), "all");
    v = fixture_call(s, &cx, "glob", "{\"pattern\":\"*.c\",\"head_limit\":1}");
    CHECK(json_get_bool(v, "truncated", false) && json_get_int(v, "count", 0) == 1, "cut");
    v = fixture_call(s, &cx, "glob", arena_printf(s->arena, "{\"pattern\":\"%s/a/*.c\"}", cx.workspace));
    CHECK_INT(json_get_int(v, "count", -1), 1);
    v = fixture_call(s, &cx, "glob", "{\"pattern\":\"new.c\",\"path\":\"a\"}");
    CHECK_INT(json_get_int(v, "count", -1), 1);
    fixture_fails(s, &cx, "glob", "{\"pattern\":\"\"}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "glob", "{\"pattern\":\"*\",\"path\":\"old.c\"}", "INVALID_ARGUMENT");
    fixture_fails(s, &cx, "glob", "{\"pattern\":\"*\",\"path\":\"none\"}", "NOT_FOUND");
}
