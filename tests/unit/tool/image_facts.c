/* SPDX-License-Identifier: MIT */
/* What the first bytes of images tell. */
#include "tool/image_facts.h"

#include <stdlib.h>

#include "base/mem.h"
#include "test.h"

#define BYTES(text) ((str){text, sizeof(text) - 1})

#define PNG BYTES("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x0b\xb8\0\0\x07\xd0\x08\x02")
#define GIF BYTES("GIF89a\x40\x01\xf0\0\xf7")
#define JPEG                                                                                                           \
    BYTES("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xff\xdb\0\x04\1\2\xff\xc4\0\x02\xff\xc2\0\x11\x08\x07"   \
          "\xd0\x0b\xb8\x03")
#define WEBP_X BYTES("RIFF....WEBPVP8X\x0a\0\0\0\0\0\0\0\xb7\x0b\0\xcf\x07\0")
#define WEBP_L BYTES("RIFF....WEBPVP8L\x10\0\0\0\x2f\xb7\xcb\xf3\x01......")
#define WEBP_LOSSY BYTES("RIFF....WEBPVP8 \x10\0\0\0\x10\x02\0\x9d\x01\x2a\xb8\x0b\xd0\x07..")

TEST(format_and_size_are_read)
{
    static const struct {
        str bytes;
        const char *format;
        uint32_t width, height;
    } cases[] = {
        {PNG, "png", 3000, 2000},
        {GIF, "gif", 320, 240},
        {JPEG, "jpeg", 3000, 2000},
        {WEBP_X, "webp", 3000, 2000},
        {WEBP_L, "webp", 3000, 2000},
        {WEBP_LOSSY, "webp", 3000, 2000},
        {BYTES("\xff\xd8\xff\xda\0\x02"), "jpeg", 0, 0},
        {BYTES("\xff\xd8\xff\xe0\0\0"), "jpeg", 0, 0},
        {BYTES("GIF88a12345678"), NULL, 0, 0},
        {BYTES("<svg width='9000'/>"), NULL, 0, 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        image_facts f = image_look(cases[i].bytes);

        CHECK(cstr_eq(f.format, cases[i].format), "case %zu: %s", i, f.format);
        CHECK(f.width == cases[i].width && f.height == cases[i].height, "case %zu: %u x %u", i, f.width, f.height);
    }
}

TEST(an_image_may_end_anywhere)
{
    const str whole[] = {PNG, GIF, JPEG, WEBP_X, WEBP_L, WEBP_LOSSY};

    for (size_t i = 0; i < COUNT(whole); i++)
        for (size_t len = 0; len < whole[i].len; len++) {
            char *exact = memcpy(mem_alloc(MAX_OF(len, (size_t)1)), whole[i].p,
                                 len); /* for the sanitizer to see reading past it */
            image_facts f = image_look((str){exact, len});

            CHECK(f.format != NULL || f.width == 0, "%zu of image %zu", len, i);
            free(exact);
        }
}
