/* SPDX-License-Identifier: MIT */
#include "tool/shell_words.h"

enum { DEPTH_MAX = 8, TEXT_MAX = 64 << 10, HEREDOCS_MAX = 8 };

typedef struct {
    arena *a;
    shell_text *out;
    const char *p, *end;
    int depth;
    shell_segment *now; /* the segment that words go to */
    char *word;         /* being read; room for the whole text */
    size_t len;
    bool in_word, dynamic, quoted;
    enum { NEXT_WORD, NEXT_TARGET, NEXT_INPUT, NEXT_HEREDOC } next;
    const char *heredocs[HEREDOCS_MAX];
    size_t n_heredocs;
} parser;

static void parse_into(shell_text *out, arena *a, const char *p, const char *end, int depth);

static void begin_segment(parser *s, bool piped)
{
    if (s->now != NULL && s->now->n == 0 && s->now->n_targets == 0) {
        s->now->piped_from = piped;
        return;
    }
    if (s->out->n == SHELL_SEGMENTS_MAX) {
        s->out->unclear = true;
        s->p = s->end;
        return;
    }
    s->now = &s->out->segments[s->out->n++];
    *s->now = (shell_segment){.words = arena_array(s->a, shell_word, SHELL_WORDS_MAX),
                              .targets = arena_array(s->a, shell_word, SHELL_TARGETS_MAX),
                              .piped_from = piped};
}

static bool is_assignment(const char *word)
{
    const char *p = word;

    while ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_' || (p > word && *p >= '0' && *p <= '9'))
        p++;
    return p > word && (*p == '=' || (*p == '+' && p[1] == '='));
}

/* Words of the grammar before a command: what follows them is a command again. */
static bool is_keyword(const char *word)
{
    static const char *const words[] = {"!",  "{",     "}",     "if", "then", "elif", "else",
                                        "fi", "while", "until", "do", "done", "time"};

    for (size_t i = 0; i < COUNT(words); i++)
        if (cstr_eq(word, words[i]))
            return true;
    return false;
}

static void end_word(parser *s)
{
    shell_word w = {arena_strndup(s->a, s->word, s->len), s->dynamic};
    bool quoted = s->quoted;

    if (!s->in_word)
        return;
    s->in_word = s->dynamic = s->quoted = false;
    s->len = 0;
    if (s->next == NEXT_HEREDOC && s->n_heredocs < HEREDOCS_MAX) {
        s->heredocs[s->n_heredocs++] = w.text;
    } else if (s->next == NEXT_TARGET) {
        if (s->now->n_targets < SHELL_TARGETS_MAX)
            s->now->targets[s->now->n_targets++] = w;
        else
            s->out->unclear = true;
    } else if (s->next == NEXT_WORD) {
        if (s->now->n == 0 && !quoted && (is_assignment(w.text) || is_keyword(w.text)))
            ;
        else if (s->now->n < SHELL_WORDS_MAX)
            s->now->words[s->now->n++] = w;
        else
            s->out->unclear = true;
    }
    s->next = NEXT_WORD;
}

static void put(parser *s, char c)
{
    s->in_word = true;
    s->word[s->len++] = c;
}

static const char *closing_quote(const char *p, const char *end)
{
    for (; p < end; p++) {
        if (*p == '\\')
            p++;
        else if (*p == '"')
            return p;
    }
    return NULL;
}

/* The end of what an opening parenthesis (before `p`) encloses; NULL when it is not closed. */
static const char *closing(const char *p, const char *end)
{
    size_t depth = 1;

    for (; p < end; p++) {
        if (*p == '\\') {
            p++;
        } else if (*p == '\'') {
            if ((p = memchr(p + 1, '\'', (size_t)(end - p - 1))) == NULL)
                return NULL;
        } else if (*p == '"') {
            if ((p = closing_quote(p + 1, end)) == NULL)
                return NULL;
        } else if (*p == '(') {
            depth++;
        } else if (*p == ')' && --depth == 0) {
            return p;
        }
    }
    return NULL;
}

static void nested(parser *s, const char *from, const char *to)
{
    s->dynamic = s->in_word = true;
    parse_into(s->out, s->a, from, to, s->depth + 1);
}

/* At "$": a variable, a substitution, arithmetic. */
static void dollar(parser *s)
{
    const char *close;

    s->dynamic = s->in_word = true;
    put(s, '$');
    s->p++;
    if (s->p >= s->end)
        return;
    if (*s->p == '(') {
        close = closing(s->p + 1, s->end);
        if (close == NULL) {
            s->out->unclear = true;
            s->p = s->end;
            return;
        }
        nested(s, s->p + 1, close); /* arithmetic too: it can hold a substitution */
        s->p = close + 1;
    } else if (*s->p == '{') {
        close = memchr(s->p, '}', (size_t)(s->end - s->p));
        for (const char *q = s->p; close != NULL && q < close; q++)
            if (*q == '`' || (*q == '$' && q[1] == '(')) {
                s->out->unclear = true; /* a command inside an expansion */
                close = NULL;
            }
        s->out->unclear |= close == NULL;
        s->p = close != NULL ? close + 1 : s->end;
    }
}

static void backticks(parser *s)
{
    const char *close = memchr(s->p + 1, '`', (size_t)(s->end - s->p - 1));

    if (close == NULL) {
        s->out->unclear = true;
        s->p = s->end;
        return;
    }
    nested(s, s->p + 1, close);
    s->p = close + 1;
}

static void single_quotes(parser *s)
{
    const char *close = memchr(s->p + 1, '\'', (size_t)(s->end - s->p - 1));

    s->in_word = s->quoted = true;
    if (close == NULL) {
        s->out->unclear = true;
        s->p = s->end;
        return;
    }
    for (const char *q = s->p + 1; q < close; q++)
        put(s, *q);
    s->p = close + 1;
}

static void double_quotes(parser *s)
{
    s->in_word = s->quoted = true;
    s->p++;
    while (s->p < s->end && *s->p != '"') {
        if (*s->p == '\\' && s->p + 1 < s->end && strchr("$`\"\\\n", s->p[1]) != NULL) {
            put(s, s->p[1]);
            s->p += 2;
        } else if (*s->p == '$') {
            dollar(s);
        } else if (*s->p == '`') {
            backticks(s);
        } else {
            put(s, *s->p++);
        }
    }
    if (s->p >= s->end)
        s->out->unclear = true;
    else
        s->p++;
}

/* After a line's end: the bodies of here documents are data. */
static void skip_heredocs(parser *s)
{
    for (size_t i = 0; i < s->n_heredocs; i++) {
        size_t len = strlen(s->heredocs[i]);
        bool found = false;

        while (s->p < s->end && !found) {
            const char *line_end = memchr(s->p, '\n', (size_t)(s->end - s->p));
            const char *start = s->p;

            line_end = line_end != NULL ? line_end : s->end;
            while (start < line_end && *start == '\t')
                start++;
            found = (size_t)(line_end - start) == len && memcmp(start, s->heredocs[i], len) == 0;
            s->p = line_end < s->end ? line_end + 1 : s->end;
        }
        s->out->unclear |= !found;
    }
    s->n_heredocs = 0;
}

static bool all_digits(const parser *s)
{
    for (size_t i = 0; i < s->len; i++)
        if (s->word[i] < '0' || s->word[i] > '9')
            return false;
    return s->len > 0;
}

/* At "<" or ">". */
static void redirection(parser *s)
{
    char c = *s->p++;

    if (s->in_word && all_digits(s) && !s->quoted) { /* "2>": the descriptor, not a word */
        s->in_word = false;
        s->len = 0;
    }
    end_word(s);
    if (s->p < s->end && *s->p == '(') { /* process substitution */
        const char *close = closing(s->p + 1, s->end);

        s->out->unclear |= close == NULL;
        if (close != NULL)
            nested(s, s->p + 1, close);
        s->p = close != NULL ? close + 1 : s->end;
        return;
    }
    if (c == '<' && s->p + 1 < s->end && s->p[0] == '<' && s->p[1] != '<') {
        s->p += s->p[1] == '-' ? 2 : 1;
        s->next = NEXT_HEREDOC;
        return;
    }
    s->next = c == '>' ? NEXT_TARGET : NEXT_INPUT;
    while (s->p < s->end && (*s->p == '>' || *s->p == '<' || *s->p == '|')) {
        s->next = *s->p == '>' ? NEXT_TARGET : s->next; /* "<>" writes too */
        s->p++;
    }
    if (s->p < s->end && *s->p == '&') {
        s->p++;
        if (s->p < s->end && ((*s->p >= '0' && *s->p <= '9') || *s->p == '-')) { /* ">&2" names a descriptor */
            s->p++;
            s->next = NEXT_WORD;
        }
    }
}

/* At one of ; & | newline ( ). */
static void separator(parser *s)
{
    char c = *s->p++;
    bool piped = c == '|' && (s->p >= s->end || *s->p != '|');

    if (c == '&' && s->p < s->end && *s->p == '>') { /* "&>file" */
        s->p++;
        if (s->p < s->end && *s->p == '>')
            s->p++;
        end_word(s);
        s->next = NEXT_TARGET;
        return;
    }
    end_word(s);
    s->out->unclear |= s->next != NEXT_WORD; /* a redirection to nowhere */
    s->next = NEXT_WORD;
    if (c == '|' && s->p < s->end && *s->p == '&')
        s->p++;
    else if ((c == '|' || c == '&' || c == ';') && s->p < s->end && *s->p == c)
        s->p++;
    begin_segment(s, piped);
    if (c == '\n')
        skip_heredocs(s);
}

static void step(parser *s)
{
    char c = *s->p;

    if (c == '\\') {
        if (s->p + 1 < s->end && s->p[1] != '\n')
            put(s, s->p[1]);
        s->quoted = true;
        s->p += s->p + 1 < s->end ? 2 : 1;
    } else if (c == '\'') {
        single_quotes(s);
    } else if (c == '"') {
        double_quotes(s);
    } else if (c == '$') {
        dollar(s);
    } else if (c == '`') {
        backticks(s);
    } else if (c == ' ' || c == '\t' || c == '\r') {
        end_word(s);
        s->p++;
    } else if (c == '#' && !s->in_word) {
        while (s->p < s->end && *s->p != '\n')
            s->p++;
    } else if (c == '<' || c == '>') {
        redirection(s);
    } else if (strchr(";&|\n()", c) != NULL) {
        separator(s);
    } else {
        put(s, c);
        s->p++;
    }
}

static void parse_into(shell_text *out, arena *a, const char *p, const char *end, int depth)
{
    parser s = {.a = a, .out = out, .p = p, .end = end, .depth = depth};

    if (depth > DEPTH_MAX) {
        out->unclear = true;
        return;
    }
    s.word = arena_alloc(a, (size_t)(end - p) + 2);
    begin_segment(&s, false);
    while (s.p < s.end)
        step(&s);
    end_word(&s);
    if (s.n_heredocs > 0 || s.next != NEXT_WORD)
        out->unclear = true;
}

shell_text *shell_parse(arena *a, const char *command)
{
    shell_text *out = arena_one(a, shell_text);
    size_t len = strlen(command), kept = 0;

    out->segments = arena_array(a, shell_segment, SHELL_SEGMENTS_MAX);
    out->unclear = len > TEXT_MAX;
    if (!out->unclear)
        parse_into(out, a, command, command + len, 0);
    for (size_t i = 0; i < out->n; i++)
        if (out->segments[i].n > 0 || out->segments[i].n_targets > 0)
            out->segments[kept++] = out->segments[i];
    out->n = kept;
    return out;
}
