/* SPDX-License-Identifier: MIT */
/* FIBER_TEST: the body runs as the main fiber of a single loop.  A file of its own, so that tests of base/ need no rt/. */
#include "rt/loop.h"
#include "test.h"

typedef void test_body(scope *s);

typedef struct {
    test_body *body;
    bool ran;
} fiber_run;

static err run_body(scope *root, void *arg)
{
    fiber_run *r = arg;

    r->body(root);
    r->ran = true;
    return OK;
}

void test_in_fiber(test_body *body)
{
    fiber_run r = {.body = body};

    CHECK_INT(loops_run(1, run_body, &r), 0);
    CHECK(r.ran, "the body ran to its end");
}
