/* SPDX-License-Identifier: MIT */
/*
 * What the runtime itself says in a conversation: the limit of turns, going in circles, failure
 * (contracts/sage-agent-runtime.md section 10.3, contracts/sage-chat-agents.md section 2.7).
 */
#include "agent/agent_internal.h"

#include "base/clock.h"
#include "base/id.h"

typedef struct {
    const char *language;
    const char *max_loops; /* notice */
    const char *question;  /* and its question and only option */
    const char *option;
    const char *recovery;  /* notice */
    const char *what_next; /* and its question */
    const char *failed;    /* "…: " before the reason */
} notice_texts;

static const notice_texts texts[] = {
    {"en", "The limit of steps for one run is reached before the task was finished.", "Continue the current task?",
     "Continue", "I am not getting any further this way and have stopped.", "How should I go on?",
     "Workflow execution failed: "},
    {"zh", "本次运行的步骤数已达上限，任务尚未完成。", "是否继续当前任务？", "继续",
     "按现在的方式无法取得进展，我已停止。", "接下来应该怎么做？", "工作流执行失败："},
    {"pt", "O limite de passos foi atingido antes do fim da tarefa.", "Continuar a tarefa atual?", "Continuar",
     "Não estou avançando deste modo e parei.", "Como devo continuar?", "Falha na execução do fluxo: "},
};

static const notice_texts *texts_for(const char *language)
{
    for (size_t i = 0; i < COUNT(texts); i++)
        if (cstr_eq(texts[i].language, language))
            return &texts[i];
    return &texts[0];
}

/* Says it to whoever watches, and keeps it. */
static void say(agent_state *st, const char *content, json_t *metadata)
{
    const run_message *m = run_message_new(st->r, id_uuid4(st->s->arena), st->p->session_id, st->p->speaker);
    json_t *payload = json_object(), *kept = json_hold(st->l->a, metadata);

    json_set_bool(kept, "runtime_generated", true);
    json_set_bool(kept, "needs_user_input", true);
    ledger_add(st->l, (entry){
                          .id = m->id,
                          .role = ROLE_ASSISTANT,
                          .type = "assistant_text",
                          .text = arena_strdup(st->l->a, content),
                          .metadata = kept,
                          .agent_name = st->p->speaker,
                      });
    json_set_str(payload, "content", content);
    json_set(payload, "metadata", json_incref(kept));
    if (emit_json(st->s, st->r, EV_NOTICE, m, payload) != OK)
        return; /* over the run's limit of events: it is in the ledger all the same */
}

void notice_max_loops(agent_state *st)
{
    const notice_texts *t = texts_for(st->p->prompt.language);
    json_t *meta = json_object();

    json_set_str(meta, "runtime_notice", "max_loop_questionnaire");
    json_set_str(meta, "stop_reason", "max_loop_count");
    json_set_int(meta, "max_loop_count", st->p->max_loops);
    say(st,
        arena_printf(
            st->s->arena,
            "%s\n\n```questionnaire\ntitle: %s\nquestions:\n  - type: single_choice\n    text: %s\n    options:\n"
            "      - %s\n    default: %s\n```",
            t->max_loops, t->question, t->question, t->option, t->option),
        meta);
}

void notice_recovery(agent_state *st, const char *stop_reason, json_t *details)
{
    const notice_texts *t = texts_for(st->p->prompt.language);
    json_t *meta = details != NULL ? details : json_object(), *form = json_object(), *question = json_object();
    json_t *questions = json_array();

    json_set_str(meta, "runtime_notice", "repeat_pattern_questionnaire");
    json_set_str(meta, "stop_reason", stop_reason);
    json_set_str(question, "id", "loop_recovery_action");
    json_set_str(question, "type", "free_text");
    json_set_str(question, "text", t->what_next);
    json_set_str(question, "default", "");
    json_array_append_new(questions, question);
    json_set_str(form, "title", t->what_next);
    json_set(form, "ui_text", json_object());
    json_set(form, "questions", questions);
    say(st,
        arena_printf(st->s->arena, "%s\n\n<questionnaire>%s</questionnaire>", t->recovery,
                     json_text(st->s->arena, json_hold(st->s->arena, form))),
        meta);
}

void notice_failure(agent_state *st, err e, bool mid_stream)
{
    failure f = scope_failure(st->s, e);
    const run_message *m = run_message_new(st->r, id_uuid4(st->s->arena), st->p->session_id, st->p->speaker);
    str reason = utf8_prefix(str_of(f.text), 200);
    const char *type = mid_stream ? "agent_execution_error" : "final_answer";
    const char *content = arena_printf(st->l->a, "%s%.*s%s", texts_for(st->p->prompt.language)->failed, STR_ARG(reason),
                                       f.text[reason.len] != '\0' ? "..." : "");
    json_t *payload = json_object();

    st->told = true;
    ledger_add(
        st->l,
        (entry){.id = m->id, .role = ROLE_ASSISTANT, .type = type, .text = content, .agent_name = st->p->speaker});
    json_set_str(payload, "code", f.code);
    json_set_str(payload, "type", type);
    json_set_str(payload, "reason", f.text);
    json_set_str(payload, "content", content);
    if (emit_json(st->s, st->r, EV_FAILURE, m, payload) != OK)
        return; /* the end of the run says it too */
}
