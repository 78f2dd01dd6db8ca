/* SPDX-License-Identifier: MIT */
/* Large images are made smaller before models see them; GraphicsMagick makes the images, too. */
#include "tool/image_fit.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "rt/fiber.h"
#include "rt/proc.h"
#include "test.h"
#include "tool/image_facts.h"

static bool skipped(void)
{
    const char *why;

    if (image_fit_available(&why))
        return false;
    fprintf(stderr, "# skipped: %s\n", why);
    return true;
}

/* What `gm convert ARGS` writes, fed with `input`. */
static str gm(scope *s, str input, const char *args)
{
    const char *argv[] = {"/bin/sh", "-c", arena_printf(s->arena, "exec gm convert %s", args), NULL};
    const char *env[] = {"PATH=/usr/bin:/bin", NULL};
    proc_result r;

    CHECK(proc_run(s, &(proc_spec){.argv = argv, .env = env}, input, MIB(64), &r) == OK && r.status == 0, "%s: %s",
          args, buf_str(r.err));
    return (str){buf_str(r.out), r.out->len};
}

static const char *url_of(scope *s, const char *format, str bytes)
{
    size_t room = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL);
    char *base64 = arena_alloc(s->arena, room);

    sodium_bin2base64(base64, room, (const unsigned char *)bytes.p, bytes.len, sodium_base64_VARIANT_ORIGINAL);
    return arena_printf(s->arena, "data:image/%s;base64,%s", format, base64);
}

static str bytes_of(scope *s, const char *url)
{
    const char *base64 = strchr(url, ',') + 1;
    char *bytes = arena_alloc(s->arena, strlen(base64));
    size_t len = 0;

    CHECK(sodium_base642bin((unsigned char *)bytes, strlen(base64), base64, strlen(base64), NULL, &len, NULL,
                            sodium_base64_VARIANT_ORIGINAL) == 0,
          "base64");
    return (str){bytes, len};
}

static str fitted(scope *s, const char *format, str bytes)
{
    const char *url = url_of(s, format, bytes), *out = NULL;

    CHECK(image_fit(s, url, &out) == OK, "%s", format);
    CHECK(out != url && cstr_starts(out, "data:image/jpeg;base64,"), "%s: %.40s", format, out);
    return bytes_of(s, out);
}

static void check_size(str image, uint32_t width, uint32_t height)
{
    image_facts f = image_look(image);

    CHECK_STR(f.format, "jpeg");
    CHECK(f.width == width && f.height == height, "%u x %u", f.width, f.height);
}

FIBER_TEST(large_images_of_every_kind_become_jpegs_of_1536_points, .limit = 60)
{
    static const char *const formats[] = {"png", "jpeg", "gif", "webp"};

    if (skipped())
        return;
    for (size_t i = 0; i < COUNT(formats); i++)
        check_size(
            fitted(s, formats[i],
                   gm(s, (str){0}, arena_printf(s->arena, "-size 3000x2000 gradient:red-blue %s:-", formats[i]))),
            1536, 1024);
    check_size(fitted(s, "png", gm(s, (str){0}, "-size 100x3072 gradient:red-blue png:-")), 50, 1536);
}

FIBER_TEST(small_images_and_what_is_none_stay_as_they_are, .limit = 60)
{
    const char *out, *url = "data:image/png;base64,iVBORw0KGgowMTIzNDU2Nzg5";
    const char *const others[] = {url,
                                  "https://example.org/x.png",
                                  "data:text/plain;base64,AAAA",
                                  "data:image/png,x",
                                  "data:image/png;base64,%%%",
                                  ""};

    for (size_t i = 0; i < COUNT(others); i++)
        CHECK(image_fit(s, others[i], &out) == OK && out == others[i], "%s", others[i]);
    if (skipped())
        return;
    url = url_of(s, "png", gm(s, (str){0}, "-size 1536x1536 gradient:red-blue png:-"));
    CHECK(image_fit(s, url, &out) == OK && out == url, "just small enough");
}

FIBER_TEST(many_bytes_are_too_many_whatever_the_size, .limit = 60)
{
    char *noise = arena_alloc(s->arena, 1400 * 1400 * 3);
    str image;

    if (skipped())
        return;
    randombytes_buf(noise, 1400 * 1400 * 3);
    image = gm(s, (str){noise, 1400 * 1400 * 3}, "-size 1400x1400 -depth 8 rgb:- png:-");
    CHECK(image.len > IMAGE_SENT_MAX, "%zu", image.len);
    image = fitted(s, "png", image);
    CHECK(image.len < IMAGE_SENT_MAX, "%zu", image.len);
}

FIBER_TEST(what_can_be_seen_through_becomes_white, .limit = 60)
{
    str image, point;

    if (skipped())
        return;
    image = fitted(s, "png", gm(s, (str){0}, "-size 2000x2000 xc:transparent png:-"));
    point = gm(s, image, "jpeg:- -resize '1x1!' -depth 8 rgb:-");
    CHECK(point.len == 3 && (unsigned char)point.p[0] > 250 && (unsigned char)point.p[2] > 250, "white");
}

/* An APP1 segment that says: to be shown turned by 90 degrees (Exif 2.3, tag 0x0112). */
FIBER_TEST(photographs_are_turned_upright, .limit = 60)
{
    static const char exif[] = "\xff\xe1\0\x22"
                               "Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0";
    str plain;
    buf *turned = buf_new(s->arena, MIB(16));

    if (skipped())
        return;
    plain = gm(s, (str){0}, "-size 3000x2000 gradient:red-blue jpeg:-");
    buf_add(turned, plain.p, 2);
    buf_add(turned, exif, sizeof exif - 1);
    buf_add(turned, plain.p + 2, plain.len - 2);
    check_size(fitted(s, "jpeg", (str){buf_str(turned), turned->len}), 1024, 1536);
}

FIBER_TEST(what_cannot_be_read_stays_as_it_is, .limit = 60)
{
    static const char bomb[] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\1\0\0\0\1\0\0\x08\2\0\0\0";
    const char *out, *url;
    char *cut;
    str image;

    if (skipped())
        return;
    image = gm(s, (str){0}, "-size 3000x2000 gradient:red-blue png:-");
    cut = arena_strndup(s->arena, image.p, 40);
    url = url_of(s, "png", (str){cut, 40});
    CHECK(image_fit(s, url, &out) == OK && out == url, "its beginning alone");
    CHECK(image_fit(s, url, &out) == OK && out == url, "nor the next time");
    url = url_of(s, "png", (str){bomb, sizeof bomb - 1});
    CHECK(image_fit(s, url, &out) == OK && out == url, "4 billion points");
}

/* Without descriptors no program can be started. */
FIBER_TEST(what_could_not_be_tried_is_tried_the_next_time, .limit = 60)
{
    struct rlimit before, none;
    const char *out, *url;
    int lowest_free;

    if (skipped())
        return;
    url = url_of(s, "png", gm(s, (str){0}, "-size 2000x1000 gradient:red-blue png:-"));
    lowest_free = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK(lowest_free >= 0 && close(lowest_free) == 0 && getrlimit(RLIMIT_NOFILE, &before) == 0, "a free one");
    none = (struct rlimit){.rlim_cur = (rlim_t)lowest_free, .rlim_max = before.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0, "none are left");
    CHECK(image_fit(s, url, &out) == OK && out == url, "not now");
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0, "as before");
    CHECK(image_fit(s, url, &out) == OK && out != url, "but now");
}

typedef struct {
    const char *url, *out;
} one_fit;

static err fit_one(scope *s, void *arg)
{
    one_fit *one = arg;
    const char *out;

    TRY(image_fit(s, one->url, &out));
    one->out = arena_strdup(s->parent != NULL ? s->parent->arena : s->arena, out);
    return OK;
}

FIBER_TEST(the_same_image_is_worked_on_once, .limit = 60)
{
    one_fit all[16] = {0};
    scope *group = scope_child(s, NO_LIMIT);
    const char *url, *out;
    int64_t began;

    if (skipped())
        return;
    url = url_of(s, "png", gm(s, (str){0}, "-size 2500x2500 gradient:red-green png:-"));
    for (size_t i = 0; i < COUNT(all); i++) {
        all[i].url = url;
        scope_spawn(group, fit_one, &all[i]);
    }
    CHECK(scope_join(group) == OK, "all");
    for (size_t i = 0; i < COUNT(all); i++)
        CHECK(all[i].out != NULL && strcmp(all[i].out, all[0].out) == 0, "fit %zu", i);
    began = clock_mono();
    for (int i = 0; i < 20; i++)
        CHECK(image_fit(s, url, &out) == OK && strcmp(out, all[0].out) == 0, "again");
    CHECK(clock_mono() - began < SECONDS(2), "no program was started for these");
}

FIBER_TEST(who_no_longer_waits_gets_an_error_and_leaves_nothing, .limit = 60)
{
    scope *hasty = scope_child(s, MILLISECONDS(5));
    const char *url, *out;

    if (skipped())
        return;
    url = url_of(s, "png", gm(s, (str){0}, "-size 4000x4000 gradient:blue-green png:-"));
    CHECK_INT(image_fit(hasty, url, &out), ERR_TIMEOUT);
    scope_close(hasty);
    CHECK(image_fit(s, url, &out) == OK && out != url, "the next one can");
}
