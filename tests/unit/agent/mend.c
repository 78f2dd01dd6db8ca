/* SPDX-License-Identifier: MIT */
/* Arguments of tool calls that are nearly JSON. */
#include "agent/mend.h"

#include "test.h"

TEST(what_is_nearly_json_becomes_it)
{
    static const struct {
        const char *text, *object; /* NULL: none */
    } cases[] = {
        {"{\"a\":1}", "{\"a\":1}"},
        {" {\"a\" : [1, 2]} ", " {\"a\" : [1, 2]} "},
        {"{'path': 'a.txt'}", "{\"path\": \"a.txt\"}"},
        {"{'it': 'it\\'s', \"b\": \"it's\"}", "{\"it\": \"it's\", \"b\": \"it's\"}"},
        {"{'say': 'a \"word\"'}", "{\"say\": \"a \\\"word\\\"\"}"},
        {"{\"a\": 1,}", "{\"a\": 1}"},
        {"{\"a\": [1, 2 , ] ,\n}", "{\"a\": [1, 2  ] \n}"},
        {"{'a': True, 'b': False, 'c': None}", "{\"a\": true, \"b\": false, \"c\": null}"},
        {"{'a': 'True, None,'}", "{\"a\": \"True, None,\"}"},
        {"{\"code\": \"line\n\tnext\"}", "{\"code\": \"line\\u000a\\u0009next\"}"},
        {"{\"a\": \"x\\n\\\\\"}", "{\"a\": \"x\\n\\\\\"}"},
        {"{'a': 'x\\\\'}", "{\"a\": \"x\\\\\"}"},
        {"{'a': '日本'}", "{\"a\": \"日本\"}"},
        {"\"{\\\"a\\\": \\\"\\\\n\\\"}\"", "{\"a\": \"\\n\"}"},
        {"\"{\\\"a\\\": 1\"", NULL},
        {"\"\\\"{}\\\"\"", NULL},
        {"", NULL},
        {"{", NULL},
        {"{\"a\":", NULL},
        {"{'a': 'b", NULL},
        {"{'a': 'b\\", NULL},
        {"{\"a\":1,\"a\":2}", NULL},
        {"{\"a\":1}{\"b\":2}", NULL},
        {"{a: 1}", NULL},
        {"{'a': True_}", NULL},
        {"{'a': '\\x41'}", NULL},
        {"{'a': __import__('os')}", NULL},
        {"[1]", NULL},
        {"['a']", NULL},
        {"\"a\"", NULL},
        {"None", NULL},
        {",", NULL},
        {"{'a': '\xff'}", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        arena *a = arena_new(NULL);

        CHECK_STR(mend_object(a, str_of(cases[i].text)), cases[i].object);
        arena_free(a);
    }
}

/* Whatever it is, and wherever it is cut off: an object or nothing. */
TEST(any_text_gives_an_object_or_nothing)
{
    static const char alphabet[] = "{}[]:,'\"\\ \nTrueNone1a-";
    unsigned seed = 1;

    for (int round = 0; round < 20000; round++) {
        arena *a = arena_new(NULL);
        char text[24];
        size_t len = 0;
        const char *object;
        json_t *v;

        text[len++] = '{';
        while (len < 2 + (unsigned)round % 21) {
            seed = seed * 1103515245 + 12345;
            text[len++] = alphabet[seed / 65536 % (sizeof alphabet - 1)];
        }
        object = mend_object(a, (str){text, len});
        CHECK(object == NULL || (json_parse(a, object, strlen(object), NULL, &v) == OK && json_is_object(v)),
              "%.*s became %s", (int)len, text, object);
        arena_free(a);
    }
}
