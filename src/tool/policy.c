/* SPDX-License-Identifier: MIT */
#include "tool/policy.h"

#include "base/clock.h"
#include "tool/pattern.h"
#include "tool/policy_tables.h"
#include "tool/shell_words.h"

enum { NEST_MAX = 4 };

static const int64_t judging_limit = SECONDS(2);

typedef struct {
    arena *a;
    const char *workspace;
    policy_action action;
    const char *category;
    size_t segments; /* of the outermost text */
    bool only_reads;
} judge;

typedef struct {
    const shell_word *w;
    size_t n;
} words;

static void judge_text(judge *j, const char *command, int depth);
static void judge_words(judge *j, words c, const shell_text *all, bool piped, int depth);

static bool is_in(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cstr_eq(list[i], name))
            return true;
    return false;
}

#define IS_IN(name, list) is_in((name), (list), COUNT(list))

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* The worst finding stays; of equals the first. */
static void finding(judge *j, policy_action action, const char *category)
{
    if (action > j->action) {
        j->action = action;
        j->category = category;
    }
}

static bool is_inside(const judge *j, const char *path)
{
    size_t len = j->workspace != NULL ? strlen(j->workspace) : 0;

    if (strstr(path, "..") != NULL)
        return false;
    if (path[0] != '/')
        return true; /* "~" is the workspace in the sandbox, and relative paths begin there */
    if (len > 1 && strncmp(path, j->workspace, len) == 0 && (path[len] == '/' || path[len] == '\0'))
        return true;
    return cstr_starts(path, "/tmp/");
}

static void judge_target(judge *j, const shell_word *w)
{
    static const char *const harmless[] = {"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/zero"};

    j->only_reads = j->only_reads && cstr_eq(w->text, "/dev/null");
    if (IS_IN(w->text, harmless) || cstr_starts(w->text, "/dev/fd/"))
        return;
    if (cstr_starts(w->text, "/dev/"))
        finding(j, POLICY_DENY, "device_write");
    else if (w->dynamic || !is_inside(j, w->text))
        finding(j, POLICY_ASK, "redirect_outside");
}

static bool has_flag(words c, char letter, const char *long_name)
{
    for (size_t i = 1; i < c.n && !cstr_eq(c.w[i].text, "--"); i++) {
        const char *t = c.w[i].text;

        if (t[0] == '-' && t[1] != '-' && strchr(t, letter) != NULL)
            return true;
        if (long_name != NULL && cstr_starts(t, long_name))
            return true;
    }
    return false;
}

/* The root, the home (with or without a star), and the directories that the system lives in. */
static bool is_everything(const shell_word *w)
{
    static const char *const whole[] = {"/",     "/*",   "/.",    "/./",  "~",     "~/",    "~/*",
                                        "/etc",  "/usr", "/bin",  "/lib", "/sbin", "/boot", "/home",
                                        "/root", "/var", "/proc", "/sys", "/dev",  "/opt"};
    size_t len = strlen(w->text);
    char text[64];

    if (w->dynamic)
        return cstr_eq(w->text, "$") || cstr_eq(w->text, "$HOME") || cstr_eq(w->text, "$HOME/") ||
               cstr_eq(w->text, "$/") || cstr_eq(w->text, "$HOME/*") || cstr_eq(w->text, "$/*");
    while (len > 1 && w->text[len - 1] == '/')
        len--;
    if (len >= sizeof text)
        return false;
    memcpy(text, w->text, len);
    text[len] = '\0';
    if (cstr_starts(text, "//"))
        return strspn(text, "/") == len || strspn(text, "/*") == len;
    if (len > 2 && text[len - 1] == '*' && text[len - 2] == '/' && len > 3)
        text[len - 2] = '\0'; /* all in /etc is /etc */
    return IS_IN(text, whole);
}

static void judge_delete(judge *j, words c)
{
    static const char *const all_of_it[] = {".", "./", "*", "./*", "..", "../", ".*"};
    bool recursive = has_flag(c, 'r', "--recursive") || has_flag(c, 'R', NULL);

    for (size_t i = 1; i < c.n; i++) {
        const shell_word *w = &c.w[i];

        if (w->text[0] == '-' && !w->dynamic)
            continue;
        if (recursive && is_everything(w))
            finding(j, POLICY_DENY, "destructive");
        else if (recursive && (w->dynamic || IS_IN(w->text, all_of_it) || !is_inside(j, w->text)))
            finding(j, POLICY_ASK, "recursive_delete");
    }
}

static void judge_chmod(judge *j, words c)
{
    for (size_t i = 1; i < c.n; i++)
        if (c.w[i].text[0] == '/' && is_everything(&c.w[i]))
            finding(j, POLICY_DENY, "destructive");
}

/* The first word that is not an option; git's own options before it may take a value. */
static const char *subcommand(words c)
{
    for (size_t i = 1; i < c.n; i++) {
        const char *t = c.w[i].text;

        if (t[0] != '-')
            return t;
        if (cstr_eq(t, "-C") || cstr_eq(t, "-c") || cstr_eq(t, "--git-dir") || cstr_eq(t, "--work-tree"))
            i++;
    }
    return "";
}

static void judge_find(judge *j, words c, const shell_text *all, int depth)
{
    for (size_t i = 1; i < c.n; i++) {
        const char *t = c.w[i].text;

        if (cstr_eq(t, "-delete")) {
            j->only_reads = false;
            if (c.n > 1 && is_everything(&c.w[1]))
                finding(j, POLICY_DENY, "destructive");
            else if (c.n > 1 && (c.w[1].dynamic || !is_inside(j, c.w[1].text)))
                finding(j, POLICY_ASK, "recursive_delete");
        }
        if (cstr_starts(t, "-exec") || cstr_starts(t, "-ok")) {
            judge_words(j, (words){c.w + i + 1, c.n - i - 1}, all, false, depth + 1);
            return;
        }
        j->only_reads = j->only_reads && !cstr_starts(t, "-f"); /* -fprint writes */
    }
}

static bool downloads(const shell_text *all)
{
    for (size_t i = 0; i < all->n; i++)
        for (size_t k = 0; k < all->segments[i].n; k++)
            if (IS_IN(base_name(all->segments[i].words[k].text), fetchers))
                return true;
    return false;
}

/* A shell is judged by what it is given to run. */
static void judge_shell(judge *j, words c, const shell_text *all, bool piped, int depth)
{
    bool given = false;

    for (size_t i = 1; i < c.n; i++) {
        const shell_word *w = &c.w[i];

        if (w->text[0] == '-' && w->text[1] != '-' && strchr(w->text, 'c') != NULL && i + 1 < c.n) {
            given = true;
            if (c.w[i + 1].dynamic)
                finding(j, downloads(all) ? POLICY_DENY : POLICY_ASK, downloads(all) ? "pipe_to_shell" : "unparsable");
            judge_text(j, c.w[i + 1].text, depth + 1);
            break;
        }
    }
    j->only_reads = j->only_reads && given;
    if (!given && downloads(all) && (piped || c.n == 1))
        finding(j, POLICY_DENY, "pipe_to_shell");
}

static const wrapper *wrapper_of(const char *name)
{
    for (size_t i = 0; i < COUNT(wrappers); i++)
        if (cstr_eq(wrappers[i].name, name))
            return &wrappers[i];
    return NULL;
}

/* Past the wrapper's own words. */
static words unwrap(words c, const wrapper *w)
{
    size_t i = 1;
    int operands = w->operands;

    for (; i < c.n; i++) {
        const char *t = c.w[i].text;
        const char *equals = strchr(t, '=');

        if (t[0] == '-' && t[1] != '\0') {
            if (t[1] != '-' && t[2] == '\0' && strchr(w->with_value, t[1]) != NULL)
                i++;
        } else if (cstr_eq(w->name, "env") && equals != NULL && equals > t) {
            continue;
        } else if (operands-- <= 0) {
            break;
        }
    }
    return i < c.n ? (words){c.w + i, c.n - i} : (words){c.w, 0};
}

static void judge_name(judge *j, const char *name)
{
    for (size_t i = 0; i < COUNT(program_rules); i++) {
        const char *rule = program_rules[i].name;
        size_t len = strlen(rule);

        if (rule[len - 1] == '*' ? strncmp(rule, name, len - 1) == 0 : cstr_eq(rule, name))
            finding(j, program_rules[i].action, program_rules[i].category);
    }
}

static void judge_subcommand(judge *j, const char *name, words c)
{
    const char *sub = subcommand(c);

    for (size_t i = 0; i < COUNT(subcommand_rules); i++)
        if (cstr_eq(subcommand_rules[i].program, name) && cstr_eq(subcommand_rules[i].subcommand, sub))
            finding(j, subcommand_rules[i].action, subcommand_rules[i].category);
    if ((cstr_starts(name, "python")) && c.n > 3 && cstr_eq(c.w[1].text, "-m") && cstr_eq(c.w[2].text, "pip") &&
        cstr_eq(c.w[3].text, "install"))
        finding(j, POLICY_ASK, "package_install");
}

static bool reads_only(const char *name, words c)
{
    if (cstr_eq(name, "git"))
        return IS_IN(subcommand(c), git_readers) && !has_flag(c, 'o', "--output");
    return IS_IN(name, readers) || cstr_eq(name, "find");
}

static const char *joined(judge *j, words c)
{
    const char *text = "";

    for (size_t i = 1; i < c.n; i++)
        text = arena_printf(j->a, "%s%s%s", text, i > 1 ? " " : "", c.w[i].text);
    return text;
}

static void judge_words(judge *j, words c, const shell_text *all, bool piped, int depth)
{
    const char *name = c.n > 0 ? base_name(c.w[0].text) : "";
    const wrapper *w = wrapper_of(name);

    if (c.n == 0)
        return;
    if (depth > NEST_MAX || c.w[0].dynamic) {
        finding(j, POLICY_ASK, "unparsable");
        j->only_reads = false;
        return;
    }
    if (w != NULL) {
        judge_words(j, unwrap(c, w), all, piped, depth + 1);
        return;
    }
    judge_name(j, name);
    judge_subcommand(j, name, c);
    j->only_reads = j->only_reads && (reads_only(name, c) || IS_IN(name, shells));
    if (cstr_eq(name, "rm"))
        judge_delete(j, c);
    else if (cstr_eq(name, "chmod") || cstr_eq(name, "chown") || cstr_eq(name, "chgrp"))
        judge_chmod(j, c);
    else if (cstr_eq(name, "find"))
        judge_find(j, c, all, depth);
    else if (IS_IN(name, shells))
        judge_shell(j, c, all, piped, depth);
    else if (cstr_eq(name, "eval"))
        judge_text(j, joined(j, c), depth + 1);
}

static void judge_text(judge *j, const char *command, int depth)
{
    const shell_text *t = shell_parse(j->a, command);

    if (depth > NEST_MAX || t->unclear)
        finding(j, POLICY_ASK, "unparsable");
    if (depth > NEST_MAX)
        return;
    if (depth == 0)
        j->segments = t->n;
    for (size_t i = 0; i < t->n; i++) {
        const shell_segment *s = &t->segments[i];

        judge_words(j, (words){s->words, s->n}, t, s->piped_from, depth);
        for (size_t k = 0; k < s->n_targets; k++)
            judge_target(j, &s->targets[k]);
    }
}

/* Patterns on a text: what is not decided by `deadline` asks. */
typedef struct {
    arena *a;
    str command;
    int64_t deadline; /* clock_mono() value */
    bool undecided;
} matcher;

static bool is_late(void *arg)
{
    const matcher *m = arg;

    return clock_mono() >= m->deadline;
}

/* True when it is not decided, too. */
static bool text_matches(matcher *m, const char *text)
{
    arena *own = arena_new(m->a); /* a pattern keeps what its match needed */
    const char *why;
    size_t start, end;
    pattern *p = pattern_new(own, text, (pattern_options){.over = is_late, .arg = m}, &why);
    pattern_found found = PATTERN_NO;

    if (p != NULL)
        found = is_late(m) ? PATTERN_STOPPED : pattern_find(p, m->command, 0, &start, &end);
    arena_free(own);
    m->undecided |= found == PATTERN_TOO_HARD || found == PATTERN_STOPPED;
    return found != PATTERN_NO;
}

static const text_rule *text_denial(judge *j, matcher *m)
{
    for (size_t i = 0; i < COUNT(text_rules); i++) {
        m->undecided = false;
        if (!text_matches(m, text_rules[i].pattern))
            continue;
        if (!m->undecided)
            return &text_rules[i];
        finding(j, POLICY_ASK, "unparsable");
    }
    return NULL;
}

static const char *reason_of(const char *category)
{
    for (size_t i = 0; i < COUNT(category_texts); i++)
        if (cstr_eq(category_texts[i].category, category))
            return category_texts[i].reason;
    return "";
}

/* Custom rules. */
static bool argv_matches(const json_t *list, words c, bool whole)
{
    json_t *v;
    size_t i;

    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > c.n ||
        (whole && json_array_size(list) != c.n))
        return false;
    json_array_foreach(list, i, v) if (!json_is_string(v) || !cstr_eq(json_string_value(v), c.w[i].text)) return false;
    return true;
}

static bool git_matches(const json_t *v, words c)
{
    const char *sub = subcommand(c);
    json_t *one;
    size_t i;

    if (c.n == 0 || !cstr_eq(base_name(c.w[0].text), "git"))
        return false;
    if (json_is_string(v))
        return cstr_eq(json_string_value(v), sub);
    json_array_foreach(v, i, one) if (cstr_eq(json_string_value(one), sub)) return true;
    return false;
}

static bool text_is(const json_t *v, const char *text)
{
    return json_is_string(v) && str_eq(str_trim(str_of(json_string_value(v))), str_trim(str_of(text)));
}

/* Every member must match; one that we do not know matches nothing, so a typo never allows. */
static bool rule_matches(matcher *m, const json_t *match, words c)
{
    const char *key;
    json_t *v;

    m->undecided = false;
    json_object_foreach((json_t *)(uintptr_t)match, key, v)
    {
        bool yes = false;

        if (cstr_eq(key, "command"))
            yes = text_is(v, m->command.p);
        else if (cstr_eq(key, "base"))
            yes = c.n > 0 && json_is_string(v) && cstr_eq(json_string_value(v), base_name(c.w[0].text));
        else if (cstr_eq(key, "argv"))
            yes = argv_matches(v, c, true);
        else if (cstr_eq(key, "argv_prefix"))
            yes = argv_matches(v, c, false);
        else if (cstr_eq(key, "pattern"))
            yes = json_is_string(v) && text_matches(m, json_string_value(v));
        else if (cstr_eq(key, "git") || cstr_eq(key, "git_subcommand"))
            yes = git_matches(v, c);
        if (!yes)
            return false;
    }
    return json_object_size(match) > 0;
}

static bool action_of(const char *name, policy_action *out)
{
    if (cstr_eq(name, "allow"))
        *out = POLICY_ALLOW;
    else if (cstr_eq(name, "ask"))
        *out = POLICY_ASK;
    else if (cstr_eq(name, "deny"))
        *out = POLICY_DENY;
    else
        return false;
    return true;
}

/* The custom policy's word on a command of one segment; false when it has none. */
static bool custom_decision(matcher *m, const json_t *policy, policy_decision *d)
{
    arena *a = m->a;
    const shell_text *t = shell_parse(a, m->command.p);
    const json_t *rules = json_get_arr(policy, "rules");
    json_t *rule;
    size_t i;

    if (t->n != 1 || t->unclear)
        return false;
    json_array_foreach(rules, i, rule)
    {
        if (i == POLICY_RULES_MAX)
            break;
        if (!rule_matches(m, json_get_obj(rule, "match"), (words){t->segments[0].words, t->segments[0].n}) ||
            !action_of(json_get_str(rule, "action", NULL), &d->action))
            continue;
        if (m->undecided) {
            *d = (policy_decision){POLICY_ASK, "custom_policy_undecided", reason_of("custom_policy_undecided"), NULL};
            return true;
        }
        d->category = arena_strdup(a, json_get_str(rule, "category", "custom_policy"));
        d->reason = arena_strdup(a, json_get_str(rule, "reason", "A rule of this conversation's command policy"));
        d->next_step = arena_strdup(a, json_get_str(rule, "next_step", NULL));
        return true;
    }
    if (d->category[0] != '\0' || !action_of(json_get_str(policy, "default_action", NULL), &d->action))
        return false;
    d->category = "custom_default";
    d->reason = "The default of this conversation's command policy";
    return true;
}

static policy_decision under_mode(arena *a, policy_decision d, approval_mode mode)
{
    if (d.action != POLICY_ASK || mode != APPROVAL_NEVER)
        return d;
    d.action = POLICY_DENY;
    d.category = arena_printf(a, "%s_approval_disabled", d.category);
    return d;
}

policy_decision policy_check(arena *a, const char *command, const char *workspace, const json_t *policy,
                             approval_mode mode)
{
    judge j = {.a = a, .workspace = workspace, .category = "", .only_reads = true};
    policy_decision d = {.category = ""};
    matcher m = {.a = a, .command = str_of(command), .deadline = clock_mono() + judging_limit};
    const text_rule *denial;

    if (cstr_blank(command))
        return (policy_decision){POLICY_DENY, "empty", reason_of("empty"), NULL};
    judge_text(&j, command, 0);
    if (j.segments == 0 && j.action == POLICY_ALLOW)
        return (policy_decision){POLICY_DENY, "empty", reason_of("empty"), NULL};
    if (j.action != POLICY_DENY && (denial = text_denial(&j, &m)) != NULL)
        return (policy_decision){POLICY_DENY, denial->category, denial->reason, NULL};
    d = (policy_decision){j.action, j.category, reason_of(j.category), NULL};
    if (d.action == POLICY_DENY)
        return d;
    if (policy != NULL && custom_decision(&m, policy, &d))
        return under_mode(a, d, mode);
    if (d.action == POLICY_ASK && IS_IN(d.category, allowed_by_default) && mode != APPROVAL_UNTRUSTED)
        d.action = POLICY_ALLOW;
    if (d.action == POLICY_ALLOW && mode == APPROVAL_UNTRUSTED && !j.only_reads)
        d = (policy_decision){POLICY_ASK, "untrusted_command", reason_of("untrusted_command"), NULL};
    return under_mode(a, d, mode);
}

approval_mode approval_mode_of(const char *name)
{
    char plain[24] = "";

    for (size_t i = 0; name != NULL && name[i] != '\0' && i < sizeof plain - 1; i++)
        plain[i] = name[i] == '_' ? '-' : name[i];
    if (cstr_eq(plain, "on-request"))
        return APPROVAL_ON_REQUEST;
    if (cstr_eq(plain, "untrusted") || cstr_eq(plain, "unless-trusted"))
        return APPROVAL_UNTRUSTED;
    return APPROVAL_NEVER;
}

const char *approval_mode_name(approval_mode mode)
{
    static const char *const names[] = {"never", "on-request", "untrusted"};

    return names[mode];
}

const char *policy_action_name(policy_action action)
{
    static const char *const names[] = {"allow", "ask", "deny"};

    return names[action];
}
