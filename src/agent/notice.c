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

/* Why a provider failed, for those who do not read English; what is not here is told as it came. */
static const struct {
    const char *code, *zh, *pt;
} reasons[] = {
    {"llm.rate_limit", "请求过于频繁，请稍后重试", "Muitas solicitações. Tente novamente mais tarde"},
    {"llm.quota", "API 额度不足，请检查账户余额或配额设置",
     "A cota da API é insuficiente. Verifique o saldo da conta ou as configurações de cota"},
    {"llm.auth", "API 认证失败，请检查 API Key 是否正确",
     "Falha na autenticação da API. Verifique se a chave da API está correta"},
    {"llm.model_not_found", "所选模型不存在或不可用，请检查模型配置",
     "O modelo selecionado não existe ou não está disponível. Verifique a configuração do modelo"},
    {"llm.context_length", "输入内容过长，请缩短后重试", "A entrada é longa demais. Reduza-a e tente novamente"},
    {"llm.connection", "网络连接失败，请检查网络设置或稍后重试",
     "Falha na conexão de rede. Verifique as configurações de rede ou tente novamente mais tarde"},
    {"llm.unavailable", "服务暂时不可用，请稍后重试",
     "O serviço está temporariamente indisponível. Tente novamente mais tarde"},
    {"llm.content_filter", "模型提供商的内容审查拒绝了本次请求",
     "A inspeção de conteúdo do provedor recusou esta solicitação"},
    {"llm.timeout", "模型未能及时响应，请检查模型服务是否正常，或稍后重试",
     "O modelo não respondeu a tempo. Verifique se o servidor do modelo está ativo ou tente novamente mais tarde"},
    {"llm.truncated", "模型的回答在结束前中断，请重试",
     "A resposta do modelo foi interrompida antes do fim. Tente novamente"},
    {"chat.timeout", "运行已达到时间上限，任务尚未完成",
     "O limite de tempo da execução foi atingido antes do fim da tarefa"},
};

static const char *reason_in(const char *language, const failure *f)
{
    bool zh = cstr_eq(language, "zh"), pt = cstr_eq(language, "pt");

    for (size_t i = 0; (zh || pt) && i < COUNT(reasons); i++)
        if (cstr_eq(reasons[i].code, f->code))
            return zh ? reasons[i].zh : reasons[i].pt;
    return f->text;
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
    if (run_emit_json(st->s, st->r, EV_NOTICE, m, payload) != OK)
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

static const failure out_of_time = {.e = ERR_TIMEOUT,
                                    .code = "chat.timeout",
                                    .text = "The time limit of a run was reached before the task was finished"};

void notice_failure(agent_state *st, err e, bool mid_stream)
{
    failure f = scope_check(st->s) == ERR_TIMEOUT ? out_of_time : scope_failure(st->s, e);
    const run_message *m = run_message_new(st->r, id_uuid4(st->s->arena), st->p->session_id, st->p->speaker);
    const char *told = reason_in(st->p->prompt.language, &f);
    str reason = utf8_prefix(str_of(told), 200);
    const char *type = mid_stream ? "agent_execution_error" : "final_answer";
    const char *content = arena_printf(st->l->a, "%s%.*s%s", texts_for(st->p->prompt.language)->failed, STR_ARG(reason),
                                       told[reason.len] != '\0' ? "..." : "");
    json_t *payload = json_object();

    st->told = true;
    ledger_add(
        st->l,
        (entry){.id = m->id, .role = ROLE_ASSISTANT, .type = type, .text = content, .agent_name = st->p->speaker});
    json_set_str(payload, "code", f.code);
    json_set_str(payload, "type", type);
    json_set_str(payload, "reason", f.text);
    json_set_str(payload, "content", content);
    if (run_emit_json(st->s, st->r, EV_FAILURE, m, payload) != OK)
        return; /* the end of the run says it too */
}
