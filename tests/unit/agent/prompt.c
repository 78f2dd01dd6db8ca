/* SPDX-License-Identifier: MIT */
/* System messages and the runtime context. */
#include "agent/prompt.h"

#include "test.h"

static const prompt_spec plain = {.language = "en", .response_language = "en-US"};

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

TEST(the_prompt_language_follows_the_response_language)
{
    static const struct {
        const char *response, *prompt;
    } cases[] = {{NULL, "en"}, {"zh-CN", "zh"}, {"en-US", "en"}, {"pt-BR", "pt"}, {"de", "en"}, {"", "en"}};

    for (size_t i = 0; i < COUNT(cases); i++)
        CHECK_STR(prompt_language(cases[i].response), cases[i].prompt);
}

TEST(the_built_in_role_names_the_agent_in_every_language)
{
    static const char *const languages[] = {"en", "zh", "pt", "xx"};
    arena *a = arena_new(NULL);

    for (size_t i = 0; i < COUNT(languages); i++) {
        CHECK(has(prompt_default_role(a, languages[i], "Hal %s"), "Hal %s"), "named in %s", languages[i]);
        CHECK(has(prompt_default_role(a, languages[i], NULL), "Sage"), "the default in %s", languages[i]);
    }
    CHECK_STR(prompt_default_role(a, "xx", NULL), prompt_default_role(a, "en", NULL));
    CHECK(strcmp(prompt_default_role(a, "zh", NULL), prompt_default_role(a, "en", NULL)) != 0, "its own text");
    arena_free(a);
}

TEST(the_system_message_has_its_parts_in_order)
{
    static const char *const parts[] = {"<response_language>",   "en-US",       "</response_language>",
                                        "<role_definition>",     "Be terse %s", "</role_definition>",
                                        "<system_reminder_hint>"};
    arena *a = arena_new(NULL);
    prompt_spec p = plain;
    const char *at;

    p.role = "Be terse %s";
    at = prompt_system(a, &p);
    for (size_t i = 0; i < COUNT(parts); i++) {
        at = strstr(at, parts[i]);
        CHECK(at != NULL, "%s", parts[i]);
    }
    arena_free(a);
}

TEST(rules_for_tools_are_there_only_with_tools)
{
    arena *a = arena_new(NULL);
    prompt_spec p = plain;
    const char *none = prompt_system(a, &p), *tools, *status, *todo;

    p.has_tools = true;
    tools = prompt_system(a, &p);
    p.turn_status = true;
    status = prompt_system(a, &p);
    p.has_todo = true;
    todo = prompt_system(a, &p);
    CHECK(strlen(tools) > strlen(none), "how to end");
    CHECK(!has(tools, "turn_status") && has(status, "turn_status"), "the protocol only where it is spoken");
    CHECK(strlen(todo) > strlen(status), "the task list only where there is one");
    arena_free(a);
}

TEST(a_role_of_many_megabytes_is_not_dropped)
{
    arena *a = arena_new(NULL);
    prompt_spec p = plain;
    char *role = arena_alloc(a, MIB(6) + 1);

    memset(role, 'r', MIB(6));
    role[MIB(6)] = '\0';
    p.role = role;
    CHECK(has(prompt_system(a, &p), role), "whole");
    CHECK(has(prompt_system(a, &p), "</role_definition>"), "and what follows");
    arena_free(a);
}

TEST(the_runtime_context_shows_what_is_for_the_model)
{
    arena *a = arena_new(NULL);
    prompt_spec p = plain;
    const char *text;

    p.workspace = "/ws";
    p.system_context = json_hold(a, json_pack("{s:s,s:i,s:{s:s},s:s,s:s,s:s}", "topic", "cats", "n", 7, "o", "k", "v",
                                              "command_policy", "secret", "current_time", "yesterday", "a</b> c", "x"));
    text = prompt_before_user(a, &p, 1767000000000000);
    CHECK(cstr_starts(text, "<runtime_context>\n<system_context>\n  <current_time>Mon, 29 Dec 2025 "), "%s", text);
    CHECK(cstr_ends(text, "</system_context>\n</runtime_context>\n\n<user_request>\n"), "%s", text);
    CHECK(has(text, "  <topic>cats</topic>\n"), "texts");
    CHECK(has(text, "  <n>7</n>\n"), "numbers");
    CHECK(has(text, "<o>{\"k\":\"v\"}</o>"), "objects");
    CHECK(has(text, "<private_workspace>/ws</private_workspace>"), "the workspace");
    CHECK(has(text, "<a__b__c>x</a__b__c>"), "keys cannot break out: %s", text);
    CHECK(!has(text, "secret"), "policies are the runtime's business");
    CHECK(!has(text, "yesterday"), "there is one current time");
    arena_free(a);
}

TEST(the_workspaces_files_are_told_behind_the_facts)
{
    static const char *const languages[] = {"en", "zh", "pt"};
    arena *a = arena_new(NULL);
    prompt_spec p = plain;
    const char *text;

    p.files = "src/\n  a</workspace_files>.c\n";
    CHECK(!has(prompt_before_user(a, &p, 0), "workspace_files"), "none without a workspace");
    p.workspace = "/ws";
    for (size_t i = 0; i < COUNT(languages); i++) {
        p.language = languages[i];
        text = prompt_before_user(a, &p, 0);
        CHECK(has(text, "</system_context>\n<workspace_files>\n") && has(text, " /ws "), "%s", text);
        CHECK(
            cstr_ends(text,
                      "\nsrc/\n  a&lt;/workspace_files>.c\n</workspace_files>\n</runtime_context>\n\n<user_request>\n"),
            "names cannot break out: %s", text);
    }
    p.files = NULL;
    CHECK(!has(prompt_before_user(a, &p, 0), "workspace_files"), "nor where there are none");
    arena_free(a);
}
