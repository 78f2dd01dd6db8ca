/* SPDX-License-Identifier: MIT */
/*
 * The texts are the platform's own where its clients may have seen them; some are Chinese in both languages there, too.
 * Keep the rows sorted.
 */
#include "face/sage/messages.h"

#include <stdlib.h>
#include <string.h>

const sage_message sage_messages[] = {
    {"agent.created", "Agent '{}' 创建成功", "Agent '{}' created successfully"},
    {"agent.default_prompt_loaded", "获取默认系统提示词成功", "获取默认系统提示词成功"},
    {"agent.delete_forbidden", "无权删除该Agent", "Not allowed to delete this agent"},
    {"agent.deleted", "Agent '{}' 删除成功", "Agent '{}' deleted successfully"},
    {"agent.denied", "无权访问该Agent", "Not allowed to access this agent"},
    {"agent.exists", "Agent '{}' 已存在", "Agent '{}' already exists"},
    {"agent.list_loaded", "成功获取 {} 个Agent", "Loaded {} agents"},
    {"agent.loaded", "获取Agent '{}' 成功", "Agent '{}' loaded"},
    {"agent.max_loop_required", "最大循环次数不能为空", "Max loop count is required", 400},
    {"agent.max_loop_too_small", "最大循环次数不能小于 1", "Max loop count cannot be less than 1", 400},
    {"agent.name_missing", "Agent '{}' 缺少名称", "Agent '{}' is missing a name"},
    {"agent.name_required", "Agent 名称不能为空", "Agent name is required"},
    {"agent.not_found", "Agent '{}' 不存在", "Agent '{}' does not exist"},
    {"agent.not_found_plain", "Agent不存在", "Agent not found"},
    {"agent.update_forbidden", "无权更新该Agent", "Not allowed to update this agent"},
    {"agent.updated", "Agent '{}' 更新成功", "Agent '{}' updated successfully"},
    {"agent.users_loaded", "获取授权用户成功", "Authorized users loaded"},
    {"agent.users_set_forbidden", "无权修改授权", "Not allowed to modify authorizations"},
    {"agent.users_updated", "授权更新成功", "Authorization updated"},
    {"agent.users_view_forbidden", "无权查看授权用户", "Not allowed to view authorized users"},
    {"auth.busy", "登录请求过多，请稍后重试", "Too many sign-ins at once. Try again in a moment", 503},
    {"auth.csrf", "请求来源校验失败", "Cross-site request refused", 403, "cross-site request"},
    {"auth.key_face", "该 API Key 不能用于此接口", "This API key is not valid for this API", 403,
     "api key not valid for this api"},
    {"auth.key_invalid", "Token非法", "Invalid token", 401, "invalid token"},
    {"auth.login_success", "登录成功", "Signed in successfully"},
    {"auth.logout_success", "退出成功", "Signed out successfully"},
    {"auth.password_too_long", "密码过长", "The password is too long", 400},
    {"auth.providers_loaded", "获取认证 Providers 成功", "Auth providers loaded"},
    {"auth.session_invalid", "未授权", "Unauthorized", 401, "missing auth session"},
    {"auth.throttled", "登录失败次数过多，请 {} 秒后重试", "Too many failed sign-ins. Try again in {} seconds", 429,
     "login throttled"},
    {"auth.token_expired", "登录过期", "Session expired", 401, "token expired"},
    {"auth.token_invalid", "Token非法", "Invalid token", 401, "invalid token"},
    {"auth.unauthorized", "未授权", "Unauthorized", 401, "missing auth session"},
    {"auth.user_inactive", "账号已停用", "This account is disabled", 401, "account disabled"},
    {"chat.agent_not_found", "Agent 不存在", "Agent does not exist"},
    {"chat.client_disconnected", "客户端断开连接", "Client disconnected"},
    {"chat.max_loops_required", "max_loop_count 必须显式传入", "max_loop_count must be provided explicitly", 400,
     "Missing required field: max_loop_count"},
    {"chat.message_invalid", "Value error, a message is not valid", "Value error, a message is not valid", 422,
     "messages"},
    {"chat.messages_empty", "消息列表不能为空", "Message list cannot be empty"},
    {"chat.session_id_invalid", "session_id 不合法", "Invalid session_id", 400},
    {"chat.session_interrupted", "会话 {} 已中断", "会话 {} 已中断"},
    {"chat.session_reentered", "同会话重入，先中断旧会话",
     "Same session started again; interrupting the previous session first"},
    {"common.permission_denied", "权限不足", "Permission denied", 403},
    {"conversation.delete_forbidden", "无权删除该会话", "Not allowed to delete this conversation"},
    {"conversation.deleted", "会话 {} 已删除", "会话 {} 已删除"},
    {"conversation.list_loaded", "获取会话列表成功", "Conversation list loaded"},
    {"conversation.messages_loaded", "获取会话消息成功", "Conversation messages loaded"},
    {"conversation.new_title", "新会话", "New conversation"},
    {"conversation.not_exist", "会话 {} 不存在", "Conversation {} does not exist"},
    {"conversation.not_found", "会话 {} 不存在", "Conversation {} does not exist", 404},
    {"conversation.not_yours", "无权访问该会话", "Not allowed to access this conversation"},
    {"conversation.title_updated", "会话标题更新成功", "Conversation title updated"},
    {"error.busy", "服务繁忙，请稍后重试", "The service is busy. Try again later", 503},
    {"error.internal_server", "内部服务器错误", "Internal server error"},
    {"error.no_space", "服务器存储空间不足", "The server has no storage space left", 507, "no space left"},
    {"error.rate", "请求过于频繁，请稍后重试", "Too many requests. Try again later", 429},
    {"error.timeout", "请求处理超时", "The request took too long", 504},
    {"error.too_large", "请求内容过大", "The request is too large", 413},
    {"llm_provider.capabilities_success", "能力验证成功", "Capability verification succeeded"},
    {"llm_provider.created", "", ""},
    {"llm_provider.key_lines", "Value error, API key must be a single line",
     "Value error, API key must be a single line", 422, "api_keys"},
    {"llm_provider.list_loaded", "", ""},
    {"llm_provider.multimodal_not_supported", "该模型不支持多模态", "This model does not support multimodal input"},
    {"llm_provider.multimodal_recognized", "多模态验证成功，模型正确识别了图片内容",
     "Multimodal verification succeeded and the image content was recognized correctly"},
    {"llm_provider.one_key", "Value error, Exactly one API key is required",
     "Value error, Exactly one API key is required", 422, "api_keys"},
    {"llm_provider.verify_failed", "验证失败: {}", "Verification failed: {}"},
    {"llm_provider.verify_success", "验证成功", "Verification succeeded"},
    {"provider.keys_unreadable", "模型提供商的密钥无法解密", "The provider's key cannot be decrypted"},
    {"provider.no_default", "Default LLM provider not found", "Default LLM provider not found", 0,
     "Default LLM provider not found"},
    {"provider.not_found", "LLM 提供商不存在", "LLM provider not found", 0, "LLM provider not found: {}"},
    {"run.busy", "会话正在运行中，请先调用 interrupt 或使用不同的会话ID",
     "The conversation is already running. Call interrupt first or use a different session ID"},
    {"run.unwinding", "会话正在清理中，请稍后重试", "The conversation is being cleaned up. Try again later"},
    {"system.healthy", "服务运行正常", "Service is running"},
    {"system.info_loaded", "获取系统信息成功", "System information loaded"},
    {"system.settings_updated", "系统设置更新成功", "System settings updated"},
    {"tool.executed", "工具执行成功", "Tool executed successfully"},
    {"tool.list_loaded", "获取工具列表成功", "Tool list loaded"},
    {"tool.not_found", "工具不存在", "Tool not found", 0, "Tool '{}' not found"},
    {"user.invalid_credentials", "用户名或密码错误", "Invalid username or password", 0, "invalid credentials"},
};
const size_t sage_message_count = COUNT(sage_messages);

static int compare(const void *code, const void *row)
{
    return strcmp(code, ((const sage_message *)row)->code);
}

const sage_message *sage_message_find(const char *code)
{
    return code != NULL ? bsearch(code, sage_messages, COUNT(sage_messages), sizeof(sage_messages[0]), compare) : NULL;
}
