/* SPDX-License-Identifier: MIT */
/* The scanner for the common chunk: what it reads, what it leaves to the JSON library, and what it saves. */
#include <stdio.h>

#include "base/clock.h"
#include "llm/llm_internal.h"
#include "test.h"

#define COMMON                                                                                                         \
    "{\"id\":\"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT\",\"object\":\"chat.completion.chunk\",\"created\":1741569952,"  \
    "\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_44709d6fcb\","           \
    "\"choices\":["                                                                                                    \
    "{\"index\":0,\"delta\":{\"content\":\" word\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}"

TEST(common_chunks_are_read)
{
    static const struct {
        const char *chunk, *text;
    } cases[] = {
        {COMMON, " word"},
        {"{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}", "a"},
        {"{\"choices\":[{\"delta\":{\"content\":\"\"}}]}", ""},
        {" { \"choices\" : [ { \"delta\" : { \"role\" : \"assistant\" , \"content\" : \"a\" } } ] } ", "a"},
        {"{\"x\":true,\"y\":12,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\",\"tool_calls\":null}}]}", "a"},
        {"{\"choices\":[{\"delta\":{\"content\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}}]}", "\"\\/\b\f\n\r\t"},
        {"{\"choices\":[{\"delta\":{\"content\":\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00z\"}}]}", "Aé€😀z"},
        {"{\"choices\":[{\"delta\":{\"content\":\"é€😀\"}}]}", "é€😀"},
    };
    buf room = BUF_INIT(1000);

    for (size_t i = 0; i < COUNT(cases); i++) {
        str text, model;

        CHECK(scan_text_chunk(str_of(cases[i].chunk), &room, &text, &model), "%s", cases[i].chunk);
        CHECK(str_is(text, cases[i].text), "%.*s", STR_ARG(text));
    }
    buf_close(&room);
}

TEST(everything_unusual_is_left_to_the_json_library)
{
    static const char *const chunks[] = {
        "",
        "[DONE]",
        "{}",
        "{\"choices\":[]}",
        "{\"choices\":[{\"delta\":{}}]}",
        "{\"choices\":[{\"delta\":{\"content\":null}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\",\"reasoning\":\"b\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\",\"tool_calls\":[]}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\",\"content\":\"b\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}},{\"delta\":{\"content\":\"b\"}}]}",
        "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"a\"}}]}",
        "{\"choices\":[{\"index\":00,\"delta\":{\"content\":\"a\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\":{}}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"error\":\"x\"}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}x",
        "{\"choices\":[{\"delta\":{\"content\":\"\\ud800\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"\\udc00\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"\\u0000\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"\\x\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"\\u12\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\nb\"}}]}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"n\":1.5}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"n\":01}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"n\":nul}",
        "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"n\":{}}",
    };
    buf room = BUF_INIT(1000);
    str text, model;

    for (size_t i = 0; i < COUNT(chunks); i++)
        CHECK(!scan_text_chunk(str_of(chunks[i]), &room, &text, &model), "%s", chunks[i]);
    buf_close(&room);
}

TEST(scanning_is_much_cheaper_than_parsing)
{
    enum { ROUNDS = 20000 };
    arena *a = arena_new(NULL);
    buf room = BUF_INIT(1000);
    str chunk = str_of(COMMON), text, model;
    int64_t began = clock_mono(), scanned, parsed;
    json_t *v;

    for (int i = 0; i < ROUNDS; i++)
        CHECK(scan_text_chunk(chunk, &room, &text, &model), "scanned");
    scanned = clock_mono() - began;
    began = clock_mono();
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(json_parse(a, chunk.p, chunk.len, NULL, &v) == OK, "parsed");
        arena_reset(a);
    }
    parsed = clock_mono() - began;
    fprintf(stderr, "# a chunk of %zu bytes: scanned in %d ns, parsed in %d ns\n", chunk.len, (int)(scanned / ROUNDS),
            (int)(parsed / ROUNDS));
    CHECK(test_instrumented() || scanned < parsed, "%lld against %lld", (long long)scanned, (long long)parsed);
    buf_close(&room);
    arena_free(a);
}
