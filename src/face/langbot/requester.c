/* SPDX-License-Identifier: MIT */
/*
 * Requesters: the ways of speaking to a provider that LangBot's clients may choose (contracts/langbot.md section 4.1).
 */
#include "face/langbot/envelope.h"
#include "face/langbot/handlers.h"

typedef struct {
    const char *name, *label;
    const char *types; /* L: chat, E: embedding, R: rerank */
    const char *category;
    const char *dialect; /* what is spoken: "openai", "anthropic" … */
    const char *base_url;
} requester;

static const requester requesters[] = {
    {"302-ai-chat-completions", "302.AI", "LER", "maas", "openai", "https://api.302.ai/v1"},
    {"anthropic-messages", "Anthropic", "L", "manufacturer", "anthropic", "https://api.anthropic.com"},
    {"baidu-chat-completions", "Baidu ERNIE", "LER", "manufacturer", "openai",
     "https://aip.baidubce.com/rpc/2.0/ai_custom/v1/wenxinworkshop"},
    {"bailian-chat-completions", "Aliyun Bailian", "LER", "maas", "openai",
     "https://dashscope.aliyuncs.com/compatible-mode/v1"},
    {"chroma-embedding", "Chroma Embedding", "E", "builtin", "local", ""},
    {"cohere-rerank", "Cohere", "R", "manufacturer", "cohere", "https://api.cohere.com/v2"},
    {"compshare-chat-completions", "CompShare", "LER", "maas", "openai", "https://api.modelverse.cn/v1"},
    {"deepseek-chat-completions", "DeepSeek", "L", "manufacturer", "deepseek", "https://api.deepseek.com"},
    {"demo", "Demo model (offline)", "LE", "builtin", "demo", "demo:"},
    {"doubao-chat-completions", "ByteDance Doubao", "LER", "manufacturer", "openai",
     "https://ark.cn-beijing.volces.com/api/v3"},
    {"gemini-chat-completions", "Google Gemini", "LE", "manufacturer", "gemini",
     "https://generativelanguage.googleapis.com/v1beta/openai"},
    {"gitee-ai-chat-completions", "Gitee AI", "LER", "maas", "openai", "https://ai.gitee.com/v1"},
    {"groq-chat-completions", "Groq", "L", "manufacturer", "groq", "https://api.groq.com/openai/v1"},
    {"iflytek-chat-completions", "iFlytek Spark", "LER", "manufacturer", "openai",
     "https://spark-api-open.xf-yun.com/v1"},
    {"jiekouai-chat-completions", "JieKou AI", "LER", "maas", "openai", "https://api.jiekou.ai/openai"},
    {"jina-rerank", "Jina", "R", "manufacturer", "openai", "https://api.jina.ai/v1"},
    {"litellm-chat", "LiteLLM (Unified)", "LER", "unified", "any", ""},
    {"lmstudio-chat-completions", "LM Studio", "LE", "self-hosted", "openai", "http://127.0.0.1:1234/v1"},
    {"mimo-chat-completions", "Xiaomi MiMo", "LER", "manufacturer", "openai", "https://api.xiaomimimo.com/v1"},
    {"minimax-chat-completions", "MiniMax", "LER", "manufacturer", "openai", "https://api.minimax.chat/v1"},
    {"mistral-chat-completions", "Mistral AI", "LE", "manufacturer", "mistral", "https://api.mistral.ai/v1"},
    {"modelscope-chat-completions", "ModelScope", "LER", "maas", "openai", "https://api-inference.modelscope.cn/v1"},
    {"moonshot-chat-completions", "Moonshot / Kimi (Global · api.moonshot.ai)", "L", "manufacturer", "openai",
     "https://api.moonshot.ai/v1"},
    {"moonshot-cn-chat-completions", "Moonshot / Kimi (China · api.moonshot.cn)", "L", "manufacturer", "openai",
     "https://api.moonshot.cn/v1"},
    {"new-api-chat-completions", "New API", "LER", "maas", "openai", "http://localhost:3000/v1"},
    {"ollama-chat", "Ollama", "LE", "self-hosted", "ollama", "http://127.0.0.1:11434"},
    {"openai-chat-completions", "OpenAI", "LE", "manufacturer", "openai", "https://api.openai.com/v1"},
    {"openrouter-chat-completions", "OpenRouter", "LER", "maas", "openai", "https://openrouter.ai/api/v1"},
    {"ppio-chat-completions", "ppio", "LER", "maas", "openai", "https://api.ppinfra.com/v3/openai"},
    {"qhaigc-chat-completions", "QH AI", "LER", "maas", "openai", "https://api.qhaigc.net/v1"},
    {"qiniu-chat-completions", "Qiniu", "LER", "maas", "openai", "https://api.qnaigc.com/v1"},
    {"seekdb-embedding", "SeekDB Embedding", "E", "builtin", "local", ""},
    {"shengsuanyun-chat-completions", "ShengSuanYun", "LER", "maas", "openai",
     "https://router.shengsuanyun.com/api/v1"},
    {"siliconflow-chat-completions", "SiliconFlow", "LER", "maas", "openai", "https://api.siliconflow.cn/v1"},
    {"space-chat-completions", "Space", "LER", "maas", "openai", "https://api.langbot.cloud/v1"},
    {"tencent-chat-completions", "Tencent Hunyuan", "LER", "manufacturer", "openai",
     "https://hunyuan.tencentcloudapi.com/v1"},
    {"together-chat-completions", "Together AI", "LER", "manufacturer", "together_ai", "https://api.together.xyz/v1"},
    {"tokenlab-chat-completions", "TokenLab", "L", "maas", "openai", "https://api.tokenlab.sh/v1"},
    {"tokenpony-chat-completions", "TokenPony", "LER", "maas", "openai", "https://api.tokenpony.cn/v1"},
    {"volcark-chat-completions", "Volc Engine Ark", "LER", "maas", "openai",
     "https://ark.cn-beijing.volces.com/api/v3"},
    {"voyageai-rerank", "Voyage AI", "R", "manufacturer", "openai", "https://api.voyageai.com/v1"},
    {"xai-chat-completions", "xAI", "L", "manufacturer", "openai", "https://api.x.ai/v1"},
    {"yi-chat-completions", "01.AI Yi", "LER", "manufacturer", "openai", "https://api.lingyiwanwu.com/v1"},
    {"zhipuai-chat-completions", "ZhipuAI", "LER", "manufacturer", "openai", "https://open.bigmodel.cn/api/paas/v4"},
};

/* What some of them have beside an address and a time limit. */
static const struct {
    const char *requester;
    const char *name, *en, *zh, *type, *fallback; /* as JSON */
} options[] = {
    {"jiekouai-chat-completions", "args", "Arguments", "附加参数", "object", "{}"},
    {"litellm-chat", "custom_llm_provider", "LLM provider", "LLM 供应商", "string", "\"\""},
    {"litellm-chat", "drop_params", "Drop unsupported parameters", "丢弃不支持的参数", "boolean", "false"},
    {"litellm-chat", "num_retries", "Retries", "重试次数", "integer", "0"},
    {"litellm-chat", "api_version", "API version", "API 版本", "string", "\"\""},
    {"modelscope-chat-completions", "args", "Arguments", "附加参数", "object", "{}"},
    {"ppio-chat-completions", "args", "Arguments", "附加参数", "object", "{}"},
    {"qhaigc-chat-completions", "args", "Arguments", "附加参数", "object", "{}"},
    {"shengsuanyun-chat-completions", "args", "Arguments", "附加参数", "object", "{}"},
};

static const struct {
    char letter;
    const char *name;
} type_names[] = {{'L', "llm"}, {'E', "text-embedding"}, {'R', "rerank"}};

static const requester *find(const char *name)
{
    for (size_t i = 0; i < COUNT(requesters); i++)
        if (cstr_eq(requesters[i].name, name))
            return &requesters[i];
    return NULL;
}

bool bot_requester_known(const char *name)
{
    return find(name) != NULL;
}

const char *bot_requester_url(const char *name)
{
    const requester *r = find(name);

    return r != NULL ? r->base_url : "";
}

static bool serves(const requester *r, const char *type)
{
    for (size_t i = 0; i < COUNT(type_names); i++)
        if (cstr_eq(type_names[i].name, type))
            return strchr(r->types, type_names[i].letter) != NULL;
    return false;
}

bool bot_requester_serves(const char *name, const char *type)
{
    const requester *r = find(name);

    return r != NULL && serves(r, type);
}

/* A text in the languages that the interface has. */
static json_t *label_json(const char *text)
{
    json_t *o = json_object();

    json_set_str(o, "en_US", text);
    json_set_str(o, "zh_Hans", text);
    return o;
}

static json_t *config_json(const char *name, const char *en, const char *zh, const char *type, bool required,
                           json_t *fallback)
{
    json_t *o = json_object(), *label = json_object();

    json_set_str(label, "en_US", en);
    json_set_str(label, "zh_Hans", zh);
    json_set_str(o, "name", name);
    json_set(o, "label", label);
    json_set_str(o, "type", type);
    json_set_bool(o, "required", required);
    json_set(o, "default", fallback);
    return o;
}

/* What a provider of this kind is asked for. */
static json_t *settings_json(const requester *r)
{
    json_t *list = json_array(), *more = json_array();
    const char *whole = "integer";

    for (size_t i = 0; i < COUNT(options); i++) {
        if (strcmp(options[i].requester, r->name) != 0)
            continue;
        if (strcmp(options[i].type, "object") == 0)
            whole = "int"; /* as the platform spells it there */
        json_array_append_new(more, config_json(options[i].name, options[i].en, options[i].zh, options[i].type, false,
                                                json_loads(options[i].fallback, JSON_DECODE_ANY, NULL)));
    }
    json_array_append_new(list, config_json("base_url", "Base URL", "基础 URL", "string",
                                            strcmp(r->name, "litellm-chat") != 0, json_string(r->base_url)));
    json_array_append_new(list, config_json("timeout", "Timeout", "超时时间", whole, true, json_integer(120)));
    json_array_extend(list, more);
    json_decref(more);
    return list;
}

static json_t *requester_json(const requester *r)
{
    json_t *o = json_object(), *spec = json_object(), *types = json_array();

    for (size_t i = 0; i < COUNT(type_names); i++)
        if (strchr(r->types, type_names[i].letter) != NULL)
            json_array_append_new(types, json_string(type_names[i].name));
    json_set_str(spec, "litellm_provider", r->dialect);
    json_set_str(spec, "alias", r->label);
    json_set(spec, "support_type", types);
    json_set_str(spec, "provider_category", r->category);
    json_set(spec, "config", settings_json(r));
    json_set_str(o, "name", r->name);
    json_set(o, "label", label_json(r->label));
    json_set(o, "description", label_json(""));
    json_set(o, "icon", json_null());
    json_set(o, "spec", spec);
    return o;
}

typedef struct {
    const char *type;
} list_args;
static const field list_fields[] = {FIELD(list_args, type, .text = "llm, text-embedding or rerank; all when absent")};
const schema bot_requester_schema = SCHEMA(list_args, list_fields);

/* GET /api/v1/provider/requesters */
err bot_requester_list(request *rq, response *rs)
{
    const list_args *in = rq->args;
    json_t *data = json_object(), *list = json_array();

    for (size_t i = 0; i < COUNT(requesters); i++)
        if (cstr_blank(in->type) || serves(&requesters[i], in->type))
            json_array_append_new(list, requester_json(&requesters[i]));
    json_set(data, "requesters", list);
    return bot_ok(rq, rs, data);
}

/* GET /api/v1/provider/requesters/{name} */
err bot_requester_get(request *rq, response *rs)
{
    const requester *r = find(request_param(rq, "name"));
    json_t *data;

    if (r == NULL)
        return bot_error(rq, rs, 404, -1, NULL, "requester not found");
    data = json_object();
    json_set(data, "requester", requester_json(r));
    return bot_ok(rq, rs, data);
}

/* GET /api/v1/provider/requesters/{name}/icon: we have none of the platforms' pictures. */
err bot_requester_icon(request *rq, response *rs)
{
    bool known = bot_requester_known(request_param(rq, "name"));

    return bot_error(rq, rs, 404, -1, NULL, known ? "icon not found" : "requester not found");
}
