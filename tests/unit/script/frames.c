/* SPDX-License-Identifier: MIT */
/* Tests of script/frames.c. */
#include "script/frames.h"

#include <stdlib.h>

#include "test.h"

static size_t put_frame(uint8_t *out, uint8_t type, uint32_t id, const char *json, const char *bytes)
{
    size_t n = strlen(json), m = strlen(bytes);

    frames_head(out, type, id, n, m);
    memcpy(out + WIRE_HEAD, json, n);
    memcpy(out + WIRE_HEAD + n, bytes, m);
    return WIRE_HEAD + n + m;
}

TEST(frames_read_the_same_wherever_they_are_cut)
{
    uint8_t wire[256];
    size_t len = put_frame(wire, WIRE_CALL, 7, "{\"a\":1}", "body"), step;

    len += put_frame(wire + len, WIRE_LOG, 0, "{}", "");
    len += put_frame(wire + len, WIRE_DONE, UINT32_MAX, "", "x");
    for (step = 1; step <= len; step++) {
        frame_reader r;
        int seen = 0;

        frames_open(&r);
        for (size_t at = 0; at < len; at += step) {
            str part = {(char *)wire + at, MIN_OF(step, len - at)};
            script_frame f;
            err e;

            while (frames_next(&r, &part, &f, &e)) {
                seen++;
                if (seen == 1)
                    CHECK(f.type == WIRE_CALL && f.id == 7 && str_is(f.json, "{\"a\":1}") && str_is(f.bytes, "body"),
                          "first");
                if (seen == 2)
                    CHECK(f.type == WIRE_LOG && str_is(f.json, "{}") && f.bytes.len == 0, "second");
                if (seen == 3)
                    CHECK(f.type == WIRE_DONE && f.id == UINT32_MAX && f.json.len == 0 && str_is(f.bytes, "x"),
                          "third");
            }
            CHECK(e == OK && part.len == 0, "all taken");
        }
        CHECK_INT(seen, 3);
        frames_close(&r);
    }
}

TEST(lengths_that_cannot_be_are_refused_before_anything_is_kept)
{
    static const uint8_t heads[][WIRE_HEAD] = {
        {0, 0, 0, 8, WIRE_LOG},                           /* shorter than its own head */
        {0xff, 0xff, 0xff, 0xff, WIRE_LOG},               /* longer than any */
        {4, 0, 0, 1, WIRE_LOG},                           /* by one */
        {0, 0, 0, 20, WIRE_LOG, 0, 0, 0, 0, 0, 0, 0, 12}, /* text beyond the frame */
        {2, 0, 0, 0, WIRE_LOG, 0, 0, 0, 0, 1, 0, 0, 1},   /* more text than allowed */
        {0, 0, 0, 9, 0},                                  /* no such type */
        {0, 0, 0, 9, 10},
        {'H', 'T', 'T', 'P', '/', '1', '.', '1', ' ', '2', '0', '0'},
    };

    for (size_t i = 0; i < COUNT(heads); i++) {
        str bytes = {(const char *)heads[i], WIRE_HEAD};
        frame_reader r;
        script_frame f;
        err e;

        frames_open(&r);
        CHECK(!frames_next(&r, &bytes, &f, &e) && e == ERR_INVALID, "head %zu", i);
        CHECK(r.body.cap == 0, "nothing was allocated");
        frames_close(&r);
    }
}

TEST(a_length_that_is_only_claimed_takes_no_memory)
{
    uint8_t head[WIRE_HEAD];
    str bytes = {(const char *)head, WIRE_HEAD};
    frame_reader r;
    script_frame f;
    err e;

    frames_head(head, WIRE_FILE, 0, 2, WIRE_MAX - 64);
    frames_open(&r);
    CHECK(!frames_next(&r, &bytes, &f, &e) && e == OK, "it may come");
    CHECK(r.body.cap < 4096, "%zu bytes", r.body.cap);
    frames_close(&r);
}

TEST(a_large_frame_leaves_no_memory_behind_when_the_next_is_waited_for)
{
    static uint8_t head[WIRE_HEAD];
    static char body[MIB(2)];
    str first = {(const char *)head, sizeof head}, rest = {body, sizeof body}, none = {0};
    frame_reader r;
    script_frame f;
    err e;

    frames_head(head, WIRE_CALL, 1, 0, sizeof body);
    frames_open(&r);
    CHECK(!frames_next(&r, &first, &f, &e) && frames_next(&r, &rest, &f, &e), "whole");
    CHECK(f.bytes.len == sizeof body && r.body.cap > sizeof body, "borrowed from the reader");
    CHECK(!frames_next(&r, &none, &f, &e) && e == OK, "nothing has come yet");
    CHECK(r.body.cap == 0, "%zu bytes", r.body.cap);
    frames_close(&r);
}
