/* SPDX-License-Identifier: MIT */
/* Conversations that events start, on both engines. */
#include "agent/deliver.h"

#include <sys/stat.h>

#include "agent/chat.h"
#include "engine.h"
#include "model/agent.h"
#include "model/conversation.h"
#include "model/provider.h"
#include "model/user.h"
#include "stage.h"

static const stage_answer two[] = {{.body = TEXT("Noted.") STOP}, {.body = TEXT("Again.") STOP}};

/* A user with an agent, over a model that plays `two`. */
static stage *world(scope *s, user_row *owner, agent_row *agent)
{
    stage *st = STAGE(s, two);
    served_model sm = {
        .provider = {.name = "Default", .requester = "openai", .base_url = stage_provider(st->s->arena, st)},
        .model = {.name = "test-model", .kind = MODEL_LLM, .context_length = 100000},
    };
    char *dir = arena_printf(s->arena, "%s/agents", test_dir());

    tool_setup();
    mkdir(dir, 0700);
    chat_configure(&(chat_settings){.workspaces = dir, .run_timeout = MINUTES(1), .default_max_loops = 5});
    CHECK(served_set_system_default(s, &sm) == OK, "%s", s->failure.text);
    *owner = (user_row){.username = "ann", .active = true};
    CHECK_INT(user_insert(s, owner), OK);
    *agent = (agent_row){.owner_id = owner->id, .name = "Clerk", .config = "{\"availableTools\":[\"todo_read\"]}"};
    CHECK_INT(agent_insert(s, agent), OK);
    return st;
}

static agent_event event_for(scope *s, const user_row *owner, const agent_row *agent)
{
    return (agent_event){.owner_id = owner->id,
                         .agent_id = agent->id,
                         .session_id = "7d4c1a30-0000-4000-8000-000000000001",
                         .source = "trigger",
                         .data = json_hold(s->arena, json_pack("{s:s}", "subject", "VPN down"))};
}

ENGINE_TEST(an_event_becomes_the_first_message_of_a_conversation_of_its_owner)
{
    user_row owner;
    agent_row agent;
    stage *st = world(s, &owner, &agent);
    agent_event ev = event_for(s, &owner, &agent);
    conversation_row *c = NULL;

    CHECK(agent_deliver(s, &ev) == OK, "%s", s->failure.text);
    CHECK_INT(st->requests, 1);
    CHECK(stage_request_has(st, 0, "VPN down"), "the model sees the event");
    CHECK_INT(conversation_find(s, owned_by_user(owner.id), ev.session_id, &c), OK);
    CHECK_STR(c->agent_id, agent.id);
    stage_close(st);
}

ENGINE_TEST(an_event_delivered_again_begins_nothing)
{
    user_row owner;
    agent_row agent;
    stage *st = world(s, &owner, &agent);
    agent_event ev = event_for(s, &owner, &agent);

    CHECK_INT(agent_deliver(s, &ev), OK);
    CHECK_INT(agent_deliver(s, &ev), OK);
    CHECK_INT(st->requests, 1);
    stage_close(st);
}

ENGINE_TEST(an_event_without_its_agent_or_user_is_of_no_use)
{
    user_row owner, other = {.username = "bob", .active = true};
    agent_row agent;
    stage *st = world(s, &owner, &agent);
    agent_event ev = event_for(s, &owner, &agent);

    ev.agent_id = "agent_00000000";
    CHECK_INT(agent_deliver(s, &ev), ERR_INVALID);
    CHECK_STR(s->failure.code, "agent.not_found");
    ev.agent_id = agent.id;
    CHECK_INT(user_insert(s, &other), OK);
    ev.owner_id = other.id;
    CHECK_INT(agent_deliver(s, &ev), ERR_INVALID);
    CHECK_STR(s->failure.code, "agent.denied");
    ev.owner_id = "00000000000000000000000000000000";
    CHECK_INT(agent_deliver(s, &ev), ERR_INVALID);
    CHECK_INT(st->requests, 0);
    stage_close(st);
}
