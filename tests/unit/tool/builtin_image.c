/* SPDX-License-Identifier: MIT */
#include "fixture.h"

static const char png[] = "\x89PNG\r\n\x1a\n0123456789";

FIBER_TEST(an_image_is_queued_for_the_next_request)
{
    tool_context cx = fixture_context(s);
    json_t *v;

    cx.multimodal = true;
    fixture_write(s, &cx, "pic.dat", png, sizeof png - 1);
    v = fixture_call(s, &cx, "analyze_image", "{\"image_path\":\"pic.dat\",\"prompt\":\"what\"}");
    CHECK_STR(json_get_str(v, "status", NULL), "success");
    v = json_get_obj(v, "data");
    CHECK_STR(json_get_str(v, "image_format", NULL), "png");
    CHECK_STR(json_get_str(v, "mode", NULL), "native_multimodal_context");
    CHECK_STR(tool_session_take_image(cx.session, s->arena), "data:image/png;base64,iVBORw0KGgowMTIzNDU2Nzg5");
    CHECK(tool_session_take_image(cx.session, s->arena) == NULL, "only one");
}

FIBER_TEST(formats_are_read_off_the_bytes)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *format;
    } cases[] = {
        {"\xff\xd8\xff\xe0....", 8, "jpeg"},
        {"GIF89a......", 12, "gif"},
        {"RIFF....WEBPVP8 ", 16, "webp"},
        {"<svg></svg>....", 15, NULL},
        {"", 0, NULL},
    };
    tool_context cx = fixture_context(s);

    cx.multimodal = true;
    for (size_t i = 0; i < COUNT(cases); i++) {
        json_t *v;

        fixture_write(s, &cx, "x.png", cases[i].bytes, cases[i].len);
        if (cases[i].format == NULL) {
            fixture_fails(s, &cx, "analyze_image", "{\"image_path\":\"x.png\"}", "UNSUPPORTED");
            continue;
        }
        v = fixture_call(s, &cx, "analyze_image", "{\"image_path\":\"x.png\"}");
        CHECK_STR(json_get_str(json_get_obj(v, "data"), "image_format", NULL), cases[i].format);
    }
}

FIBER_TEST(images_are_refused_with_a_reason)
{
    tool_context cx = fixture_context(s);
    tool_result r;

    fixture_write(s, &cx, "p", png, sizeof png - 1);
    r = fixture_result(s, &cx, "analyze_image", "{\"image_path\":\"p\"}");
    CHECK(r.failed, "no vision");
    CHECK(cstr_starts(json_get_str(r.value, "message", ""), "The current agent model does not support image input."),
          "%s", r.text);
    cx.multimodal = true;
    fixture_fails(s, &cx, "analyze_image", "{\"image_path\":\"none.png\"}", "NOT_FOUND");
    fixture_fails(s, &cx, "analyze_image", "{\"image_path\":\"../x.png\"}", "PERMISSION_DENIED");
    fixture_fails(s, &cx, "analyze_image", "{\"image_path\":\"http://127.0.0.1:9/x.png\"}", "PERMISSION_DENIED");
    for (int i = 0; i < 8; i++)
        fixture_call(s, &cx, "analyze_image", "{\"image_path\":\"p\"}");
    fixture_fails(s, &cx, "analyze_image", "{\"image_path\":\"p\"}", "PRECONDITION_FAILED");
}
