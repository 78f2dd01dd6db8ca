/* SPDX-License-Identifier: MIT */
/* Tests of llm/embed.c that need no server; those with one are in tests/api. */
#include "llm/embed.h"

#include <math.h>

#include "../test.h"

static embeddings embed(scope *s, const char *input, int64_t dimensions)
{
    embed_request rq = {.at = {.driver = "demo", .model = "demo-embed"}, .dimensions = dimensions};
    embeddings got;
    json_t *list;

    CHECK(json_parse(s->arena, input, strlen(input), NULL, &list) == OK, "%s", input);
    rq.input = list;
    CHECK(llm_embed(s, s->arena, &rq, &got) == OK, "%s", scope_failure(s, ERR_INTERNAL).text);
    return got;
}

static double nearness(const embeddings *e, size_t a, size_t b)
{
    double sum = 0;

    for (size_t i = 0; i < e->dimensions; i++)
        sum += (double)e->vectors[a][i] * (double)e->vectors[b][i];
    return sum;
}

FIBER_TEST(the_demo_driver_puts_texts_near_that_share_words)
{
    embeddings e =
        embed(s, "[\"The heron eats a fish\", \"a FISH eats the heron\", \"invoices of May\", \"\", [1,2]]", 0);

    CHECK_INT(e.n, 5);
    CHECK_INT(e.dimensions, EMBED_DEMO_DIMENSIONS);
    CHECK_STR(e.model, "demo-embed");
    CHECK(fabs(nearness(&e, 0, 0) - 1) < 1e-5, "of length one: %f", nearness(&e, 0, 0));
    CHECK(fabs(nearness(&e, 3, 3) - 1) < 1e-5, "also without words");
    CHECK(nearness(&e, 0, 1) > 0.9, "%f", nearness(&e, 0, 1));
    CHECK(nearness(&e, 0, 2) < 0.5, "%f", nearness(&e, 0, 2));
    CHECK_INT(e.tokens, 15);
}

FIBER_TEST(the_same_text_has_the_same_vector_of_the_size_that_is_asked_for)
{
    embeddings a = embed(s, "[\"one two\"]", 16), b = embed(s, "[\"one two\"]", 16);

    CHECK_INT(a.dimensions, 16);
    CHECK(memcmp(a.vectors[0], b.vectors[0], 16 * sizeof(float)) == 0, "deterministic");
}

TEST(drivers_say_whether_they_have_embeddings)
{
    CHECK(llm_embeds("demo") && llm_embeds("openai"), "those have");
    CHECK(!llm_embeds("anthropic") && !llm_embeds("") && !llm_embeds(NULL), "those have none");
}

FIBER_TEST(inputs_out_of_range_and_drivers_without_embeddings_are_refused)
{
    json_t *none = json_hold(s->arena, json_array()), *one = json_hold(s->arena, json_pack("[s]", "x"));
    embed_request rq = {.at = {.driver = "demo", .model = "m"}, .input = none};
    embeddings got;

    CHECK_INT(llm_embed(s, s->arena, &rq, &got), ERR_INVALID);
    rq.input = one;
    rq.dimensions = EMBED_DIMENSIONS_MAX + 1;
    CHECK_INT(llm_embed(s, s->arena, &rq, &got), ERR_INVALID);
    rq.dimensions = 0;
    rq.at.driver = "anthropic";
    CHECK_INT(llm_embed(s, s->arena, &rq, &got), ERR_UNSUPPORTED);
    CHECK_STR(s->failure.code, "llm.no_embeddings");
}
