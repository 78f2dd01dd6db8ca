/* SPDX-License-Identifier: MIT */
/* Tests of base/err.c. */
#include "base/err.h"

#include "test.h"

TEST(every_error_has_a_name_of_its_own)
{
    for (int e = 0; e < ERR_COUNT; e++) {
        CHECK(err_name((err)e) != NULL && err_name((err)e)[0] != '\0', "error %d", e);
        for (int other = 0; other < e; other++)
            CHECK(strcmp(err_name((err)e), err_name((err)other)) != 0, "%d and %d are both %s", e, other,
                  err_name((err)e));
    }
    CHECK_STR(err_name(ERR_COUNT), "unknown");
}

static err first_that_fails(int *calls)
{
    ++*calls;
    TRY(OK);
    ++*calls;
    TRY(ERR_BUSY);
    ++*calls;
    return OK;
}

TEST(try_returns_the_first_error)
{
    int calls = 0;

    CHECK_INT(first_that_fails(&calls), ERR_BUSY);
    CHECK_INT(calls, 2);
}
