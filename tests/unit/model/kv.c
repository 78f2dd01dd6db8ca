/* SPDX-License-Identifier: MIT */
/* Tests of model/kv.c. */
#include "model/kv.h"

#include "made.h"

ENGINE_TEST(facts_are_set_replaced_and_deleted)
{
    const char *value = NULL;
    kv_row *rows = NULL;
    size_t n = 0;

    CHECK_INT(kv_get(s, "allow_registration", "false", &value), OK);
    CHECK_STR(value, "false");
    CHECK_INT(kv_set(s, "allow_registration", "true"), OK);
    CHECK_INT(kv_set(s, "allow_registration", "maybe"), OK);
    CHECK_INT(kv_get(s, "allow_registration", NULL, &value), OK);
    CHECK_STR(value, "maybe");
    CHECK_INT(kv_set_if_absent(s, "allow_registration", "no", &value), OK);
    CHECK_STR(value, "maybe");
    CHECK_INT(kv_set_if_absent(s, "instance_id", "i1", &value), OK);
    CHECK_STR(value, "i1");
    CHECK_INT(kv_set(s, "x%y", "1"), OK);
    CHECK_INT(kv_list(s, "x%", &rows, &n), OK);
    CHECK_INT(n, 1);
    CHECK_INT(kv_list(s, NULL, &rows, &n), OK);
    CHECK_INT(n, 3);
    CHECK_STR(rows[0].name, "allow_registration");
    CHECK_INT(kv_delete(s, "instance_id"), OK);
    CHECK_INT(kv_delete(s, "instance_id"), OK);
    CHECK_INT(kv_get(s, "instance_id", NULL, &value), OK);
    CHECK_STR(value, NULL);
}
