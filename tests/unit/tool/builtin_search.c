/* SPDX-License-Identifier: MIT */
#include "fixture.h"

static json_t *search(scope *s, const tool_context *cx, const char *args)
{
    return fixture_call(s, cx, "search_memory", args);
}

static const char *path_at(json_t *v, size_t i)
{
    return json_get_str(json_array_get(json_get_arr(v, "long_term_memory"), i), "path", NULL);
}

FIBER_TEST(the_file_that_says_most_about_the_words_comes_first)
{
    tool_context cx = fixture_context(s);
    json_t *v, *snippet;

    fixture_puts(s, &cx, "memory/deploy.md", "intro\nDeployment uses Ansible playbooks.\nansible again\n");
    fixture_puts(s, &cx, "notes.txt",
                 "Ansible was mentioned once among the many other words of this long note about lunch.\n");
    fixture_puts(s, &cx, "other.txt", "nothing to see\n");
    fixture_write(s, &cx, "bin", "ansible\0", 8);
    v = search(s, &cx, "{\"query\":\"ansible deployment\"}");
    CHECK_STR(json_get_str(v, "status", NULL), "success");
    CHECK_STR(json_get_str(v, "message", NULL), "Found 2 files and 0 history messages");
    CHECK_STR(json_get_str(v, "query", NULL), "ansible deployment");
    CHECK_STR(path_at(v, 0), fixture_path(s, &cx, "memory/deploy.md"));
    snippet = json_array_get(json_get_arr(json_array_get(json_get_arr(v, "long_term_memory"), 0), "snippets"), 0);
    CHECK_INT(json_get_int(snippet, "line_number", 0), 2);
    CHECK_STR(json_get_str(snippet, "text", NULL), "Deployment uses Ansible playbooks.");
    v = search(s, &cx, "{\"query\":\"ansible\",\"top_k\":1}");
    CHECK_INT(json_array_size(json_get_arr(v, "long_term_memory")), 1);
    v = search(s, &cx, "{\"query\":\"zebra\"}");
    CHECK_STR(json_get_str(v, "message", NULL), "Found 0 files and 0 history messages");
    fixture_fails(s, &cx, "search_memory", "{\"query\":\"  \"}", "INVALID_ARGUMENT");
}

FIBER_TEST(two_characters_of_chinese_are_a_word)
{
    tool_context cx = fixture_context(s);
    json_t *v;

    fixture_puts(s, &cx, "a.md", "我们的部署流程很简单\n");
    fixture_puts(s, &cx, "b.md", "午饭吃什么\n");
    v = search(s, &cx, "{\"query\":\"部署流程\"}");
    CHECK_INT(json_array_size(json_get_arr(v, "long_term_memory")), 1);
    CHECK_STR(path_at(v, 0), fixture_path(s, &cx, "a.md"));
}

static err history(scope *s, const tool_context *cx, const char *query, size_t top_k, json_t **out)
{
    (void)s;
    CHECK_STR(cx->session_id, "s1");
    *out = json_pack("[{s:s,s:s,s:i}]", "role", "user", "content_preview", query, "timestamp", (int)top_k);
    return OK;
}

FIBER_TEST(the_history_is_asked_too)
{
    tool_context cx = fixture_context(s);
    json_t *v;

    tool_set_history_search(history);
    v = search(s, &cx, "{\"query\":\"hello\",\"top_k\":3}");
    CHECK_STR(json_get_str(v, "message", NULL), "Found 0 files and 1 history messages");
    CHECK_STR(json_text(s->arena, json_get_arr(v, "session_history")),
              "[{\"role\":\"user\",\"content_preview\":\"hello\",\"timestamp\":3}]");
    cx.workspace = NULL;
    v = search(s, &cx, "{\"query\":\"hello\"}");
    CHECK_STR(json_get_str(v, "message", NULL), "Found 0 files and 1 history messages");
}
