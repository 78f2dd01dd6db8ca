/* SPDX-License-Identifier: MIT */
/* Tests of model/attachment.c. */
#include "model/attachment.h"

#include "made.h"

static attachment_row made_attachment(scope *s, const char *owner, const char *name)
{
    attachment_row at = {
        .owner_id = owner, .name = name, .mime = "text/plain", .size = 5, .object_key = "a key of its object"};

    CHECK(attachment_insert(s, &at) == OK, "%s", name);
    return at;
}

ENGINE_TEST(an_attachment_is_found_again_by_its_owner_and_by_nobody_else)
{
    attachment_row at = made_attachment(s, "u1", "größe.txt"), *got;

    CHECK_INT(attachment_find(s, owned_by_user("u1"), at.id, &got), OK);
    CHECK_STR(got->name, "größe.txt");
    CHECK_STR(got->object_key, "a key of its object");
    CHECK(got->size == 5 && got->created_at == at.created_at, "the rest");
    CHECK_INT(attachment_find(s, OWNED_BY_ANYONE, at.id, &got), OK);
    CHECK_INT(attachment_find(s, owned_by_user("u2"), at.id, &got), ERR_NOT_FOUND);
    CHECK_STR(code_of(s), "attachment.not_found");
    CHECK_INT(attachment_find(s, owned_by_user(NULL), at.id, &got), ERR_NOT_FOUND);
}

ENGINE_TEST(the_newest_attachment_of_a_name_is_found_by_it)
{
    attachment_row second, *got;

    made_attachment(s, "u1", "a.txt");
    second = made_attachment(s, "u1", "a.txt");
    made_attachment(s, "u2", "b.txt");
    CHECK_INT(attachment_find_by_name(s, owned_by_user("u1"), "a.txt", &got), OK);
    CHECK(cstr_eq(got->id, second.id) || got->created_at == second.created_at, "the newest");
    CHECK_INT(attachment_find_by_name(s, owned_by_user("u1"), "b.txt", &got), ERR_NOT_FOUND);
}

ENGINE_TEST(a_deleted_attachment_is_gone_for_everybody)
{
    attachment_row at = made_attachment(s, "u1", "a.txt"), *got;

    CHECK_INT(attachment_delete(s, owned_by_user("u2"), at.id, &got), ERR_NOT_FOUND);
    CHECK_INT(attachment_delete(s, owned_by_user("u1"), at.id, &got), OK);
    CHECK_STR(got->object_key, "a key of its object");
    CHECK_INT(attachment_delete(s, owned_by_user("u1"), at.id, &got), ERR_NOT_FOUND);
    CHECK_INT(attachment_find(s, OWNED_BY_ANYONE, at.id, &got), ERR_NOT_FOUND);
    CHECK_INT(attachment_find_by_name(s, owned_by_user("u1"), "a.txt", &got), ERR_NOT_FOUND);
}
