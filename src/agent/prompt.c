/* SPDX-License-Identifier: MIT */
/*
 * Prompt assembly; see prompt.h.  What changes with every request (time, workspace) stands around the user's message and
 * not in the system message, so that providers can cache the long stable front of the prompt.
 */
#include "agent/prompt.h"

#include "agent/prompt_text.h"
#include "base/clock.h"

/* Keys of the system context that steer the runtime and mean nothing to the model. */
static const char *const private_keys[] = {
    "sandbox_approval_mode",    "command_policy", "active_skills",
    "active_skill_instruction", "external_paths", "extra_mcp_config",
};

const char *prompt_language(const char *response_language)
{
    if (response_language == NULL)
        return "en";
    if (strstr(response_language, "zh") != NULL)
        return "zh";
    if (strstr(response_language, "en") == NULL && strstr(response_language, "pt") != NULL)
        return "pt";
    return "en";
}

/* A text with one %s, filled in without trusting it to printf. */
static void put_filled(buf *b, const char *text, const char *value)
{
    const char *at = strstr(text, "%s");

    buf_add(b, text, at != NULL ? (size_t)(at - text) : strlen(text));
    if (at == NULL)
        return;
    buf_puts(b, value);
    buf_puts(b, at + 2);
}

static char *finish(arena *a, buf *b)
{
    char *text = arena_strndup(a, buf_str(b), b->len);

    buf_close(b);
    return text;
}

char *prompt_default_role(arena *a, const char *language, const char *agent_name)
{
    buf b = BUF_INIT(KIB(64));

    put_filled(&b, prompt_texts_for(language)->role, agent_name != NULL ? agent_name : "Sage");
    return finish(a, &b);
}

static void put_tagged(buf *b, const char *tag, const char *text)
{
    buf_printf(b, "<%s>\n", tag);
    buf_puts(b, text);
    buf_printf(b, "\n</%s>\n", tag);
}

char *prompt_system(arena *a, const prompt_spec *p)
{
    const prompt_texts *t = prompt_texts_for(p->language);
    buf b = BUF_INIT(MIB(256)); /* far beyond what a request may bring */

    buf_puts(&b, "<response_language>\n");
    put_filled(&b, t->answer_in, p->response_language);
    buf_puts(&b, "\n</response_language>\n<role_definition>\n");
    if (cstr_blank(p->role))
        put_filled(&b, t->role, p->agent_name != NULL ? p->agent_name : "Sage");
    else
        buf_puts(&b, p->role);
    buf_puts(&b, "\n\n");
    buf_puts(&b, t->rules);
    if (p->has_todo) {
        buf_putc(&b, '\n');
        buf_puts(&b, t->todo);
    }
    if (p->has_tools) {
        buf_putc(&b, '\n');
        buf_puts(&b, p->turn_status ? t->turn_status : t->until_text);
    }
    buf_puts(&b, "\n</role_definition>\n");
    put_tagged(&b, "system_reminder_hint", t->reminders);
    return finish(a, &b);
}

static bool is_private(const char *key)
{
    for (size_t i = 0; i < COUNT(private_keys); i++)
        if (strcmp(private_keys[i], key) == 0)
            return true;
    return false;
}

/* A context key as a tag name: what could break out of the tag becomes '_'. */
static void put_key(buf *b, const char *key)
{
    for (; *key != '\0'; key++)
        buf_putc(b, *key == '<' || *key == '>' || *key == '/' || (unsigned char)*key <= ' ' ? '_' : *key);
}

/* The names of files, none of which can end the block that they stand in. */
static void put_names(buf *b, const char *lines)
{
    for (; *lines != '\0'; lines++)
        if (*lines == '<')
            buf_puts(b, "&lt;");
        else
            buf_putc(b, *lines);
}

static void put_context_value(buf *b, arena *a, const json_t *v)
{
    if (json_is_string(v))
        buf_puts(b, json_string_value(v));
    else
        buf_puts(b, json_text(a, v));
}

char *prompt_before_user(arena *a, const prompt_spec *p, int64_t now)
{
    buf b = BUF_INIT(MIB(256));
    const char *key;
    json_t *value;

    buf_printf(&b, "<runtime_context>\n<system_context>\n  <current_time>%s</current_time>\n", clock_rfc5322(a, now));
    json_object_foreach((json_t *)(uintptr_t)p->system_context, key, value)
    {
        if (is_private(key) || strcmp(key, "current_time") == 0)
            continue;
        buf_puts(&b, "  <");
        put_key(&b, key);
        buf_putc(&b, '>');
        put_context_value(&b, a, value);
        buf_puts(&b, "</");
        put_key(&b, key);
        buf_puts(&b, ">\n");
    }
    if (p->workspace != NULL)
        buf_printf(&b, "  <private_workspace>%s</private_workspace>\n", p->workspace);
    if (p->todo != NULL)
        buf_printf(&b, "  <todo_list>\n%s\n  </todo_list>\n", p->todo);
    buf_puts(&b, "</system_context>\n");
    if (p->workspace != NULL && p->files != NULL) {
        buf_puts(&b, "<workspace_files>\n");
        put_filled(&b, prompt_texts_for(p->language)->files, p->workspace);
        buf_putc(&b, '\n');
        put_names(&b, p->files);
        buf_puts(&b, "</workspace_files>\n");
    }
    buf_puts(&b, "</runtime_context>\n\n<user_request>\n");
    return finish(a, &b);
}
