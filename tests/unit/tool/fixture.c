/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

tool_context fixture_context(scope *s)
{
    const char *path = arena_printf(s->arena, "%s/ws", test_dir());

    tool_setup();
    (void)mkdir(path, 0755);
    return (tool_context){.user_id = "u1",
                          .session_id = "s1",
                          .agent_id = "a1",
                          .workspace = path,
                          .language = "en",
                          .session = tool_session_new(s)};
}

tool_result fixture_result(scope *s, const tool_context *cx, const char *name, const char *args)
{
    const tool *t = NULL;
    tool_result r = {0};
    json_fault fault = {0};
    json_t *v = NULL;

    CHECK(tool_find(s, s->arena, cx, name, &t) == OK, "%s", name);
    CHECK(json_parse(s->arena, args, strlen(args), &fault, &v) == OK, "%s: %s", args, fault.reason);
    CHECK(tool_call(s, t, cx, v, &r) == OK, "%s %s", name, args);
    CHECK(r.text != NULL && utf8_valid(r.text, strlen(r.text)), "%s", name);
    return r;
}

json_t *fixture_call(scope *s, const tool_context *cx, const char *name, const char *args)
{
    return fixture_result(s, cx, name, args).value;
}

char *fixture_path(scope *s, const tool_context *cx, const char *path)
{
    return arena_printf(s->arena, "%s/%s", cx->workspace, path);
}

void fixture_write(scope *s, const tool_context *cx, const char *path, const void *bytes, size_t len)
{
    char *full = fixture_path(s, cx, path);
    FILE *f;

    for (char *p = full + strlen(cx->workspace) + 1; *p != '\0'; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        (void)mkdir(full, 0755);
        *p = '/';
    }
    f = fopen(full, "we");
    CHECK(f != NULL, "%s", full);
    CHECK(fwrite(bytes, 1, len, f) == len, "%s", full);
    CHECK(fclose(f) == 0, "%s", full);
}

void fixture_puts(scope *s, const tool_context *cx, const char *path, const char *text)
{
    fixture_write(s, cx, path, text, strlen(text));
}

char *fixture_read(scope *s, const tool_context *cx, const char *path)
{
    FILE *f = fopen(fixture_path(s, cx, path), "re");
    buf *b = buf_new(s->arena, MIB(64));
    char bytes[4096];
    size_t n;

    if (f == NULL)
        return NULL;
    while ((n = fread(bytes, 1, sizeof bytes, f)) > 0)
        buf_add(b, bytes, n);
    fclose(f);
    return arena_strndup(s->arena, buf_str(b), b->len);
}

void fixture_fails(scope *s, const tool_context *cx, const char *name, const char *args, const char *code)
{
    tool_result r = fixture_result(s, cx, name, args);

    CHECK(r.failed, "%s %s: %s", name, args, r.text);
    CHECK(cstr_eq(json_get_str(r.value, "error_code", "none"), code), "%s %s: wanted %s: %s", name, args, code, r.text);
    CHECK(json_is_false(json_object_get(r.value, "success")), "%s", r.text);
    CHECK_STR(json_get_str(r.value, "status", NULL), "error");
    CHECK(!cstr_blank(json_get_str(r.value, "error", NULL)), "%s", r.text);
}
