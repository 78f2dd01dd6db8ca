/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <unistd.h>

#include "base/clock.h"

static json_t *patch(scope *s, const tool_context *cx, const char *text)
{
    json_t *args = json_hold(s->arena, json_pack("{s:s}", "patch", text));

    return fixture_call(s, cx, "apply_patch", json_text(s->arena, args));
}

#define PATCH(body) "*** Begin Patch\n" body "*** End Patch\n"

FIBER_TEST(a_patch_adds_updates_moves_and_deletes)
{
    tool_context cx = fixture_context(s);
    struct stat st;
    json_t *v;

    fixture_puts(s, &cx, "a.c", "int a;\nint b;\nint c;\n");
    fixture_puts(s, &cx, "old.sh", "echo old\n");
    fixture_puts(s, &cx, "gone", "x");
    CHECK(chmod(fixture_path(s, &cx, "old.sh"), 0755) == 0, "chmod");
    v = patch(s, &cx,
              PATCH("*** Update File: a.c\n@@\n int a;\n-int b;\n+long b;\n+long bb;\n int c;\n"
                    "*** Update File: old.sh\n*** Move to: bin/new.sh\n@@\n-echo old\n+echo new\n"
                    "*** Add File: docs/x/readme.md\n+# Title\n+\n+text\n"
                    "*** Delete File: gone\n"));
    CHECK(json_get_bool(v, "success", false), "%s", json_text(s->arena, v));
    CHECK_INT(json_get_int(v, "files_changed", 0), 4);
    CHECK_INT(strlen(json_get_str(v, "patch_sha256", "")), 64);
    CHECK(!json_get_bool(json_get_obj(v, "rollback"), "attempted", true), "none");
    CHECK_INT(json_array_size(json_get_arr(v, "changes")), 4);
    CHECK_STR(fixture_read(s, &cx, "a.c"), "int a;\nlong b;\nlong bb;\nint c;\n");
    CHECK_STR(fixture_read(s, &cx, "bin/new.sh"), "echo new\n");
    CHECK(stat(fixture_path(s, &cx, "bin/new.sh"), &st) == 0 && (st.st_mode & 0777) == 0755, "mode moves along");
    CHECK(fixture_read(s, &cx, "old.sh") == NULL && fixture_read(s, &cx, "gone") == NULL, "removed");
    CHECK_STR(fixture_read(s, &cx, "docs/x/readme.md"), "# Title\n\ntext\n");
}

FIBER_TEST(hunks_are_found_by_their_context)
{
    static const struct {
        const char *before, *hunks, *after;
    } cases[] = {
        {"a\nb\nc\n", " a\n-b\n+B\n c\n", "a\nB\nc\n"},
        {"a\nb\nc", "@@\n-c\n+C\n", "a\nb\nC"},
        {"f()\n{\nx\n}\ng()\n{\nx\n}\n", "@@ g()\n {\n-x\n+y\n", "f()\n{\nx\n}\ng()\n{\ny\n}\n"},
        {"x\n1\nx\n2\n", "@@\n-x\n+first\n@@\n-x\n+second\n", "first\n1\nsecond\n2\n"},
        {"end\nmid\nend\n", "@@\n-end\n+END\n*** End of File\n", "end\nmid\nEND\n"},
        {"a  \nb\n", "@@\n a\n-b\n+c\n", "a\nc\n"},
        {"    a\n", "@@\n-a\n+    b\n", "    b\n"},
        {"a\n", "@@\n+tail\n", "a\ntail\n"},
        {"class A\n  m\nclass B\n  m\n", "@@ class B\n+  n\n", "class A\n  m\nclass B\n  n\n  m\n"},
        {"a\n\nb\n", " a\n\n-b\n+c\n", "a\n\nc\n"},
        {"a\nb\n", "@@\n-a\n-b\n", ""},
    };
    tool_context cx = fixture_context(s);

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *v;

        fixture_puts(s, &cx, "f", cases[i].before);
        v = patch(s, &cx, arena_printf(s->arena, PATCH("*** Update File: f\n%s"), cases[i].hunks));
        CHECK(json_get_bool(v, "success", false), "case %zu: %s", i, json_text(s->arena, v));
        CHECK_STR(fixture_read(s, &cx, "f"), cases[i].after);
    }
}

FIBER_TEST(a_patch_that_cannot_be_applied_changes_nothing)
{
    static const struct {
        const char *text, *code;
    } cases[] = {
        {"", "PARSE_ERROR"},
        {"*** Begin Patch\n", "PARSE_ERROR"},
        {"*** Begin Patch\n*** End Patch\n", "PARSE_ERROR"},
        {PATCH("*** Rename File: f\n"), "PARSE_ERROR"},
        {PATCH("*** Add File: \n+x\n"), "PARSE_ERROR"},
        {PATCH("*** Add File: n\nx\n"), "PARSE_ERROR"},
        {PATCH("*** Update File: f\n"), "PARSE_ERROR"},
        {PATCH("*** Update File: f\n@@\n"), "PARSE_ERROR"},
        {PATCH("*** Update File: f\n@@\n?x\n"), "PARSE_ERROR"},
        {PATCH("*** Add File: n\n+x\n*** Update File: f\n@@\n-zzz\n+y\n"), "NO_MATCH"},
        {PATCH("*** Add File: n\n+x\n*** Update File: f\n@@ nowhere\n-text\n+y\n"), "NO_MATCH"},
        {PATCH("*** Add File: n\n+x\n*** Update File: none\n@@\n-a\n+b\n"), "NOT_FOUND"},
        {PATCH("*** Add File: n\n+x\n*** Delete File: none\n"), "NOT_FOUND"},
        {PATCH("*** Add File: f\n+x\n"), "PRECONDITION_FAILED"},
        {PATCH("*** Update File: f\n*** Move to: g\n@@\n-text\n+y\n"), "PRECONDITION_FAILED"},
        {PATCH("*** Add File: n\n+x\n*** Add File: ./n\n+y\n"), "INVALID_ARGUMENT"},
        {PATCH("*** Add File: n\n+x\n*** Add File: ../n\n+y\n"), "PERMISSION_DENIED"},
        {PATCH("*** Add File: n\n+x\n*** Add File: /tmp/n\n+y\n"), "PERMISSION_DENIED"},
        {PATCH("*** Add File: n\n+x\n*** Delete File: d\n"), "INVALID_ARGUMENT"},
        {PATCH("*** Add File: n\n+x\n*** Delete File: .\n"), "INVALID_ARGUMENT"},
    };
    tool_context cx = fixture_context(s);

    fixture_puts(s, &cx, "f", "text\n");
    fixture_puts(s, &cx, "g", "other\n");
    fixture_puts(s, &cx, "d/x", "in a directory\n");
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *v = patch(s, &cx, cases[i].text);

        CHECK(cstr_eq(json_get_str(v, "error_code", NULL), cases[i].code), "case %zu: %s", i, json_text(s->arena, v));
        CHECK_STR(fixture_read(s, &cx, "f"), "text\n");
        CHECK_STR(fixture_read(s, &cx, "g"), "other\n");
        CHECK(fixture_read(s, &cx, "n") == NULL, "case %zu: nothing added", i);
    }
}

/* "a" becomes a file, then a directory above "a/b": only the write itself can find that out. */
FIBER_TEST(a_write_that_fails_in_the_middle_is_undone)
{
    tool_context cx = fixture_context(s);
    struct stat st;
    json_t *v;

    fixture_puts(s, &cx, "f", "before\n");
    CHECK(chmod(fixture_path(s, &cx, "f"), 0700) == 0, "chmod");
    v = patch(s, &cx,
              PATCH("*** Update File: f\n@@\n-before\n+after\n*** Add File: new/dir/x\n+x\n"
                    "*** Add File: a\n+file\n*** Add File: a/b/c\n+x\n"));
    CHECK(!json_get_bool(v, "success", true), "%s", json_text(s->arena, v));
    CHECK(json_get_bool(json_get_obj(v, "rollback"), "attempted", false), "attempted");
    CHECK(json_get_bool(json_get_obj(v, "rollback"), "success", false), "undone");
    CHECK_STR(json_get_str(v, "failed_path", NULL), "a/b/c");
    CHECK_STR(fixture_read(s, &cx, "f"), "before\n");
    CHECK(stat(fixture_path(s, &cx, "f"), &st) == 0 && (st.st_mode & 0777) == 0700, "mode");
    CHECK(access(fixture_path(s, &cx, "a"), F_OK) != 0, "a is gone");
    CHECK(access(fixture_path(s, &cx, "new"), F_OK) != 0, "its directories too");
}

/* At each of three million places nearly all of the hunk is compared. */
FIBER_TEST(looking_for_a_hunk_ends_with_its_scope, .limit = 60)
{
    tool_context cx = fixture_context(s);
    scope *brief = scope_child(s, MILLISECONDS(800));
    buf *file = buf_new(s->arena, MIB(8)), *text = buf_new(s->arena, MIB(1));
    const tool *t;
    tool_result r;
    int64_t began;

    for (int i = 0; i < 3000000; i++)
        buf_puts(file, "a\n");
    fixture_write(s, &cx, "f", buf_str(file), file->len);
    buf_puts(text, "*** Begin Patch\n*** Update File: f\n@@\n");
    for (int i = 0; i < 19999; i++)
        buf_puts(text, " a\n");
    buf_puts(text, " b\n*** End Patch\n");
    CHECK(tool_find(s, s->arena, &cx, "apply_patch", &t) == OK, "there");
    began = clock_mono();
    CHECK_INT(tool_call(brief, t, &cx, json_hold(s->arena, json_pack("{s:s}", "patch", buf_str(text))), &r),
              ERR_TIMEOUT);
    CHECK(clock_mono() - began < SECONDS(10), "%lld ms", (long long)((clock_mono() - began) / 1000000));
    CHECK_INT(strlen(fixture_read(s, &cx, "f")), 6000000);
}
