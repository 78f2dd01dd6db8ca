/* SPDX-License-Identifier: MIT */
/*
 * What the demo driver answers.  Plain patterns, in this order:
 *
 *   results of tools came last           → it reports them
 *   a call of the only tool is required  → it calls it
 *   "use the tool NAME {arguments}"      → it calls NAME, as often as that is said
 *   "what time is it", "what day is it"  → it calls an offered tool whose name speaks of time
 *   "list files"                         → it calls an offered tool that lists a directory
 *   "write a file NAME"                  → it calls file_write with what it was told
 *   a call is required                   → it calls the first tool with arguments made up from the schema
 *   a response format is asked for       → a JSON object
 *   something said or retrieved before shares words with the question → it quotes that
 *   anything else                        → it repeats what it was told
 */
#include <ctype.h>

#include "llm/demo.h"

#define WHO "I am the demo model, an offline stand-in and not a language model. "

enum { QUOTE_MAX = 600, WORDS_MAX = 32 };

static const char *quote(arena *a, const char *text)
{
    str all = str_trim(str_of(text)), cut = utf8_prefix(all, QUOTE_MAX);

    return arena_printf(a, "%.*s%s", STR_ARG(cut), cut.len < all.len ? " …" : "");
}

static const llm_message *last_message(const llm_request *rq, llm_role role)
{
    for (size_t i = rq->n_messages; i-- > 0;)
        if (rq->messages[i].role == role)
            return &rq->messages[i];
    return NULL;
}

/* What the user wrote, without what a client wrapped around it. */
static const char *question_of(arena *a, const llm_request *rq)
{
    const llm_message *m = last_message(rq, ROLE_USER);
    const char *text = m != NULL ? demo_text(a, m) : "";
    const char *begin = strstr(text, "<user_request>"), *end;

    if (begin == NULL)
        return text;
    begin += strlen("<user_request>");
    end = strstr(begin, "</user_request>");
    return str_dup(a, str_trim((str){begin, end != NULL ? (size_t)(end - begin) : strlen(begin)}));
}

/* --- calling tools --- */

static const llm_tool *find_tool(const llm_request *rq, str name)
{
    for (size_t i = 0; i < rq->n_tools; i++)
        if (str_is_nocase(name, rq->tools[i].name))
            return &rq->tools[i];
    return NULL;
}

/* Ids depend on the conversation only, so that the same request gets the same answer. */
static void add_call(arena *a, const llm_request *rq, demo_answer *out, const char *name, const char *arguments)
{
    if (out->n_calls == DEMO_CALLS_MAX)
        return;
    out->calls[out->n_calls] = (llm_tool_call){
        .id = arena_printf(a, "call_demo_%zu_%zu", rq->n_messages, out->n_calls + 1),
        .name = name,
        .arguments = arguments,
    };
    out->n_calls++;
}

/* Up to the brace that closes the first one; 0 when there is none. */
static size_t object_length(const char *text)
{
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; text[i] != '\0'; i++) {
        if (quoted && text[i] == '\\' && text[i + 1] != '\0')
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && text[i] == '{')
            depth++;
        else if (!quoted && text[i] == '}' && --depth == 0)
            return i + 1;
    }
    return 0;
}

/* The JSON object at the front of `text`, or "{}". */
static const char *leading_object(arena *a, const char *text)
{
    json_t *v;

    while (isspace((unsigned char)*text) || *text == ':')
        text++;
    if (*text != '{' || json_parse(a, text, object_length(text), NULL, &v) != OK)
        return "{}";
    return json_text(a, v);
}

static bool plan_named_tools(arena *a, const llm_request *rq, const char *question, demo_answer *out)
{
    static const char *const phrases[] = {"use the tool ", "call the tool ", "use tool ", "call tool "};
    buf *missing = buf_new(a, KIB(4));

    for (size_t i = 0; i < COUNT(phrases); i++) {
        for (const char *p = question; (p = strcasestr(p, phrases[i])) != NULL;) {
            str name;
            const llm_tool *t;

            p += strlen(phrases[i]);
            p += strspn(p, "`\"' ");
            name = (str){p, strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")};
            t = find_tool(rq, name);
            p += name.len;
            p += strspn(p, "`\"'");
            if (t != NULL)
                add_call(a, rq, out, t->name, leading_object(a, strncmp(p, " with ", 6) == 0 ? p + 6 : p));
            else if (name.len > 0)
                buf_printf(missing, "%s%.*s", missing->len > 0 ? ", " : "", (int)MIN_OF(name.len, (size_t)64), name.p);
        }
    }
    if (missing->len > 0)
        out->text = arena_printf(a, WHO "I was not offered this tool: %s.", missing->data);
    return out->n_calls > 0 || missing->len > 0;
}

static bool has_any(const char *text, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcasestr(text, words[i]) != NULL)
            return true;
    return false;
}

static bool plan_time(arena *a, const llm_request *rq, const char *question, demo_answer *out)
{
    static const char *const asks[] = {"what time", "current time", "what day", "what date", "today's date"};

    if (!has_any(question, asks, COUNT(asks)))
        return false;
    for (size_t i = 0; i < rq->n_tools; i++) {
        const char *name = rq->tools[i].name;

        if (strcasestr(name, "time") == NULL || strcasestr(name, "timer") != NULL ||
            strcasestr(name, "timeout") != NULL)
            continue;
        out->text = "I look at the clock.";
        add_call(a, rq, out, name, "{}");
        return true;
    }
    return false;
}

/* A value that the schema of one parameter allows. */
static json_t *sample_value(const char *name, const json_t *schema)
{
    const char *type = json_get_str(schema, "type", "string");
    const json_t *choices = json_get_arr(schema, "enum");

    if (json_array_size(choices) > 0)
        return json_incref(json_array_get(choices, 0));
    if (cstr_eq(type, "integer") || cstr_eq(type, "number"))
        return json_integer(json_get_int(schema, "minimum", 1));
    if (cstr_eq(type, "boolean"))
        return json_false();
    if (cstr_eq(type, "array"))
        return json_array();
    if (cstr_eq(type, "object"))
        return json_object();
    return json_string(strcasestr(name, "path") != NULL || strcasestr(name, "dir") != NULL ? "." : "demo");
}

/* The required parameters, and the first that names a place when `place` is set. */
static const char *sample_arguments(arena *a, const llm_tool *t, bool place)
{
    const json_t *properties = json_get_obj(t->parameters, "properties");
    json_t *args = json_hold(a, json_object());
    size_t i;
    json_t *name, *schema;
    const char *key;

    json_array_foreach(json_object_get(t->parameters, "required"), i, name) if (json_is_string(name))
        json_set(args, json_string_value(name),
                 sample_value(json_string_value(name), json_object_get(properties, json_string_value(name))));
    json_object_foreach((json_t *)properties, key, schema)
    {
        if (place && json_object_size(args) == 0 && (strcasestr(key, "path") != NULL || strcasestr(key, "dir") != NULL))
            json_set_str(args, key, ".");
    }
    return json_text(a, args);
}

static bool plan_listing(arena *a, const llm_request *rq, const char *question, demo_answer *out)
{
    static const char *const asks[] = {"list files", "list the files", "list all files", "show the files",
                                       "which files"};
    static const char *const tools[] = {"list_dir", "list_directory", "list_files", "ls"};

    if (!has_any(question, asks, COUNT(asks)))
        return false;
    for (size_t i = 0; i < COUNT(tools); i++) {
        const llm_tool *t = find_tool(rq, str_of(tools[i]));

        if (t == NULL)
            continue;
        out->text = "I list the files.";
        add_call(a, rq, out, t->name, sample_arguments(a, t, true));
        return true;
    }
    return false;
}

/* The word behind one of these, without what punctuation surrounds it. */
static str name_behind(const char *text, const char *const *asks, size_t n)
{
    static const char around[] = "\"'`,.;:!?()";
    str name = {"", 0};

    for (size_t i = 0; i < n && name.len == 0; i++) {
        const char *at = strcasestr(text, asks[i]);

        if (at == NULL)
            continue;
        at += strlen(asks[i]);
        at += strspn(at, around);
        name = (str){at, strcspn(at, " \t\r\n")};
        while (name.len > 0 && strchr(around, name.p[name.len - 1]) != NULL)
            name.len--;
    }
    return name;
}

static bool plan_file(arena *a, const llm_request *rq, const char *question, demo_answer *out)
{
    static const char *const asks[] = {"write a file ", "write the file ", "create a file ", "make a file "};
    str name = name_behind(question, asks, COUNT(asks));
    json_t *args;

    if (name.len == 0 || find_tool(rq, STR("file_write")) == NULL)
        return false;
    args = json_hold(a, json_object());
    json_set_str(args, "file_path", str_dup(a, name));
    json_set_str(args, "content", arena_printf(a, "%s\n", question));
    out->text = "I write the file.";
    add_call(a, rq, out, "file_write", json_text(a, args));
    return true;
}

static bool plan_required(arena *a, const llm_request *rq, demo_answer *out)
{
    const llm_tool *status = find_tool(rq, STR("turn_status"));

    if (rq->tool_choice != TOOL_CHOICE_REQUIRED || rq->n_tools == 0)
        return false;
    if (status != NULL)
        add_call(a, rq, out, status->name, "{\"status\":\"task_done\"}");
    else
        add_call(a, rq, out, rq->tools[0].name, sample_arguments(a, &rq->tools[0], false));
    return true;
}

/* --- answering --- */

static const char *name_of_call(const llm_request *rq, const char *id)
{
    for (size_t i = rq->n_messages; i-- > 0;)
        for (size_t k = 0; k < rq->messages[i].n_calls; k++)
            if (cstr_eq(rq->messages[i].calls[k].id, id))
                return rq->messages[i].calls[k].name;
    return "a tool";
}

static bool plan_report(arena *a, const llm_request *rq, demo_answer *out)
{
    size_t first = rq->n_messages;
    buf *b;

    while (first > 0 && rq->messages[first - 1].role == ROLE_TOOL)
        first--;
    if (first == rq->n_messages)
        return false;
    b = buf_new(a, KIB(64));
    buf_puts(b, WHO);
    for (size_t i = first; i < rq->n_messages; i++)
        buf_printf(b, "%s answered: %s\n", name_of_call(rq, rq->messages[i].tool_call_id),
                   quote(a, demo_text(a, &rq->messages[i])));
    out->text = str_dup(a, str_trim((str){b->data, b->len}));
    return true;
}

typedef struct {
    str words[WORDS_MAX];
    size_t n;
} word_set;

static bool next_word(str *rest, str *word)
{
    size_t n;

    while (rest->len > 0 && !isalnum((unsigned char)rest->p[0]) && (unsigned char)rest->p[0] < 0x80)
        *rest = (str){rest->p + 1, rest->len - 1};
    for (n = 0; n < rest->len && (isalnum((unsigned char)rest->p[n]) || (unsigned char)rest->p[n] >= 0x80); n++)
        ;
    *word = (str){rest->p, n};
    *rest = (str){rest->p + n, rest->len - n};
    return n > 0;
}

/* Words of four letters and more: short ones say little. */
static word_set words_of(str text)
{
    word_set set = {.n = 0};
    str word;

    while (set.n < WORDS_MAX && next_word(&text, &word))
        if (word.len >= 4)
            set.words[set.n++] = word;
    return set;
}

static bool same_word(str a, str b)
{
    return a.len == b.len && strncasecmp(a.p, b.p, a.len) == 0;
}

static int shared_words(const word_set *question, str sentence)
{
    int n = 0;
    str word;

    while (next_word(&sentence, &word))
        for (size_t i = 0; i < question->n; i++)
            if (same_word(question->words[i], word)) {
                n++;
                break;
            }
    return n;
}

/* Keeps the sentence of `text` that shares most words with the question; the later one when equal. */
static void keep_best(const word_set *question, str text, str *best, int *score)
{
    while (text.len > 0) {
        size_t n = 0;
        int shared;

        while (n < text.len && memchr(".!?\n", text.p[n], 4) == NULL)
            n++;
        shared = shared_words(question, (str){text.p, n});
        if (shared >= *score && shared > 0) {
            *score = shared;
            *best = str_trim((str){text.p, n});
        }
        n += n < text.len ? 1 : 0;
        text = (str){text.p + n, text.len - n};
    }
}

/* System prompts are instructions, not knowledge, except for what was retrieved into them. */
static str knowledge_in(const char *text)
{
    const char *begin = strstr(text, "<knowledge"), *end = strstr(text, "</knowledge");

    return begin != NULL && end > begin ? (str){begin, (size_t)(end - begin)} : (str){"", 0};
}

static bool plan_quote(arena *a, const llm_request *rq, const char *question, demo_answer *out)
{
    const llm_message *asked = last_message(rq, ROLE_USER);
    word_set set = words_of(str_of(question));
    str best = {"", 0};
    int score = 2; /* of shared words, at least */

    for (size_t i = 0; i < rq->n_messages; i++) {
        const llm_message *m = &rq->messages[i];
        const char *text = demo_text(a, m);

        if (m == asked || (m->role == ROLE_ASSISTANT && cstr_starts(text, WHO)))
            continue;
        keep_best(&set, m->role == ROLE_SYSTEM ? knowledge_in(text) : str_of(text), &best, &score);
    }
    if (best.len == 0)
        return false;
    out->text = arena_printf(a, WHO "This was said before: “%s”.", quote(a, str_dup(a, best)));
    return true;
}

void demo_plan(arena *a, const llm_request *rq, demo_answer *out)
{
    const char *question = question_of(a, rq);

    *out = (demo_answer){.text = ""};
    if (rq->thinking == THINKING_ON)
        out->thoughts = "I look for the patterns that the demo model knows.";
    if (plan_report(a, rq, out) || (rq->n_tools == 1 && plan_required(a, rq, out)) ||
        plan_named_tools(a, rq, question, out) || plan_time(a, rq, question, out) ||
        plan_listing(a, rq, question, out) || plan_file(a, rq, question, out) || plan_required(a, rq, out))
        return;
    if (rq->response_format != NULL) {
        out->text = "{\"answer\":\"demo\"}";
        return;
    }
    if (plan_quote(a, rq, question, out))
        return;
    if (question[0] == '\0')
        out->text = WHO "You wrote nothing.";
    else
        out->text = arena_printf(a, WHO "You wrote: “%s”.", quote(a, question));
}
