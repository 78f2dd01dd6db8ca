/* SPDX-License-Identifier: MIT */
/* Reading passwords; see prompt.h. */
#include "cli/prompt.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/str.h"

enum { LINE_MAX_LEN = 1024 };

char *prompt_line(arena *a)
{
    char line[LINE_MAX_LEN + 2];
    char *copy;
    size_t n;

    if (fgets(line, sizeof line, stdin) == NULL)
        return NULL;
    n = strcspn(line, "\r\n");
    if (line[n] == '\0' && n > LINE_MAX_LEN)
        return NULL;
    copy = arena_strndup(a, line, n);
    sodium_memzero(line, sizeof line);
    return copy;
}

static char *ask_hidden(arena *a, const char *question)
{
    struct termios shown, hidden;
    bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
    char *answer;

    fputs(question, stderr);
    if (terminal) {
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    }
    answer = prompt_line(a);
    if (terminal)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    fputc('\n', stderr);
    return answer;
}

char *prompt_new_password(arena *a)
{
    char *first = ask_hidden(a, "New password: "), *second;

    if (cstr_blank(first)) {
        fputs("sluice: no password was given\n", stderr);
        return NULL;
    }
    second = ask_hidden(a, "Once more: ");
    if (cstr_eq(first, second))
        return first;
    fputs("sluice: the two are not the same\n", stderr);
    return NULL;
}
