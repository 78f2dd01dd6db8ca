/* SPDX-License-Identifier: MIT */
/* Images of the workspace as data URLs. */
#include "fixture.h"

#include <stdio.h>
#include <unistd.h>

#define PNG "\x89PNG\r\n\x1a\n0123456789"
#define PNG_URL "data:image/png;base64,iVBORw0KGgowMTIzNDU2Nzg5"

static const char *url_of(scope *s, const tool_context *cx, const char *ref, const char **why)
{
    const char *url = NULL;

    CHECK(tool_image_url(s, cx, ref, &url, why) == OK, "%s", ref);
    CHECK((url == NULL) == (*why != NULL), "one of both for %s", ref);
    return url;
}

FIBER_TEST(an_image_is_named_by_path_or_file_url)
{
    tool_context cx = fixture_context(s);
    const char *const refs[] = {
        "a b.png",
        "./a b.png",
        "sub/../a b.png",
        arena_printf(s->arena, "%s/a b.png", cx.workspace),
        arena_printf(s->arena, "file://%s/a%%20b.png", cx.workspace),
        arena_printf(s->arena, "file://localhost%s/a%%20b.png", cx.workspace),
        arena_printf(s->arena, "FILE:%s/a%%20b.png?x=1#y", cx.workspace),
        "file://a%20b.png",
        "file:a%20b.png",
    };
    const char *why;

    fixture_write(s, &cx, "a b.png", PNG, sizeof PNG - 1);
    for (size_t i = 0; i < COUNT(refs); i++) {
        const char *url = url_of(s, &cx, refs[i], &why);

        CHECK(cstr_eq(url, PNG_URL), "%s: %s", refs[i], why);
    }
}

FIBER_TEST(nothing_outside_the_workspace_is_read)
{
    static const char *const refs[] = {
        "../secret.png",
        "/etc/passwd",
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "file:../secret.png",
        "%2e%2e/secret.png",
        "file:%2e%2e/secret.png",
        "sub/../../secret.png",
        "link.png",
        "file:///proc/self/environ",
        "file:%00",
        "",
    };
    tool_context cx = fixture_context(s);
    const char *why, *outside = arena_printf(s->arena, "%s/../secret.png", cx.workspace);
    FILE *f = fopen(outside, "w");

    CHECK(f != NULL && fwrite(PNG, sizeof PNG - 1, 1, f) == 1 && fclose(f) == 0, "made");
    CHECK(symlink(outside, arena_printf(s->arena, "%s/link.png", cx.workspace)) == 0, "linked");
    for (size_t i = 0; i < COUNT(refs); i++)
        CHECK(url_of(s, &cx, refs[i], &why) == NULL, "%s", refs[i]);
    cx.workspace = NULL;
    CHECK(url_of(s, &cx, "a.png", &why) == NULL, "without a workspace there is nothing");
}

FIBER_TEST(what_is_no_image_or_too_large_is_refused)
{
    tool_context cx = fixture_context(s);
    size_t large = MIB(8) + 1024;
    char *bytes = arena_alloc(s->arena, large);
    const char *why;

    memset(bytes, 'x', large);
    memcpy(bytes, PNG, 8);
    fixture_write(s, &cx, "large.png", bytes, large);
    fixture_write(s, &cx, "fits.png", bytes, MIB(8));
    fixture_write(s, &cx, "text.png", "hello, I am no image", 20);
    CHECK(url_of(s, &cx, "large.png", &why) == NULL, "too large");
    CHECK(url_of(s, &cx, "fits.png", &why) != NULL, "%s", why);
    CHECK(url_of(s, &cx, "text.png", &why) == NULL && strstr(why, "Not a PNG") != NULL, "%s", why);
    CHECK(url_of(s, &cx, "none.png", &why) == NULL, "absent");
}
