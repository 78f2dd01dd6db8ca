/* SPDX-License-Identifier: MIT */
/*
 * The demo driver: a stand-in for a model that needs no key, no network and no weights.  It is not a language model and
 * says so.  This file streams its answers word by word; demo_plan.c decides on them.
 */
#include "llm/demo.h"

#include <stdatomic.h>

#include "rt/sleep.h"

static atomic_llong delay = MILLISECONDS(15);

void llm_demo_set_delay(int64_t ns)
{
    atomic_store(&delay, ns);
}

typedef struct {
    demo_answer answer;
    str thoughts, text; /* not yet said */
    size_t call;        /* next one */
    bool half;          /* the first half of its arguments has been sent */
    int64_t words, max_words;
} demo;

static void add_text(void *arg, const char *text)
{
    buf_puts(arg, text);
    buf_putc(arg, '\n');
}

static void skip_image(void *arg, const json_t *part, const char *url)
{
    (void)part;
    (void)url;
    buf_puts(arg, "(image)\n");
}

const char *demo_text(arena *a, const llm_message *m)
{
    buf *b;

    if (!json_is_array(m->parts))
        return m->text != NULL ? m->text : "";
    b = buf_new(a, MIB(4));
    message_visit(a, m, false, &(part_visitor){.text = add_text, .image = skip_image, .arg = b});
    return buf_str(b);
}

/* About four bytes a token, as with most tokenizers on English text. */
static int64_t tokens_of_prompt(arena *a, const llm_request *rq)
{
    size_t bytes = 0;

    for (size_t i = 0; i < rq->n_messages; i++) {
        const llm_message *m = &rq->messages[i];

        bytes += 16 + strlen(demo_text(a, m));
        for (size_t k = 0; k < m->n_calls; k++)
            bytes += strlen(m->calls[k].name) + strlen(m->calls[k].arguments != NULL ? m->calls[k].arguments : "");
    }
    for (size_t i = 0; i < rq->n_tools; i++)
        bytes += 64 + strlen(rq->tools[i].name);
    return (int64_t)(bytes / 4) + 1;
}

static err demo_start(scope *s, llm_stream *st, const llm_request *rq)
{
    demo *d = arena_one(s->arena, demo);

    demo_plan(s->arena, rq, &d->answer);
    d->thoughts = str_of(d->answer.thoughts);
    d->text = str_of(d->answer.text);
    d->max_words = json_get_int(rq->at.params, "max_tokens", INT64_MAX);
    st->has_usage = true;
    st->usage.prompt = tokens_of_prompt(s->arena, rq);
    st->data = d;
    return OK;
}

/* A word with the space before it, so that the pieces joined are the text. */
static str take_word(str *rest)
{
    size_t n = 0;
    str word;

    while (n < rest->len && (rest->p[n] == ' ' || rest->p[n] == '\n'))
        n++;
    while (n < rest->len && rest->p[n] != ' ' && rest->p[n] != '\n')
        n++;
    word = (str){rest->p, n};
    *rest = (str){rest->p + n, rest->len - n};
    return word;
}

/* Arguments come in two pieces, as they do from real models. */
static err say_call(scope *s, llm_stream *st, demo *d)
{
    const llm_tool_call *call = &d->answer.calls[d->call];
    size_t half = strlen(call->arguments) / 2;

    if (!d->half) {
        d->half = true;
        return stream_call(s, st, (int64_t)d->call, call->id, call->name, (str){call->arguments, half});
    }
    d->half = false;
    return stream_call(s, st, (int64_t)d->call++, NULL, NULL, str_of(call->arguments + half));
}

static err demo_step(scope *s, llm_stream *st)
{
    demo *d = st->data;
    int64_t pause = atomic_load(&delay);

    if (pause > 0)
        TRY(sleep_for(s, pause));
    else
        TRY(scope_check(s));
    if (d->words == d->max_words) {
        stream_stop(st, "length", NULL);
        stream_end(st);
        return OK;
    }
    d->words++;
    st->usage.completion++;
    if (d->thoughts.len > 0) {
        st->usage.reasoning++;
        stream_text(st, LLM_REASONING, take_word(&d->thoughts));
    } else if (d->text.len > 0) {
        stream_text(st, LLM_TEXT, take_word(&d->text));
    } else if (d->call < d->answer.n_calls) {
        return say_call(s, st, d);
    } else {
        st->usage.completion--;
        stream_end(st);
    }
    return OK;
}

const llm_driver demo_driver = {.name = "demo", .start = demo_start, .step = demo_step};
