/* SPDX-License-Identifier: MIT */
/* Tests of base/buf.c. */
#include "base/buf.h"

#include <stdlib.h>

#include "test.h"

TEST(writes_append_and_end_with_nul)
{
    buf b = BUF_INIT(1000);

    CHECK_STR(buf_str(&b), "");
    buf_puts(&b, "a");
    buf_putc(&b, 'b');
    buf_printf(&b, "%d%s", 12, "c");
    buf_add(&b, "", 0);
    CHECK_STR(b.data, "ab12c");
    CHECK_INT(b.len, 5);
    CHECK(buf_ok(&b), "all fits");
    buf_close(&b);
    CHECK_STR(buf_str(&b), "");
}

TEST(integers_of_every_size)
{
    static const struct {
        int64_t n;
        const char *text;
    } cases[] = {
        {0, "0"}, {-1, "-1"}, {42, "42"}, {INT64_MAX, "9223372036854775807"}, {INT64_MIN, "-9223372036854775808"}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        buf b = BUF_INIT(100);

        buf_int(&b, cases[i].n);
        CHECK_STR(buf_str(&b), cases[i].text);
        buf_close(&b);
    }
}

TEST(a_write_past_the_maximum_is_dropped_whole_and_so_is_every_later_one)
{
    buf b = BUF_INIT(10);

    buf_puts(&b, "1234567890");
    CHECK(buf_ok(&b), "exactly full");
    buf_putc(&b, 'x');
    CHECK(!buf_ok(&b), "one too many");
    CHECK_STR(buf_str(&b), "1234567890");
    buf_reset(&b);
    CHECK(buf_ok(&b), "reset forgives");
    buf_printf(&b, "%s", "12345678901");
    CHECK(!buf_ok(&b), "formatted, too");
    buf_puts(&b, "x");
    CHECK_STR(buf_str(&b), "");
    CHECK(buf_reserve(&b, 1) == NULL, "no room any more");
    buf_close(&b);
}

TEST(a_buffer_of_maximum_zero_takes_nothing)
{
    buf b = BUF_INIT(0);

    buf_add(&b, "", 0);
    CHECK(buf_ok(&b), "nothing fits");
    buf_putc(&b, 'x');
    CHECK(!buf_ok(&b), "something does not");
    buf_close(&b);
}

TEST(a_length_that_overflows_is_refused)
{
    buf b = BUF_INIT(SIZE_MAX);

    buf_puts(&b, "x");
    CHECK(buf_reserve(&b, SIZE_MAX) == NULL, "the sum overflows");
    buf_reset(&b);
    CHECK(buf_reserve(&b, SIZE_MAX) == NULL, "no room for NUL");
    buf_close(&b);
}

TEST(room_that_was_only_partly_filled_still_reads_as_a_string)
{
    buf b = BUF_INIT(1000);
    char *room = buf_reserve(&b, 100);

    memset(room, 'z', 100);
    b.len += 3;
    CHECK_STR(buf_str(&b), "zzz");
    buf_close(&b);
}

TEST(consume_drops_from_the_front)
{
    buf b = BUF_INIT(1000);

    buf_consume(&b, 0);
    buf_puts(&b, "abcdef");
    buf_consume(&b, 2);
    CHECK_STR(b.data, "cdef");
    buf_consume(&b, 0);
    CHECK_STR(b.data, "cdef");
    buf_consume(&b, 100);
    CHECK_INT(b.len, 0);
    CHECK_STR(b.data, "");
    buf_close(&b);
}

TEST(memory_stays_within_the_maximum)
{
    buf b = BUF_INIT(100000);

    for (int i = 0; i < 100000; i++)
        buf_putc(&b, (char)('a' + i % 26));
    CHECK(buf_ok(&b), "it fits");
    CHECK(b.cap <= 100001, "%zu", b.cap);
    for (int i = 0; i < 100000; i++)
        CHECK(b.data[i] == 'a' + i % 26, "byte %d", i);
    buf_close(&b);
}

TEST(a_buffer_of_an_arena_closes_with_it)
{
    arena *a = arena_new(NULL);
    buf *b = buf_new(a, 100000);

    buf_printf(b, "%50000d", 1); /* the leak check at exit sees it when it stays */
    CHECK_INT(b->len, 50000);
    arena_free(a);
}
