/* SPDX-License-Identifier: MIT */
#include "tool/image_facts.h"

#include "base/def.h"

/* `n` bytes at `at`, the most significant first or last; 0 behind the end. */
static uint32_t big(str bytes, size_t at, size_t n)
{
    uint32_t v = 0;

    for (size_t i = 0; at + n <= bytes.len && i < n; i++)
        v = v << 8 | (unsigned char)bytes.p[at + i];
    return v;
}

static uint32_t little(str bytes, size_t at, size_t n)
{
    uint32_t v = 0;

    for (size_t i = n; at + n <= bytes.len && i > 0; i--)
        v = v << 8 | (unsigned char)bytes.p[at + i - 1];
    return v;
}

static bool has(str bytes, size_t at, const char *text, size_t len)
{
    return at + len <= bytes.len && memcmp(bytes.p + at, text, len) == 0;
}

static bool is_frame(uint32_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static bool stands_alone(uint32_t marker)
{
    return marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/* Segments follow each other up to the frame header. */
static void look_at_jpeg(str bytes, image_facts *out)
{
    size_t at = 2;

    while (at + 1 < bytes.len && big(bytes, at, 1) == 0xff) {
        uint32_t marker = big(bytes, at + 1, 1), len;

        if (marker == 0xff) { /* filling */
            at++;
            continue;
        }
        if (stands_alone(marker)) {
            at += 2;
            continue;
        }
        if (is_frame(marker)) {
            out->height = big(bytes, at + 5, 2);
            out->width = big(bytes, at + 7, 2);
            return;
        }
        len = big(bytes, at + 2, 2);
        if (len < 2 || marker == 0xd9 || marker == 0xda)
            return;
        at += 2 + len;
    }
}

static void look_at_webp(str bytes, image_facts *out)
{
    if (bytes.len < 30)
        return; /* the shortest there is, whatever its kind */
    if (has(bytes, 12, "VP8X", 4)) {
        out->width = little(bytes, 24, 3) + 1;
        out->height = little(bytes, 27, 3) + 1;
    } else if (has(bytes, 12, "VP8L", 4) && big(bytes, 20, 1) == 0x2f) {
        out->width = (little(bytes, 21, 2) & 0x3fff) + 1;
        out->height = (little(bytes, 22, 3) >> 6 & 0x3fff) + 1;
    } else if (has(bytes, 12, "VP8 ", 4) && has(bytes, 23, "\x9d\x01\x2a", 3)) {
        out->width = little(bytes, 26, 2) & 0x3fff;
        out->height = little(bytes, 28, 2) & 0x3fff;
    }
}

image_facts image_look(str bytes)
{
    image_facts f = {0};

    if (bytes.len > 8 && has(bytes, 0, "\x89PNG\r\n\x1a\n", 8)) {
        f.format = "png";
        if (has(bytes, 12, "IHDR", 4)) {
            f.width = big(bytes, 16, 4);
            f.height = big(bytes, 20, 4);
        }
    } else if (bytes.len > 3 && has(bytes, 0, "\xff\xd8\xff", 3)) {
        f.format = "jpeg";
        look_at_jpeg(bytes, &f);
    } else if (bytes.len > 6 && (has(bytes, 0, "GIF87a", 6) || has(bytes, 0, "GIF89a", 6))) {
        f.format = "gif";
        f.width = little(bytes, 6, 2);
        f.height = little(bytes, 8, 2);
    } else if (bytes.len > 12 && has(bytes, 0, "RIFF", 4) && has(bytes, 8, "WEBP", 4)) {
        f.format = "webp";
        look_at_webp(bytes, &f);
    }
    return f;
}
