/* SPDX-License-Identifier: MIT */
/*
 * The table of API-key scopes, and lists of them.
 */
#include "auth/scopes.h"

#include "base/buf.h"

const scope_entry scope_table[] = {
    {"*", SCOPES_ALL, "Everything the user may do, on every face"},
    {"sage", SCOPES_SAGE, "The Sage API as the user"},
    {"langflow", SCOPES_LANGFLOW, "The Langflow API as the user"},
    {"workspace.view", SCOPES_LANGBOT, "See the workspace"},
    {"workspace.update", SCOPES_LANGBOT, "Change the workspace"},
    {"workspace.delete", SCOPES_LANGBOT, "Delete the workspace"},
    {"member.view", SCOPES_LANGBOT, "See the members"},
    {"member.invite", SCOPES_LANGBOT, "Invite members"},
    {"member.update_role", SCOPES_LANGBOT, "Change a member's role"},
    {"member.remove", SCOPES_LANGBOT, "Remove members"},
    {"resource.view", SCOPES_LANGBOT, "See providers, models, pipelines, bots and knowledge"},
    {"resource.manage", SCOPES_LANGBOT, "Create, change and delete them"},
    {"runtime.operate", SCOPES_LANGBOT, "Start, stop and test them"},
    {"provider_secret.manage", SCOPES_LANGBOT, "See and set provider secrets"},
    {"api_key.manage", SCOPES_LANGBOT, "Manage API keys"},
    {"audit.view", SCOPES_LANGBOT, "Read monitoring data"},
    {"data.export", SCOPES_LANGBOT, "Export monitoring data"},
    {"billing_link.manage", SCOPES_LANGBOT, "Manage the billing link"},
    {"ASSISTANT_API", SCOPES_LANGDOCK, "Assistants, and listing integrations"},
    {"AGENT_API", SCOPES_LANGDOCK, "Agents and MCP"},
    {"INTEGRATION_API", SCOPES_LANGDOCK, "Integrations"},
    {"KNOWLEDGE_FOLDER_API", SCOPES_LANGDOCK, "Knowledge folders and attachments"},
    {"AUDIT_LOG_API", SCOPES_LANGDOCK, "Audit logs"},
    {"USAGE_EXPORT_API", SCOPES_LANGDOCK, "Usage export"},
    {"USER_MANAGEMENT_API", SCOPES_LANGDOCK, "Users"},
    {"PROMPT_API", SCOPES_LANGDOCK, "Prompts"},
    {"AUTOMATION_API", SCOPES_LANGDOCK, "Automations"},
    {"WORKFLOW_API", SCOPES_LANGDOCK, "Read and run workflows"},
    {"WORKFLOW_WRITE_API", SCOPES_LANGDOCK, "Create, change and publish workflows"},
    {"WORKFLOW_DELETE_API", SCOPES_LANGDOCK, "Delete workflows"},
    {"COMPLETION_API", SCOPES_LANGDOCK, "Model completions and embeddings"},
    {"SKILL_API", SCOPES_LANGDOCK, "Skills"},
};
const size_t scope_table_count = COUNT(scope_table);

const scope_entry *scope_find(str name)
{
    for (size_t i = 0; i < COUNT(scope_table); i++)
        if (str_is(name, scope_table[i].name))
            return &scope_table[i];
    return NULL;
}

bool scopes_cover(const char *list, const char *scope)
{
    str rest = str_of(list), one;

    while (str_next(&rest, ' ', &one))
        if (one.len > 0 && (str_is(one, "*") || str_is(one, scope)))
            return true;
    return false;
}

char *scopes_faces(arena *a, const char *list)
{
    static const struct {
        scope_family family;
        const char *face;
    } faces[] = {{SCOPES_SAGE, "sage"},
                 {SCOPES_LANGBOT, "langbot"},
                 {SCOPES_LANGFLOW, "langflow"},
                 {SCOPES_LANGDOCK, "langdock"}};
    str rest = str_of(list), one;
    unsigned seen = 0;
    buf *b = buf_new(a, 64);

    while (str_next(&rest, ' ', &one)) {
        const scope_entry *known = scope_find(one);

        if (known != NULL)
            seen |= 1U << known->family;
    }
    if (seen & (1U << SCOPES_ALL))
        return arena_strdup(a, "*");
    for (size_t i = 0; i < COUNT(faces); i++)
        if (seen & (1U << faces[i].family))
            buf_printf(b, "%s%s", b->len > 0 ? " " : "", faces[i].face);
    return arena_strdup(a, buf_str(b));
}

char *scopes_known(arena *a)
{
    buf *b = buf_new(a, KIB(4));

    for (size_t i = 0; i < COUNT(scope_table); i++) {
        if (i > 0)
            buf_puts(b, ", ");
        buf_puts(b, scope_table[i].name);
    }
    return arena_strdup(a, buf_str(b));
}
