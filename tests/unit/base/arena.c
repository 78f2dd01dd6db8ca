/* SPDX-License-Identifier: MIT */
/* Tests of base/arena.c. */
#include "base/arena.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "test.h"

TEST(allocations_are_aligned_and_do_not_overlap)
{
    arena *a = arena_new(NULL);
    unsigned char *pieces[400];

    for (size_t i = 0; i < COUNT(pieces); i++) {
        size_t size = i * 7 % 3000;

        pieces[i] = arena_alloc(a, size);
        CHECK((uintptr_t)pieces[i] % 16 == 0, "piece %zu", i);
        memset(pieces[i], (int)(i & 0xff), size);
    }
    for (size_t i = 0; i < COUNT(pieces); i++)
        for (size_t k = 0; k < i * 7 % 3000; k++)
            CHECK(pieces[i][k] == (i & 0xff), "byte %zu of piece %zu", k, i);
    arena_free(a);
}

TEST(size_zero_gives_a_pointer)
{
    arena *a = arena_new(NULL);

    CHECK(arena_alloc(a, 0) != NULL, "alloc");
    CHECK(arena_zalloc(a, 0, 8) != NULL, "zalloc");
    CHECK(arena_memdup(a, NULL, 0) != NULL, "memdup");
    CHECK_STR(arena_strndup(a, NULL, 0), "");
    arena_free(a);
}

TEST(zalloc_is_zeroed_even_in_reused_memory)
{
    arena *a = arena_new(NULL);

    for (int round = 0; round < 3; round++) {
        char *p = arena_zalloc(a, 50, 10);

        for (size_t i = 0; i < 500; i++)
            CHECK_INT(p[i], 0);
        memset(p, 0xff, 500);
        arena_reset(a);
    }
    arena_free(a);
}

static void overflow(void)
{
    arena_zalloc(arena_new(NULL), SIZE_MAX / 2, 3);
}

TEST(a_product_that_overflows_aborts)
{
    char said[1000];
    int status = test_in_child(overflow, said, sizeof said);

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "status %x: %s", (unsigned)status, said);
}

typedef struct {
    char *text, mark;
} marker;

static void add_mark(void *arg)
{
    marker *m = arg;

    strncat(m->text, &m->mark, 1);
}

static void defer_more(void *arg)
{
    marker *m = arg;

    arena_defer((arena *)(void *)m->text, add_mark, m + 1);
}

TEST(deferred_calls_run_newest_first_and_children_go_before)
{
    char text[16] = "";
    marker m[4] = {{text, 'a'}, {text, 'b'}, {text, 'c'}, {text, 'd'}};
    arena *a = arena_new(NULL), *child = arena_new(a), *grandchild = arena_new(child);

    arena_defer(a, add_mark, &m[0]);
    arena_defer(a, add_mark, &m[1]);
    arena_defer(child, add_mark, &m[2]);
    arena_defer(grandchild, add_mark, &m[3]);
    arena_free(a);
    CHECK_STR(text, "dcba");
}

TEST(a_deferred_call_may_defer_another)
{
    char text[16] = "";
    arena *a = arena_new(NULL);
    marker m[2] = {{(char *)(void *)a, 'x'}, {text, 'y'}};

    arena_defer(a, defer_more, m);
    arena_free(a);
    CHECK_STR(text, "y");
}

static void make_child(void *arg)
{
    arena_alloc(arena_new(arg), 100);
}

TEST(a_child_made_by_a_deferred_call_goes_too)
{
    arena *a = arena_new(NULL);

    arena_defer(a, make_child, a); /* the leak check at exit sees it when it stays */
    arena_free(a);
}

TEST(reset_keeps_one_small_chunk_and_runs_deferred_calls_once)
{
    char text[16] = "";
    marker m = {text, 'r'};
    arena *a = arena_new(NULL);

    arena_alloc(a, 10);
    for (int i = 0; i < 100; i++)
        arena_alloc(a, 10000);
    arena_defer(a, add_mark, &m);
    CHECK(arena_size(a) > 1000000, "%zu", arena_size(a));
    arena_reset(a);
    CHECK(arena_size(a) < 2000, "%zu", arena_size(a));
    CHECK_STR(arena_printf(a, "%d-%s", 7, "x"), "7-x");
    arena_reset(a);
    arena_free(a);
    CHECK_STR(text, "r");
}

TEST(a_small_arena_takes_little)
{
    arena *a = arena_new(NULL);

    CHECK(arena_size(a) <= 128, "%zu before the first use", arena_size(a));
    arena_alloc(a, 100);
    CHECK(arena_size(a) <= 1200, "%zu with something in it", arena_size(a));
    arena_free(a);
}

TEST(children_can_be_freed_in_any_order)
{
    arena *a = arena_new(NULL), *kids[5];

    for (size_t i = 0; i < COUNT(kids); i++)
        kids[i] = arena_new(a);
    arena_free(kids[2]);
    arena_free(kids[4]);
    arena_free(kids[0]);
    arena_alloc(kids[3], 5);
    arena_free(a);
    arena_free(NULL);
}

TEST(copies_end_with_nul)
{
    arena *a = arena_new(NULL);

    CHECK_STR(arena_strndup(a, "hello", 3), "hel");
    CHECK_STR(arena_strdup(a, "hello"), "hello");
    CHECK(arena_strdup(a, NULL) == NULL, "NULL stays NULL");
    arena_free(a);
}

static void note_call(void *arg)
{
    ++*(int *)arg;
}

TEST(rewinding_gives_back_what_came_after_the_mark)
{
    arena *a = arena_new(NULL);
    char *kept = arena_strdup(a, "kept");
    int before = 0, after = 0;
    arena_mark mark;
    size_t size;

    arena_defer(a, note_call, &before);
    mark = arena_mark_now(a);
    size = arena_size(a);
    for (int round = 0; round < 3; round++) {
        arena_new(a);
        for (size_t n = 1; n < 100000; n *= 3)
            memset(arena_alloc(a, n), 'x', n);
        arena_defer(a, note_call, &after);
        CHECK(arena_size(a) > size, "it has grown");
        arena_rewind(a, mark);
        CHECK_INT(arena_size(a), size);
        CHECK_INT(after, round + 1);
    }
    CHECK_STR(kept, "kept");
    CHECK_INT(before, 0);
    arena_free(a);
    CHECK_INT(before, 1);
}

TEST(an_empty_arena_can_be_marked)
{
    arena *a = arena_new(NULL);
    arena_mark mark = arena_mark_now(a);

    memset(arena_alloc(a, 100000), 'x', 100000);
    arena_rewind(a, mark);
    memset(arena_alloc(a, 10), 'y', 10);
    arena_free(a);
}
